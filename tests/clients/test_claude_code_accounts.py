"""The real Claude Code with two accounts behind rotom: a conversation stays with the one that it began with, until a person
moves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from rotom.simulator.oauth_claims import Account

pytestmark = pytest.mark.clients

WORK = Account(
    account_id="99999999-2222-4333-8444-555555555555", user_id="user-work", email="me@work.example", plan="team"
)


def rotom(environ: dict[str, str], *words: str) -> str:
    """What a command of rotom prints."""
    command = [sys.executable, "-m", "rotom", *words]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_conversation_stays_with_its_account_until_a_person_moves_it(watch: Any, tmp_path: Any) -> None:
    claude = watch()
    backend = claude.backend
    environ = {
        "ROTOM_HOME": str(tmp_path / "rotom"),
        "ROTOM_OPENAI_BASE_URL": backend.simulator.base_url,
        "ROTOM_OPENAI_ISSUER": backend.simulator.issuer,
    }
    backend.log_in(environ, "openai@work", WORK)

    def last() -> tuple[str, int]:
        """The account of the last question, and how much reasoning was in it."""
        asked = backend.questions()[-1]
        who = "work" if asked.headers["chatgpt-account-id"] == WORK.account_id else "home"
        return who, sum(item.get("type") == "reasoning" for item in asked.body["input"])

    first = json.loads(claude("-p", "demo:reasoning", "--output-format", "json").stdout)
    assert last() == ("home", 0)
    assert "In use now" in rotom(environ, "use", "work")
    resume = ("--resume", first["session_id"])
    assert claude("-p", "Reply with the single word OK", *resume).stdout.strip() == "OK"
    assert last() == ("home", 1)
    assert claude("-p", "Reply with the single word OK").stdout.strip() == "OK"
    assert last() == ("work", 0), "another conversation"
    asked = len(backend.questions())
    rotom(environ, "use", "--move", "work")
    assert claude("-p", "Reply with the single word OK", *resume).stdout.strip() == "OK"
    assert last() == ("work", 0)
    assert len(backend.questions()) == asked + 1, "what the other account cannot read was not sent"
    report = json.loads(rotom(environ, "status", "--json"))
    assert [(one["login"], one["in_use"]) for one in report["providers"]] == [("openai", False), ("openai@work", True)]
