"""Reading a pasted line from a real pseudo-terminal, from a pipe and from a file."""

import os
import sys

import pytest
import trio

from rotom.cli.paste import read_line

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")


@pytest.fixture
def tty():
    import termios

    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    yield master, slave
    assert termios.tcgetattr(slave) == before, "the terminal was not put back"
    os.close(master)
    os.close(slave)


async def typed(tty, *pieces, pause=0.0):
    master, slave = tty
    result = []
    async with trio.open_nursery() as nursery:

        async def read():
            result.append(await read_line(slave, slave))
            nursery.cancel_scope.cancel()

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        for piece in pieces:
            while piece:
                await trio.lowlevel.wait_writable(master)
                piece = piece[os.write(master, piece[:512]) :]
                await trio.lowlevel.checkpoint()
            await trio.sleep(pause)
        await trio.sleep(3)
    return result[0] if result else "still waiting"


async def test_six_thousand_characters_arrive_in_one_paste(tty):
    line = "http://localhost:1455/auth/callback?code=" + "c" * 6000
    shown = []

    async def screen():
        while True:
            await trio.lowlevel.wait_readable(tty[0])
            shown.append(os.read(tty[0], 65536))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(screen)
        assert await typed(tty, line.encode() + b"\n") == line
        nursery.cancel_scope.cancel()
    assert b"".join(shown).startswith(b"http://localhost:1455/auth")


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (b"abc\x7f\x7fd\r", "ad"),
        (b"\x7fabc\n", "abc"),
        (b"wrong\x15right\n", "right"),
        (b"a\x1b[Db\x1b[3~\x1bOPc\n", "abc"),
        (b"\x1b[200~code#state\x1b[201~\n", "code#state"),
        ("aéb\n".encode(), "ab"),
        (b"ab\x04c\n", "abc"),
        (b"\x04", None),
        (b"\n", ""),
    ],
)
async def test_keys(tty, keys, line):
    assert await typed(tty, keys) == line


async def test_a_paste_that_was_wrapped_is_one_line(tty):
    assert await typed(tty, b"http://x/?code=a\nb\r\nc\n") == "http://x/?code=abc"


async def test_it_can_be_given_up_and_asked_again(tty):
    with trio.move_on_after(0.05) as scope:
        await read_line(tty[1], None)
    assert scope.cancelled_caught
    assert await typed(tty, b"x\n") == "x"


async def test_pipes_and_files(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b"code#state\n")
    assert await read_line(reading) == "code#state"
    os.close(writing)
    assert await read_line(reading) is None
    os.close(reading)
    file = tmp_path / "answer"
    file.write_text("from a file")
    with file.open("rb") as opened:
        assert await read_line(opened.fileno()) == "from a file"
    nothing = os.open(os.devnull, os.O_RDONLY)
    assert await read_line(nothing) is None
    os.close(nothing)
