"""The service: what is said of each state, and that the manager is only asked."""

import os
from types import SimpleNamespace

import pytest
from surgery import verdicts

from rotom import running
from rotom.doctor import service
from rotom.doctor.service import judged
from rotom.problem import Kind, Problem
from rotom.running import Running
from rotom.service import FAILED, RETRYING, RUNNING, STOPPED, WAITING, State

UP = State(installed=True, phase=RUNNING, at_login=True, lingers=True, pid=7)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State(installed=False), {"service": "skip"}),
        (UP, {"service.state": "ok"}),
        (
            State(installed=True, phase=FAILED, lingers=False),
            {"service.state": "fail", "service.enabled": "warn", "service.linger": "warn"},
        ),
        (State(installed=True, phase=RETRYING, at_login=True), {"service.state": "fail"}),
        (State(installed=True, phase=WAITING, socket=True), {"service.state": "ok"}),
        (State(installed=True, phase=STOPPED, at_login=True), {"service.state": "warn"}),
    ],
)
def test_what_is_said_of_a_service(state, said):
    assert verdicts(judged("systemd", state)) == said


def test_why_it_failed_is_told():
    (first, *_) = judged("systemd", State(installed=True, phase=FAILED, why="it ended with status 78", at_login=True))
    assert "it ended with status 78" in first.sentence


def found(monkeypatch, state):
    monkeypatch.setattr(service, "manager_here", lambda environ: SimpleNamespace(name="systemd", state=lambda: state))


@pytest.mark.parametrize(("version", "pid", "warned"), [("0.0.1", 7, True), ("0.0.1", 8, False), (None, 7, False)])
def test_a_service_that_runs_an_older_rotom(empty, monkeypatch, version, pid, warned):
    found(monkeypatch, UP)
    monkeypatch.setattr(running, "find", lambda config: Running((), "", None, pid, 1.0, version))
    assert ("service.version" in verdicts(service.check(empty()))) is warned


def test_where_no_manager_can_be_asked_that_is_no_fault(empty, monkeypatch):
    def none(environ):
        raise Problem(Kind.UNAVAILABLE, "there is no systemd on this machine", hint="run 'rotom serve' by hand")

    monkeypatch.setattr(service, "manager_here", none)
    (one,) = service.check(empty())
    assert (one.verdict, one.advice) == ("skip", "run 'rotom serve' by hand")
    assert "no systemd" in one.sentence


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="Linux")
def test_this_machine_is_asked_for_real(empty):
    assert verdicts(service.check(empty(PATH=os.defpath))).keys() & {"service", "service.state"}
