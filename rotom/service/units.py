"""systemd units, as text: the service, its socket, its sandbox, and the drop-in over a distribution's own unit.

One source: ``rotom daemon install`` writes these for one person, and contrib/systemd holds the same ones for a
distribution's paths (a test compares them).

Theory of the sandbox: in a user manager, everything that closes off files or devices needs a user namespace, and some
machines forbid those; a unit that asks for one then does not start at all. So that block stands in a drop-in of its own
which can be left out, and the unit itself holds what works everywhere.

What is not here: talking to systemd, and deciding what is wanted (systemd.py).
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterable
from pathlib import Path

from rotom.exits import HOPELESS
from rotom.service import Plan

SERVICE, SOCKET = "rotom.service", "rotom.socket"
DROP_IN, SANDBOX = "rotom.conf", "10-sandbox.conf"
"""The drop-ins, in the folder rotom.service.d."""

NOTIFY_RELOAD = 253
"""The first systemd that waits for a reload to be over."""

DESCRIPTION = "rotom, a local OpenAI- and Anthropic-compatible gateway"
MARK = "# Written by 'rotom daemon install"
FOR_PACKAGES = """\
# A user unit for distributions, which install it as /usr/lib/systemd/user/{name}.
# People need not copy it: 'rotom daemon install' writes its own, or only a drop-in where this one is.
"""
AS_EXAMPLE = """\
# The sandbox of rotom.service, an example for ~/.config/systemd/user/rotom.service.d/{name}.
# 'rotom daemon install' writes it where it works, so packages leave it out of what everybody's systemd reads.
"""

DISTRIBUTION = Plan(command=("/usr/bin/rotom",), streams=("127.0.0.1:14550",), writable=(Path("%h/.rotom"),))
"""What is packaged: for everybody, so that the person's home is not known."""

SERVICE_TEXT = """\
[Unit]
Description={description}
Documentation=man:rotom-daemon(1) man:rotom(1) man:rotom-config(5)
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
{kind}
NotifyAccess=main
ExecStart={command} serve
Restart=on-failure
RestartSec=2
# A wrong command line, a bad file, missing rights and a wrong configuration stay wrong: see EXIT STATUS in rotom(1).
RestartPreventExitStatus={hopeless}
WatchdogSec=30
TimeoutStartSec=60
TimeoutStopSec={stop}
KillMode=mixed
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
{own}
[Install]
WantedBy=default.target
"""

SOCKET_TEXT = """\
[Unit]
Description=the address of rotom
Documentation=man:rotom-daemon(1)

[Socket]
{streams}
BindIPv6Only=ipv6-only
FileDescriptorName=http
Backlog=512

[Install]
WantedBy=sockets.target
"""

SANDBOX_LINES = (
    "PrivateUsers=yes",
    "CapabilityBoundingSet=",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHome=read-only",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "ProtectSystem=strict",
)
"""All of this needs a user namespace, which the first line asks for."""


def service(plan: Plan, version: int = 0) -> str:
    """The unit.

    Arguments:
      version: systemd's own; 0 stands for any, as in a package.
    """
    reload = "Type=notify\nExecReload=/bin/sh -c 'kill -HUP \"$MAINPID\"'"
    text = SERVICE_TEXT.format(
        description=DESCRIPTION,
        kind="Type=notify-reload" if version >= NOTIFY_RELOAD else reload,
        command=_command(plan),
        hopeless=" ".join(map(str, HOPELESS)),
        stop=_stop_seconds(plan),
        own="".join(f"{line}\n" for line in _own(plan)),
    )
    return _head(plan, SERVICE) + text


def socket(plan: Plan) -> str:
    """The socket unit of a plan that has streams."""
    return _head(plan, SOCKET) + SOCKET_TEXT.format(streams="\n".join(f"ListenStream={each}" for each in plan.streams))


def sandbox_lines(plan: Plan) -> tuple[str, ...]:
    """The settings of the sandbox: nothing is written but where rotom keeps its files."""
    paths = " ".join(quoted(f"-{_plain(path)}") for path in plan.writable)
    return (*SANDBOX_LINES, f"ReadWritePaths={paths}")


def trial_properties(plan: Plan) -> tuple[str, ...]:
    """The same for systemd-run, which takes a percent sign as it is; with the key, since some releases fail on the two
    together."""
    return tuple(line.replace("%%", "%") for line in (*sandbox_lines(plan), *credentials(plan)))


def sandbox(plan: Plan) -> str:
    """The sandbox, as a drop-in."""
    about = (
        "# Needs user namespaces. Where they are forbidden, the service does not start with this file: take it away."
    )
    return "\n".join([_head(plan, SANDBOX).rstrip(), about, "[Service]", *sandbox_lines(plan), ""])


def drop_in(plan: Plan, shipped: str) -> str:
    """What one person's service needs over the unit that a distribution ships.

    Arguments:
      shipped: the text of that unit.
    """
    lines = [_head(plan, DROP_IN).rstrip(), "[Service]"]
    wanted = f"{_command(plan)} serve"
    if _value(shipped, "ExecStart") != wanted:
        lines += ["ExecStart=", f"ExecStart={wanted}"]
    if _value(shipped, "TimeoutStopSec") != str(_stop_seconds(plan)):
        lines.append(f"TimeoutStopSec={_stop_seconds(plan)}")
    return "\n".join([*lines, *_own(plan), ""])


def options(text: str) -> tuple[str, ...]:
    """`Plan.options` of a unit or drop-in that was written here."""
    match = re.match(rf"{re.escape(MARK)}([^']*)'", text)
    return tuple(match[1].split()) if match else ()


def home(text: str) -> Path | None:
    """`Plan.home` of a unit or drop-in that was written here."""
    match = re.search(r'^Environment=("?)ROTOM_HOME=(.*)\1$', text, re.MULTILINE)
    return Path(re.sub(r"\\(.)", r"\1", match[2]).replace("%%", "%")) if match else None


def streams(binds: Iterable[str]) -> tuple[str, ...]:
    """The addresses of a socket unit for what `bind` says.

    Raises:
      ValueError: systemd cannot hold such an address open; the rest of a sentence that begins with it.
    """
    found = []
    for bind in binds:
        if "/" in bind:
            raise ValueError(f"{bind} is a range, whose addresses are only known when rotom starts")
        host, _, port = bind.rpartition(":") if re.search(r"(^\[.*\]|^[^:]+):\d+$", bind) else (bind, "", "14550")
        if int(port) == 0:
            raise ValueError(f"{bind} lets the system choose a port")
        bare = host.removeprefix("[").removesuffix("]")
        try:
            address = ipaddress.ip_address(bare)
        except ValueError:
            raise ValueError(f"{bind} is a name, which may stand for several addresses") from None
        if "%" in bare:
            raise ValueError(f"{bind} belongs to one network device")
        found.append(f"[{address}]:{int(port)}" if address.version == 6 else f"{address}:{int(port)}")
    return tuple(dict.fromkeys(found))


def _head(plan: Plan, name: str) -> str:
    if plan == DISTRIBUTION:
        return (AS_EXAMPLE if name == SANDBOX else FOR_PACKAGES).format(name=name)
    options = "".join(f" {option}" for option in plan.options)
    return (
        f"{MARK}{options}', and again by 'rotom daemon reinstall': changes here are lost.\n"
        "# Your own go into a drop-in: systemctl --user edit rotom.service\n"
    )


def _command(plan: Plan) -> str:
    return " ".join(quoted(_plain(word)) for word in plan.command)


def _own(plan: Plan) -> list[str]:
    """What is this person's own."""
    lines = []
    if plan.streams and plan != DISTRIBUTION:
        lines.append(f"Sockets={SOCKET}")
    if plan.home is not None:
        lines.append(f"Environment={quoted(f'ROTOM_HOME={_plain(plan.home)}')}")
    lines += [f"Environment={quoted(f'{name}={_plain(value)}')}" for name, value in plan.environment.items()]
    if plan.environment_file is not None:
        lines.append(f"EnvironmentFile=-{_plain(plan.environment_file)}")
    return [*lines, *credentials(plan)]


def credentials(plan: Plan) -> list[str]:
    """The setting that hands the local key over."""
    return [] if plan.credential is None else [f"LoadCredential=api-key:{_plain(plan.credential)}"]


def _stop_seconds(plan: Plan) -> int:
    return math.ceil(plan.grace) + 5


def _plain(value: object) -> str:
    """A value in which systemd finds no specifier of its own."""
    text = str(value)
    return text if text.startswith("%h/") else text.replace("%", "%%")


def quoted(text: str) -> str:
    """One word of a list, in quotes where it needs them."""
    if re.fullmatch(r"[\w@%+=:,./-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _value(text: str, name: str) -> str | None:
    """The last value of a setting in a unit's text."""
    found = re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)
    return found[-1].strip() if found else None
