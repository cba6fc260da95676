"""How this rotom was installed, and with that, how it is updated.

What installers leave behind tells, and only that: pipx and uv put a file of their own into the environments that they make,
pip writes down its name and where a package came from, a distribution's package manager knows its files. What a tool looks
after is updated by that tool; what a person put together by hand, or a distribution did, is not ours to change, and only
the command is known here.

What is not here: asking for the newest version, and running the command (cli/update.py).
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

DISTRIBUTION = "rotom-gateway"

_OWNERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("dpkg-query", "--search"), "sudo apt update && sudo apt install --only-upgrade {}"),
    (("rpm", "--query", "--queryformat", "%{NAME}: ", "--file"), "sudo dnf upgrade {}"),
    (("pacman", "--query", "--quiet", "--owns"), "sudo pacman --sync --refresh --sysupgrade {}"),
)
"""What to ask for the package that a file belongs to, and how that package is updated."""


@dataclass(frozen=True, slots=True)
class Installation:
    """How rotom was installed.

    Fields:
      kind: pipx, uv tool, uv, pip, package, checkout, sources, repository, archive, or elsewhere.
      about: the same for a person, after "rotom was installed": "by pipx", "from the sources in /src/rotom".
      command: what updates it, as arguments; empty where that is not for us to run.
      advice: what to type instead, where it is not.
      asks: what tells the newest version, pip or uv, as the start of a command; empty where nothing can.
    """

    kind: str
    about: str
    command: tuple[str, ...] = ()
    advice: str | None = None
    asks: tuple[str, ...] = ()


def installation() -> Installation:
    """How the program that runs was installed."""
    found, folder = _found(), Path(__file__).parents[1]
    noted = found is not None and found.read_text("METADATA") is not None
    if found is None or (not noted and (folder / "setup.cfg").is_file()):
        return Installation("checkout", f"not at all: it runs from {folder}", advice=f"git -C {folder} pull")
    return of(found, Path(sys.prefix), in_environment=sys.prefix != sys.base_prefix)


def _found() -> Distribution | None:
    """What an installer noted of rotom. A build leaves notes of its own in the sources, which `python -m` finds first in
    their folder, and which say nothing of an installation."""
    found = list(distributions(name=DISTRIBUTION))
    return next((one for one in found if one.read_text("METADATA") is not None), found[0] if found else None)


def of(
    found: Distribution, prefix: Path, *, in_environment: bool, owner: Callable[[Path], str | None] | None = None
) -> Installation:
    """How a distribution of rotom was installed.

    Arguments:
      prefix: the prefix of the Python that it runs in.
      in_environment: whether that is a virtual environment.
      owner: for the distribution package that a file belongs to, how it is updated.
    """
    place = Path(str(found.locate_file("rotom/__init__.py")))
    ours = in_environment and place.is_relative_to(prefix)
    origin = _json(found.read_text("direct_url.json"))
    if ours and (prefix / "pipx_metadata.json").is_file():
        return _pipx(prefix, origin)
    if ours and (prefix / "uv-receipt.toml").is_file():
        return _uv_tool(prefix, origin)
    if (source := _source(origin)) is not None:
        return _from_source(source, origin)
    if origin and "vcs_info" in origin:
        return _from_repository(origin)
    if "/nix/store/" in str(place) or "/Cellar/" in str(place):
        name, advice = (
            ("Nix", "nix profile upgrade rotom") if "/nix/" in str(place) else ("Homebrew", "brew upgrade rotom")
        )
        return Installation("package", f"by {name}", advice=advice)
    if not ours and (packaged := (owner or _owner)(place)) is not None:
        return Installation("package", "as a package of your system", advice=packaged)
    return _pip(found, place, in_environment=ours)


def _pipx(prefix: Path, origin: Any) -> Installation:
    name = prefix.name  # with the suffix, if one was given
    if origin and "vcs_info" not in origin:
        return _elsewhere("pipx", origin, "pipx install --force {}")
    asks = () if origin else _pip_asks() or _uv_asks()
    return Installation("pipx", "by pipx", ("pipx", "upgrade", name), asks=asks)


def _uv_tool(prefix: Path, origin: Any) -> Installation:
    if origin and "vcs_info" not in origin:
        return _elsewhere("uv", origin, "uv tool install --force {}")
    with suppress(OSError, ValueError, TypeError, KeyError):
        receipt = tomllib.loads((prefix / "uv-receipt.toml").read_text(encoding="utf-8"))
        (ours,) = (one for one in receipt["tool"]["requirements"] if one.get("name") == DISTRIBUTION)
        if pinned := ours.get("specifier"):
            what = f"by 'uv tool install', held at {pinned}"
            return Installation("uv tool", what, advice=f"uv tool install {DISTRIBUTION}@latest", asks=_uv_asks())
    return Installation(
        "uv tool", "by 'uv tool install'", ("uv", "tool", "upgrade", prefix.name), asks=() if origin else _uv_asks()
    )


def _elsewhere(tool: str, origin: Any, command: str) -> Installation:
    """A tool was given a file or a folder, and would take the same again."""
    if (source := _source(origin)) is not None:
        if "editable" in (origin.get("dir_info") or ()):
            return Installation(
                "checkout", f"by {tool} as a checkout, {source}", advice=f"git -C {shlex.quote(source)} pull"
            )
        place = shlex.quote(source)
        advice = f"git -C {place} pull && {command.format(place)}"
        return Installation("sources", f"by {tool} from the sources in {source}", advice=advice)
    file = Path(unquote(urlsplit(str(origin.get("url"))).path)).name
    return Installation("archive", f"by {tool} from the file {file}", advice=command.format(DISTRIBUTION))


def _from_source(source: str, origin: Any) -> Installation:
    pull = f"git -C {shlex.quote(source)} pull"
    if origin["dir_info"].get("editable"):
        return Installation("checkout", f"as a checkout, {source}", advice=pull)
    advice = f"{pull} && {sys.executable} -m pip install {shlex.quote(source)}"
    return Installation("sources", f"from the sources in {source}", advice=advice)


def _from_repository(origin: Any) -> Installation:
    parts = urlsplit(str(origin.get("url")))
    url = parts.geturl()
    if parts.scheme != "ssh":  # a name there may be a token, or have a password beside it
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    what = shlex.quote(f"{DISTRIBUTION} @ {origin['vcs_info'].get('vcs')}+{url}")
    advice = f"{sys.executable} -m pip install --force-reinstall {what}"
    return Installation("repository", f"from {url}", advice=advice)


def _pip(found: Distribution, place: Path, *, in_environment: bool) -> Installation:
    installer = (found.read_text("INSTALLER") or "").strip()
    if installer not in ("pip", "uv"):
        by = f"by {installer}" if installer else "in a way that leaves no trace"
        return Installation("elsewhere", by, advice="update it the way that it was installed")
    where = "in a virtual environment" if in_environment else "in the system's Python"
    pip: tuple[str, ...] = (sys.executable, "-P", "-m", "pip", "install", "--quiet", "--upgrade")
    if not in_environment:
        where = "for you alone" if place.is_relative_to(_user_folder()) else where
        pip += ("--user",) if place.is_relative_to(_user_folder()) else ()
        if Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file():
            about = f"by pip {where}, which belongs to your system's package manager"
            advice = f"{' '.join(pip)} --break-system-packages {DISTRIBUTION}, or better: pipx install {DISTRIBUTION}"
            return Installation("elsewhere", about, advice=advice)
        if not os.access(place.parents[1], os.W_OK):
            return Installation("elsewhere", f"by pip {where}", advice=f"sudo {' '.join(pip)} {DISTRIBUTION}")
    if installer == "pip" and _pip_asks():
        return Installation("pip", f"by pip {where}", (*pip, DISTRIBUTION), asks=_pip_asks())
    if _uv_asks():
        command = ("uv", "pip", "install", "--python", sys.executable, "--upgrade", DISTRIBUTION)
        return Installation("uv", f"by {installer} {where}", command, asks=_uv_asks())
    return Installation(
        "elsewhere", f"by {installer} {where}", advice=f"{sys.executable} -m ensurepip, then again: rotom update"
    )


def _pip_asks() -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "pip") if find_spec("pip") else ()


def _uv_asks() -> tuple[str, ...]:
    return ("uv", "pip") if shutil.which("uv") else ()


def _source(origin: Any) -> str | None:
    """The folder that it was installed from."""
    if origin and "dir_info" in origin:
        return unquote(urlsplit(str(origin.get("url"))).path)
    return None


def _json(text: str | None) -> Any:
    with suppress(ValueError):
        value = json.loads(text or "null")
        return value if isinstance(value, dict) else None
    return None


def _user_folder() -> Path:
    import site

    return Path(site.getuserbase())


def _owner(file: Path) -> str | None:
    """How the distribution package that a file belongs to is updated; None: it belongs to none."""
    for (program, *options), advice in _OWNERS:
        if shutil.which(program) is None:
            continue
        with suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(
                [program, *options, str(file)], capture_output=True, text=True, timeout=30, check=False
            )
            if done.returncode == 0 and (name := done.stdout.partition(":")[0].strip()):
                return advice.format(name)
    return None
