"""How a report looks: on a terminal, narrow ones too, in a pipe, and as a document."""

import io

import pytest

from rotom.doctor.finding import Group, fail, ok, skip, warn
from rotom.doctor.report import Report, document
from rotom.term import Terminal, width

GROUP = Group(
    "a",
    "A group",
    (
        ok("a.one", "one is right"),
        warn(
            "a.two",
            "two is \x1b[2J not so good, and this is a sentence that is too long for a narrow terminal",
            "do this",
        ),
        fail("a.three", "three is wrong", "do that, which is a long piece of advice with a command: rotom config show"),
        skip("a.four", "four was not looked at"),
    ),
)


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_in_a_pipe_each_line_begins_with_a_word():
    text = Report(Terminal(io.StringIO(), {})).group(GROUP)
    assert text.splitlines()[0] == "A group"
    assert "  ok   one is right\n" in text
    assert "  warn two is ?[2J not so good" in text
    assert "\n       -> do this\n" in text
    assert "  FAIL three is wrong\n" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_on_a_terminal_each_line_has_a_mark_and_fits(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = Report(Terminal(Tty(), {"TERM": "xterm"}), marks=True).group(GROUP)
    assert "\x1b[32m✓\x1b[0m one is right" in text
    assert "\x1b[31m✗\x1b[0m three is wrong" in text
    assert all(width(line) < columns for line in text.splitlines())


def test_without_colour_and_without_marks():
    text = Report(Terminal(Tty(), {"TERM": "xterm", "NO_COLOR": "1"}), marks=False).group(GROUP)
    assert "\x1b" not in text
    assert text.isascii()


def test_groups_are_kept_apart():
    report = Report(Terminal(io.StringIO(), {}))
    assert not report.group(GROUP).startswith("\n")
    assert report.group(GROUP).startswith("\n")


def test_the_last_line_says_how_it_stands():
    report = Report(Terminal(io.StringIO(), {}))
    assert report.summary([GROUP]) == "\n1 thing to mend, 1 warning. (1 check right)"
    assert report.summary([Group("a", "A", GROUP.findings[:2])]) == "\nIt works; 1 warning. (1 check right)"
    assert report.summary([Group("a", "A", GROUP.findings[:1])]) == "\nAll is well. (1 check right)"


def test_the_document_has_it_all():
    value = document([GROUP], 69)
    assert value["status"] == 69
    assert value["counts"] == {"ok": 1, "warn": 1, "fail": 1, "skip": 1}
    assert value["groups"][0]["findings"][2] == {
        "check": "a.three",
        "verdict": "fail",
        "sentence": "three is wrong",
        "advice": GROUP.findings[2].advice,
    }
