"""`rotom launch` and the service: it is used, started where it is not up, and done without where it cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from rotom import exits

pytestmark = pytest.mark.timeout(240)

ASKED = ("launch", "anthropic", "--", "sh", "-c", 'echo "asks $ANTHROPIC_BASE_URL"')


def test_the_service_is_started_where_it_is_not_up(person: Any) -> None:
    person.install()
    person.log_in()
    assert person.rotom(*ASKED) == f"asks {person.base}\n"
    person.rotom("daemon", "stop")
    assert person.status(exits.STOPPED)["state"] == "stopped"
    assert person.rotom(*ASKED) == f"asks {person.base}\n"
    assert person.status()["state"] == "running", "it stays"


def test_a_service_that_is_asleep_is_woken(person: Any) -> None:
    person.install()
    person.log_in()
    person.systemctl("stop", "rotom.service")
    assert person.status()["state"] == "waiting"
    assert person.rotom(*ASKED) == f"asks {person.base}\n"
    assert person.status()["state"] == "running"


def test_one_that_does_not_start_is_told_and_done_without(person: Any) -> None:
    person.install()
    person.log_in()
    person.rotom("daemon", "stop")
    person.machine.write(
        "/home/person/.config/systemd/user/rotom.service.d/50-bad.conf", "[Service]\nExecStart=\nExecStart=false\n"
    )
    person.systemctl("daemon-reload")
    said = person.rotom(*ASKED)
    assert "rotom: the service cannot be used: " in said
    assert "asks http://127.0.0.1:" in said
    assert f"asks {person.base}" not in said


def test_without_a_service_none_is_made(person: Any) -> None:
    person.log_in()
    said = person.rotom(*ASKED)
    assert said.startswith("asks http://127.0.0.1:")
    assert person.base not in said
    assert "rotom.s" not in person.systemctl("list-units", "--all", "--plain")
