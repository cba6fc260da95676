"""The port: whether the server of this home runs, and else who holds its address.

A server of ours is known by what it wrote down (running.py) and by its answer; nobody else is sent the local key.

What is not here: the service that starts it (service.py).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import trio

from rotom import __version__
from rotom.doctor.finding import Finding, fail, ok, skip, warn
from rotom.doctor.tools import Tools, key_header, local
from rotom.problem import Problem
from rotom.running import NAME, find, root_of
from rotom.server import listen
from rotom.term import words

SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What listens on an address: a rotom, of which version where it says; or something else."""

    rotom: bool
    version: str | None = None


async def check(tools: Tools) -> list[Finding]:
    """Everything of this subject."""
    found = list(_left_behind(tools))
    ours = tools.running.addresses if tools.running is not None else ()
    found += [await _ours(tools, address) for address in ours]
    try:
        binds = [str(address) for address in listen.addresses(tools.case.config.bind)]
    except Problem:
        return found  # told with the settings
    others = [address for address in binds if address not in ours and not address.endswith(":0")]
    return found + [await _theirs(tools, address) for address in others]


def _left_behind(tools: Tools) -> Iterator[Finding]:
    path = tools.case.config.home / NAME
    if tools.running is None and path.exists():
        yield skip(
            "port.left", f"{path.name} tells of a server that does not run with these credentials; it does no harm"
        )


async def _ours(tools: Tools, address: str) -> Finding:
    assert tools.running is not None
    answered = await _asked(address, key_header(tools.case))
    pid, started = tools.running.pid, tools.running.started_at
    if answered is None or not answered.rotom:
        return fail(
            "port.server",
            f"the server (process {pid}) should listen on {address} and does not answer as rotom",
            "restart it: rotom daemon restart, or end it and: rotom serve",
        )
    if answered.version is None:
        return warn(
            "port.server",
            f"rotom answers on {address} (process {pid}), but wants another local key than the one configured here",
            "restart it, so that it takes the key of now",
        )
    if answered.version != __version__:
        return warn(
            "port.server",
            f"the server on {address} is rotom {answered.version}, and this is {__version__}",
            "restart it: rotom daemon restart",
        )
    since = "" if started is None else f", for {words(time.time() - started)}"
    return ok("port.server", f"rotom {answered.version} serves on {address} (process {pid}{since})")


async def _theirs(tools: Tools, address: str) -> Finding:
    """An address that should be free, or a server's that was started otherwise, or by our asking: a service manager may
    hold the address and start it then."""
    answered = await _asked(address, {})
    if answered is not None and answered.rotom:
        running = await trio.to_thread.run_sync(find, tools.case.config)
        if running is not None and address in running.addresses:
            return await _ours(replace(tools, running=running), address)
    if answered is None:
        if tools.running is not None:
            return warn("port.address", f"nobody listens on {address}, which is in the settings", "restart the server")
        return skip(
            "port.address", f"{address} is free: no server runs", "start one: rotom serve, or as a service, below"
        )
    holder = await trio.to_thread.run_sync(holder_of, int(address.rpartition(":")[2]))
    who = f" ({holder})" if holder else ""
    if answered.rotom:
        return warn(
            "port.address",
            f"another rotom listens on {address}{who}: with other credentials, or another ROTOM_HOME",
            "end it, or choose another address: rotom config set bind 127.0.0.1:PORT",
        )
    return fail(
        "port.address",
        f"another program listens on {address}{who}",
        "end it, or choose another address: rotom config set bind 127.0.0.1:PORT",
    )


async def _asked(address: str, headers: dict[str, str]) -> Answered | None:
    """What answers on an address; None: nobody listens."""
    async with local(SECONDS) as client:
        try:
            health = await client.get(f"{root_of(address)}/health")
            if health.status_code != 200 or health.json() != {"status": "ok"}:
                return Answered(False)
            root = await client.get(f"{root_of(address)}/", headers=headers)
            if root.status_code == 401:
                return Answered(True)
            value = root.json()
            version = value.get("version") if value.get("name") == "rotom" else None
            return Answered(version is not None, version if isinstance(version, str) else None)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError):
            return Answered(False)


def holder_of(port: int, proc: Path = Path("/proc")) -> str | None:
    """Which process listens on a port, as far as Linux lets us see: "nginx, process 4711"."""
    sockets = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError, IndexError, ValueError):
            for line in (proc / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: it listens
                    sockets.add(f"socket:[{fields[9]}]")
    if not sockets:
        return None
    for folder in proc.glob("[0-9]*"):
        with suppress(OSError):
            for descriptor in (folder / "fd").iterdir():
                if os.readlink(descriptor) in sockets:
                    name = re.sub(r"[^\w.:/ -]", "?", (folder / "comm").read_text().strip())
                    return f"{name}, process {folder.name}"
    return "a process of another user"
