"""Findings, and what they mean for the exit status."""

from rotom.doctor.finding import Group, Verdict, exit_status, fail, ok, skip, tally, trouble, warn
from rotom.exits import CONFIG, OK, PERMISSION, UNAVAILABLE
from rotom.problem import Kind, Problem


def test_the_first_failure_is_the_exit_status():
    good = Group("a", "A", (ok("a", "."), warn("b", ".", "."), skip("c", ".")))
    bad = Group("b", "B", (fail("d", ".", None, CONFIG), fail("e", ".", None, PERMISSION)))
    assert exit_status([good]) == OK
    assert exit_status([good, bad]) == CONFIG
    assert tally([good, bad]) == {Verdict.OK: 1, Verdict.WARN: 1, Verdict.FAIL: 2, Verdict.SKIP: 1}


def test_a_problem_is_a_failure_with_its_hint():
    found = trouble("x", Problem(Kind.UNAUTHENTICATED, "no", hint="rotom login"))
    assert (found.verdict, found.advice, found.status) == (Verdict.FAIL, "rotom login", PERMISSION)
    assert trouble("x", Problem(Kind.UPSTREAM, "no")).status == UNAVAILABLE
