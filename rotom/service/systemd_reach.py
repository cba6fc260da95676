"""Whether a person's systemd can be reached, and if not, why: in words that say what to do.

"Failed to connect to bus" has a handful of causes, each with its own remedy; they are told apart by what is there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from rotom.problem import Kind, Problem


def check(environ: Mapping[str, str], *, there: bool, booted: bool, user: str) -> None:
    """Nothing, when everything is there that a connection needs.

    Arguments:
      there: systemd is installed; booted: it started this machine; user: the name of who asks.

    Raises:
      Problem: UNAVAILABLE.
    """
    if not there:
        raise _none("there is no systemd on this machine", "run 'rotom serve' by hand or by what starts things here")
    if not booted:
        if environ.get("WSL_DISTRO_NAME"):
            hint = "put the lines '[boot]' and 'systemd=true' into /etc/wsl.conf, then run 'wsl --shutdown' in Windows"
            raise _none("systemd is not switched on in this WSL", hint)
        hint = "run 'rotom serve' as the container's program, or by what starts things here"
        raise _none("this machine was not started by systemd (it may be a container)", hint)
    runtime, uid = environ.get("XDG_RUNTIME_DIR"), os.getuid()
    if uid == 0 and environ.get("SUDO_USER", "root") != "root":
        raise _none("the service is a person's own, and this is sudo's shell, which is root's", "do it without sudo")
    usual = f"/run/user/{uid}"
    if not runtime and os.path.isdir(usual):
        message = "XDG_RUNTIME_DIR is not set, as after su or sudo, so that your systemd cannot be found"
        raise _none(message, f"export XDG_RUNTIME_DIR={usual}")
    try:
        owner = os.stat(runtime or usual).st_uid
    except OSError:
        message = f"no systemd runs for your user (uid {uid}), since nobody is logged in as it"
        raise _none(message, _lingering(user)) from None
    if owner != uid:
        message = f"XDG_RUNTIME_DIR ({runtime}) is another user's, as after su or sudo"
        raise _none(message, f"log in as {user}, or: machinectl shell {user}@")


def silent(said: str, user: str) -> Problem:
    """It does not answer; `said` is what systemctl said of that."""
    return _none(f"your systemd does not answer: {said or 'no reason given'}", _lingering(user))


def _none(message: str, hint: str) -> Problem:
    return Problem(Kind.UNAVAILABLE, message, code="no_service_manager", hint=hint)


def _lingering(user: str) -> str:
    return f"loginctl enable-linger {user}    (as root; it starts one that stays)"
