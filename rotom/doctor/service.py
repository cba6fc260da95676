"""The service: whether the service manager of this person runs rotom, starts it by itself, and goes on when they log out.

What is not here: how the manager is asked (service/), and whether the server answers (port.py).
"""

from __future__ import annotations

from rotom import __version__, running
from rotom.doctor.case import Case
from rotom.doctor.finding import Finding, fail, ok, skip, warn
from rotom.problem import Problem
from rotom.service import FAILED, RETRYING, STOPPED, WAITING, State, manager_here


def check(case: Case) -> list[Finding]:
    """Everything of this subject."""
    try:
        manager = manager_here(case.environ)
        state = manager.state()
    except Problem as problem:
        return [skip("service", f"{problem.message}; 'rotom serve' is started by hand", problem.hint)]
    found = judged(manager.name, state)
    now = running.find(case.config)
    if state.pid is not None and now is not None and now.pid == state.pid and now.version not in (None, __version__):
        message = f"it still runs rotom {now.version}, and this is {__version__}"
        found.append(warn("service.version", message, "rotom daemon restart"))
    return found


def judged(manager: str, state: State) -> list[Finding]:
    """What is said of the service as its manager knows it."""
    if not state.installed:
        return [skip("service", f"not installed as a service of {manager}", "rotom daemon install")]
    found = []
    because = f": {state.why}" if state.why else ""
    if state.phase == FAILED:
        found.append(fail("service.state", f"{manager} says that it failed{because}", "rotom daemon logs"))
    elif state.phase == RETRYING:
        found.append(fail("service.state", f"{manager} starts it over and over{because}", "rotom daemon logs"))
    elif state.phase == STOPPED:
        found.append(warn("service.state", "installed, and stopped", "rotom daemon start"))
    elif state.phase == WAITING:
        found.append(ok("service.state", f"{manager} listens for it and starts it when somebody asks"))
    else:
        found.append(ok("service.state", f"{manager} has it {state.phase}"))
    if not (state.at_login or state.socket):
        found.append(warn("service.enabled", "it is not started by itself", "rotom daemon install"))
    if state.lingers is False:
        found.append(
            warn("service.linger", "it ends when you log out", "if it should go on: loginctl enable-linger $USER")
        )
    return found
