"""Colour decisions, widths, bars and tables."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom import term
from rotom.term import Terminal


class Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "colour"),
    [
        (Tty(), {"TERM": "xterm"}, True),
        (Tty(), {"TERM": "dumb"}, False),
        (Tty(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Tty(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Tty(), {"TERM": "xterm", "NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
        (io.StringIO(), {"CLICOLOR_FORCE": "1"}, True),
        (io.StringIO(), {"CLICOLOR_FORCE": "0"}, False),
    ],
)
def test_when_colour_is_used(stream, environ, colour):
    terminal = Terminal(stream, environ)
    assert terminal.colour is colour
    assert ("\x1b[" in terminal.paint("red", "x")) is colour


def ascii_terminal():
    return Terminal(io.TextIOWrapper(io.BytesIO(), encoding="ascii"), {})


def utf8_terminal():
    return Terminal(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), {})


def test_bars():
    assert utf8_terminal().bar(0.5, 8) == "████░░░░"
    assert utf8_terminal().bar(0.3125, 4) == "█▎░░"
    assert ascii_terminal().bar(0.5, 10) == "[####----]"


@given(st.floats(allow_nan=False), st.integers(3, 60))
def test_a_bar_has_its_width_whatever_the_number(fraction, cells):
    for terminal in (utf8_terminal(), ascii_terminal()):
        assert len(terminal.bar(fraction, cells)) == cells


def test_a_table_is_aligned_by_what_is_seen():
    terminal = Terminal(io.StringIO(), {"CLICOLOR_FORCE": "1"})
    text = terminal.table([(terminal.paint("bold", "ab"), "x"), ("日本", "y"), ("abcde", "")])
    assert [term.width(line) for line in text.splitlines()] == [8, 8, 5]


def test_a_table_is_cut_where_the_terminal_ends_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    rows = [("name", "a" * 50)]
    assert term.width(Terminal(Tty(), {"TERM": "xterm"}).table(rows)) == 20
    assert len(Terminal(io.StringIO(), {}).table(rows)) == 56


def test_no_rows_are_no_table():
    assert utf8_terminal().table([]) == ""


@given(st.text(), st.integers(0, 20))
def test_cut_never_exceeds_and_closes_what_it_opened(text, cells):
    painted = "\x1b[31m" + text.replace("\x1b", "") + "\x1b[0m"
    result = term.cut(painted, cells)
    assert term.width(result) <= max(cells, 0) or term.width(painted) <= cells
    assert result.endswith("\x1b[0m")


def test_foreign_text_is_cleaned():
    assert term.clean("a\x1b[31mb\nc\u202e") == "a?[31mb?c?"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (45.9, "45 s"),
        (60, "1 min"),
        (7800, "2 h 10 min"),
        (7200, "2 h"),
        (86400, "1 day"),
        (2 * 86400 + 3600, "2 days 1 h"),
    ],
)
def test_spans_of_time_in_words(seconds, text):
    assert term.words(seconds) == text


def narrow(cells, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(cells))
    return Terminal(Tty(), {"TERM": "xterm"})


def test_a_long_line_is_broken_between_words_and_goes_on_below_its_text(monkeypatch):
    line = "  --check   only tell whether there is a newer version"
    assert narrow(30, monkeypatch).fold(line) == (
        "  --check   only tell whether\n            there is a newer\n            version"
    )
    assert narrow(80, monkeypatch).fold(line) == line
    assert Terminal(io.StringIO(), {}).fold(line * 9) == line * 9  # a pipe has no width


def test_where_there_is_no_room_below_the_text_it_goes_on_further_left(monkeypatch):
    assert narrow(20, monkeypatch).fold("  --a-long-option  with words") == "  --a-long-option\n      with words"
    assert narrow(12, monkeypatch).fold("one two three four", hang=4) == "one two\n    three\n    four"


def test_what_may_be_copied_stays_whole(monkeypatch):
    address = "http://127.0.0.1:9700/" + "a" * 90
    assert narrow(40, monkeypatch).fold(f"  file  {address}") == f"  file  {address}"
    told = "It ends when you log out. For good: rotom daemon uninstall"
    assert narrow(50, monkeypatch).fold(told) == "It ends when you log out. For good:\nrotom daemon uninstall"
    told = "takes this up on SIGHUP ('rotom daemon reload'), or later"
    assert narrow(34, monkeypatch).fold(told) == "takes this up on SIGHUP\n('rotom daemon reload'), or later"


@given(st.text(alphabet="ab \x1b[31m日"), st.integers(1, 30))
def test_folding_loses_no_word(text, cells):
    assert " ".join(term.folded(text, cells).split()) == " ".join(text.split())


def test_what_is_said_is_folded(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", stream := Tty())
    monkeypatch.setenv("COLUMNS", "12")
    term.say("rotom: one two three", stream, 7)
    assert stream.getvalue() == "rotom: one\n       two\n       three\n"
    term.say("one two three four five")
    assert capsys.readouterr().out == "one two three four five\n"


def test_a_row_that_is_cut_shows_it(monkeypatch):
    table = narrow(10, monkeypatch).table([("name", "abcdefgh")])
    assert table == "name  abc…"
