"""Checks side by side: in order, each with its time, none in the way of the others."""

import re
from pathlib import Path

import pytest
import trio
from surgery import kit

from rotom.doctor import clients, look
from rotom.doctor.finding import Verdict, ok
from rotom.doctor.look import Subject, examine
from rotom.doctor.masks import Masks
from rotom.exits import INTERNAL
from rotom.problem import Kind, Problem

NOTHING = Masks({})


def subject(name, *steps):
    async def check():
        for step in steps:
            if isinstance(step, BaseException):
                raise step
            await trio.sleep(step)
        return [ok(name, f"{name} planted")]

    return Subject(name, name.title(), check)


async def test_groups_come_in_order_whatever_is_done_first(autojump_clock):
    shown = []
    groups = await examine([subject("a", 5), subject("b", 1)], NOTHING, shown.append)
    assert [group.name for group in groups] == ["a", "b"]
    assert shown == groups
    assert trio.current_time() == pytest.approx(5, abs=0.1)


async def test_one_that_hangs_says_so_and_the_others_go_on(autojump_clock):
    groups = await examine([subject("a", 10_000), subject("b")], NOTHING, lambda _group: None)
    assert groups[0].findings[0].sentence == f"this could not be found out within {look.SECONDS:g} seconds"
    assert groups[1].findings[0].verdict is Verdict.OK


async def test_a_bug_is_told_by_its_place_and_a_problem_in_its_words(monkeypatch):
    monkeypatch.delenv("ROTOM_DEBUG", raising=False)
    wanted = [subject("a", ValueError("planted")), subject("b", Problem(Kind.INVALID, "no", hint="do")), subject("c")]
    groups = await examine(wanted, NOTHING, lambda _group: None)
    bug, problem, good = (group.findings[0] for group in groups)
    assert bug.status == INTERNAL
    assert "ValueError at test_look.py:" in bug.sentence
    assert "planted" not in bug.sentence
    assert (problem.sentence, problem.advice) == ("no", "do")
    assert good.verdict is Verdict.OK


async def test_everything_that_is_said_passes_the_masks():
    (group,) = await examine([subject("a")], Masks({"planted": "(key)"}), lambda _group: None)
    assert group.findings[0].sentence == "a (key)"


async def test_all_subjects_of_a_house(house):
    async with kit(house) as tools:
        wanted = look.subjects(tools)
        groups = await examine(wanted, NOTHING, lambda _group: None)
        titles = [subject.title for subject in (*wanted, look.questions(tools))]
    assert [group.name for group in groups] == [subject.name for subject in wanted]
    assert [one for group in groups for one in group.findings if one.verdict is Verdict.FAIL] == []
    manual = (Path(__file__).parents[2] / "man" / "rotom.1").read_text(encoding="utf-8")
    section = manual.split(".Ss Finding out what is wrong\n")[1].split(".Sh ")[0]
    assert re.findall(r"^\.It (.*)$", section, re.MULTILINE) == titles
    assert f"Claude Code {clients.CLAUDE_TRIED}, Codex CLI {clients.CODEX_TRIED.removesuffix('.0')}." in section
