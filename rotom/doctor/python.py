"""Python, the packages, and which rotom this is.

What is not here: how an installation is renewed (`rotom update`).
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from rotom import __version__
from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, fail, ok, warn
from rotom.exits import CONFIG
from rotom.installation import DISTRIBUTION, installation

OLDEST = (3, 11)
FOREIGN = "rotom"
"""A project of that name on the public index has nothing to do with this one, and its package takes our place."""

FLOORS = {
    "trio": "0.29",
    "h11": "0.16",
    "httpx": "0.28.1",
    "trio-websocket": "0.12.2",
    "cryptography": "43",
    "docopt-ng": "0.9",
}
"""What this version was tried with, where the installation does not say itself what it needs (a packager may know of a
mended older one)."""

FORMER = "docopt"
"""What docopt-ng came of: a package of another name with a module of the same."""

SCRIPT_BYTES = 4096


def check(case: Case) -> list[Finding]:
    """Everything of this subject."""
    return [_python(), *_packages(), _chunks(), _installed(), *_others(case)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        return fail("python.version", f"Python {version} is too old", "use Python 3.11 or newer", CONFIG)
    return ok("python.version", f"Python {version} ({sys.platform})")


def floors() -> dict[str, str]:
    """Package -> the oldest version that will do, as this installation says."""
    with suppress(metadata.PackageNotFoundError):
        found = {}
        for line in metadata.requires(DISTRIBUTION) or ():
            if ";" not in line and (match := re.match(r"([A-Za-z0-9._-]+)\s*\(?>=\s*([0-9.]+)", line)):
                found[match[1].lower().replace("_", "-")] = match[2]
        if found:
            return FLOORS | {name: floor for name, floor in found.items() if name in FLOORS}
    return FLOORS


def numbers(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version, to compare."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    found = [int(part) for part in match[0].split(".")] if match else [0]
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return tuple(found)


def _packages() -> Iterator[Finding]:
    good = []
    older = _version(FORMER)
    for name, floor in floors().items():
        check, version = f"python.{name}", _version(name)
        if version is None and name == "docopt-ng" and older is not None:
            good.append(
                f"{FORMER} {older}"
            )  # some systems have only the former one; what rotom takes of it is the same
        elif version is None:
            yield fail(check, f"the package {name} is not installed", _mend(), CONFIG)
        elif numbers(version) < numbers(floor):
            yield fail(check, f"{name} {version} is older than {floor}", _mend(), CONFIG)
        else:
            good.append(f"{name} {version}")
            if name == "docopt-ng" and older is not None:
                advice = f"{sys.executable} -m pip uninstall {FORMER}, then install docopt-ng anew"
                yield warn("python.docopt", f"{FORMER} is installed beside docopt-ng; both have the same file", advice)
    if good:
        yield ok("python.packages", ", ".join(good))


def _version(name: str) -> str | None:
    """The version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _mend() -> str:
    return f"install {DISTRIBUTION} anew; a package of the system is renewed by the system"


def _chunks() -> Finding:
    """The behaviour and not the version: some systems have mended an older one."""
    import h11

    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n")
    try:
        while connection.next_event() not in (h11.NEED_DATA, h11.PAUSED):
            if connection.their_state is h11.DONE:
                break
    except h11.RemoteProtocolError:
        return ok("python.h11.chunks", "h11 refuses a chunk that does not end where it says")
    return fail(
        "python.h11.chunks",
        f"h11 {metadata.version('h11')} accepts a chunk that does not end where it says (CVE-2025-43859)",
        "install h11 0.16 or newer",
        CONFIG,
    )


def _installed() -> Finding:
    place = Path(__file__).resolve().parents[2]
    with suppress(metadata.PackageNotFoundError):
        known = metadata.version(DISTRIBUTION)
        if known != __version__:
            return warn(
                "rotom.version",
                f"rotom {__version__} in {place}, but {DISTRIBUTION} {known} is what is installed",
                f"install {DISTRIBUTION} anew",
            )
    found = installation()
    how = "from a repository" if found.kind == "repository" else found.about  # whose address is nobody's business
    return ok("rotom.version", f"rotom {__version__} in {place}, installed {how}")


def _others(case: Case) -> Iterator[Finding]:
    with suppress(metadata.PackageNotFoundError):
        version = metadata.version(FOREIGN)
        yield fail(
            "rotom.foreign",
            f"the package rotom {version} is installed here, too: it belongs to another project, and its files may have "
            "taken the place of ours",
            f"{sys.executable} -m pip uninstall {FOREIGN}, then install {DISTRIBUTION} anew",
            CONFIG,
        )
    found = list(on_path(case.environ))
    if not found:
        advice = f"add {Path(sysconfig.get_path('scripts'))} to PATH"
        yield warn("rotom.path", "no program called rotom is on PATH", advice)
    elif not is_ours(found[0]):
        yield warn(
            "rotom.path",
            f"who types rotom gets another program: {found[0]}",
            "take it off PATH, or put the folder of this one before it",
        )
    else:
        more = f"; behind it on PATH: {', '.join(map(str, found[1:]))}" if found[1:] else ""
        yield ok("rotom.path", f"who types rotom gets this one: {found[0]}{more}")


def on_path(environ: Mapping[str, str]) -> Iterator[Path]:
    """The programs called rotom that a shell would find, in order."""
    seen = set()
    for folder in environ.get("PATH", "").split(os.pathsep):
        for name in ("rotom.exe", "rotom") if os.name == "nt" else ("rotom",):
            path = Path(folder or ".") / name
            with suppress(OSError):
                if path.is_file() and os.access(path, os.X_OK) and (real := path.resolve()) not in seen:
                    seen.add(real)
                    yield path


def is_ours(path: Path) -> bool:
    """Whether a program on PATH is this installation: its interpreter is ours."""
    with suppress(OSError):
        real = path.resolve()
        folders = {Path(sysconfig.get_path("scripts")).resolve(), Path(sys.executable).parent.resolve()}
        if real.parent in folders:
            return True
        with real.open("rb") as file:
            head = file.read(SCRIPT_BYTES)
        line, _, rest = head.partition(b"\n")
        interpreter = line.removeprefix(b"#!").strip().decode("utf-8", "replace").split(" ")[0]
        if line.startswith(b"#!") and b"rotom" in rest:
            return interpreter.endswith("/env") or Path(interpreter).parent.resolve() in folders
    return False
