"""A picture that is drawn again and again."""

import io

from rotom.cli.screen import CLEAR, HIDE_CURSOR, HOME, REST, REST_OF_LINE, SHOW_CURSOR, screen


class Tty(io.StringIO):
    """Counts how often it is written to and flushed."""

    def __init__(self):
        super().__init__()
        self.writes = []

    def isatty(self):
        return True

    def write(self, text):
        self.writes.append(text)
        return super().write(text)


def test_a_terminal_is_cleared_once_and_drawn_over_in_one_piece(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "5")
    tty = Tty()
    with screen(tty, {"TERM": "xterm"}) as shown:
        shown.show("one\ntwo")
        shown.show("three")
    assert tty.writes == [
        HIDE_CURSOR,
        f"{CLEAR}{HOME}one{REST_OF_LINE}\ntwo{REST_OF_LINE}\n{REST}",
        f"{HOME}three{REST_OF_LINE}\n{REST}",
        SHOW_CURSOR,
    ]


def test_what_is_larger_than_the_window_is_cut(monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "3")
    tty = Tty()
    with screen(tty, {"TERM": "xterm"}) as shown:
        shown.show("\n".join("x" * 30 for _ in range(9)))
    assert tty.writes[1].count("x") == 20


def test_the_cursor_comes_back_whatever_happens():
    tty = Tty()
    try:
        with screen(tty, {"TERM": "xterm"}):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert tty.writes[-1] == SHOW_CURSOR


def test_a_pipe_and_a_dumb_terminal_get_one_after_the_other():
    for stream, environ in ((io.StringIO(), {"TERM": "xterm"}), (Tty(), {"TERM": "dumb"})):
        with screen(stream, environ) as shown:
            shown.show("one")
            shown.show("two")
        assert not shown.draws
        assert stream.getvalue() == "one\ntwo\n"
