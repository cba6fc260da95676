"""What systemd's answers about a service mean: its phase, why it is not up, and what helps."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from rotom import exits
from rotom.service import FAILED, RETRYING, RUNNING, STARTING, STOPPED, STOPPING

RESULTS = {
    "watchdog": "it gave no sign of life for 30 seconds and was killed",
    "timeout": "it was not ready in time",
    "oom-kill": "the machine ran out of memory and killed it",
    "start-limit-hit": "it failed too often in a short time",
    "resources": "a file that it needs is missing or cannot be read",
    "protocol": "it ended before it was ready",
}
STATUSES = {
    203: "its program cannot be run: rotom was moved or removed",
    217: "the sandbox cannot be made on this machine",
    218: "the sandbox cannot be made on this machine",
    226: "the sandbox cannot be made on this machine",
    243: "the file with the local key cannot be read",
}
"""What systemd's own exit statuses mean, of those that it gives in the process's stead."""
REMEDIES = {203: "rotom daemon reinstall", **dict.fromkeys((217, 218, 226), "rotom daemon reinstall --no-sandbox")}


def phase(show: Mapping[str, str]) -> str:
    """The phase of a service, from its properties."""
    match show.get("ActiveState"), show.get("SubState"):
        case (("active" | "reloading" | "refreshing"), _):
            return RUNNING
        case "activating", "auto-restart":
            return RETRYING
        case "activating", _:
            return STARTING
        case "deactivating", _:
            return STOPPING
        case "failed", _:
            return FAILED
    return STOPPED


def why(show: Mapping[str, str]) -> str | None:
    """Why a service is not up, as far as systemd knows."""
    result, status = show.get("Result", ""), int(show.get("ExecMainStatus") or 0)
    if result == "exit-code":
        meaning = exits.MEANINGS.get(status) or STATUSES.get(status)
        return f"it ended with status {status}" + (f": {meaning}" if meaning else "")
    if result in ("signal", "core-dump") and status:
        try:
            return f"it was ended by {signal.Signals(status).name}"
        except ValueError:
            return f"it was ended by signal {status}"
    return RESULTS.get(result) or (None if result in ("", "success") else f"systemd says: {result}")
