"""Which browser there is, and whichever answer comes first. What people see is tested in test_login.py."""

import os
import sys

import pytest
import trio

from rotom.cli import consent
from rotom.cli.consent import Consent, browser
from rotom.problem import Problem
from rotom.providers import Authorize, DeviceCode
from rotom.term import Terminal

STEP = Authorize("https://issuer.example/authorize?state=s", "s")


@pytest.mark.parametrize(
    ("platform", "environ", "kind"),
    [
        ("linux", {}, None),
        ("linux", {"BROWSER": "firefox"}, "window"),
        ("darwin", {}, "window"),
        ("win32", {}, "window"),
        ("darwin", {"SSH_CONNECTION": "1.2.3.4"}, None),
        ("win32", {"SSH_CONNECTION": "1.2.3.4"}, None),
    ],
)
def test_the_kind_of_browser(monkeypatch, platform, environ, kind):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(consent.shutil, "which", lambda name: None)
    assert browser(environ) == kind


def test_a_text_browser_counts_but_is_no_window(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(consent.shutil, "which", lambda name: "/usr/bin/w3m" if name == "w3m" else None)
    assert browser({}) == "text"


class Back:
    """A callback that comes after some seconds."""

    def __init__(self, seconds):
        self.state = None
        self._seconds = seconds

    async def answer(self):
        await trio.sleep(self._seconds)
        return "code=from-browser"


def person(back, descriptor):
    return Consent(back, opens=False, descriptor=descriptor, terminal=Terminal(sys.stdout, {}))


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


async def test_whichever_comes_first_counts(pipe, autojump_clock, capsys):
    reading, writing = pipe
    back = Back(5)
    assert await person(back, reading)(STEP) == "code=from-browser"
    assert back.state == "s"
    os.write(writing, b"pasted\n")
    assert await person(Back(5), reading)(STEP) == "pasted"
    os.write(writing, b"pasted\n")
    assert await person(None, reading)(STEP) == "pasted"
    shown = capsys.readouterr().out
    assert shown.count(f"\n{STEP.url}\n") == 3


async def test_an_end_of_input_leaves_it_to_the_browser(autojump_clock):
    nothing = os.open(os.devnull, os.O_RDONLY)
    assert await person(Back(5), nothing)(STEP) == "code=from-browser"
    with pytest.raises(Problem, match="no way back"):
        await person(None, nothing)(STEP)
    os.close(nothing)
    assert await person(Back(5), None)(STEP) == "code=from-browser"


async def test_a_complaint_is_shown_with_the_address_again(autojump_clock, capsys):
    one = person(Back(1), None)
    await one(STEP)
    await one(Authorize(STEP.url, "s", "that was not it"))
    assert capsys.readouterr().out.endswith(f"rotom: that was not it\n{STEP.url}\n")


async def test_a_device_code_is_shown(capsys):
    assert await person(None, None)(DeviceCode("https://issuer.example/device", "ABCD-12345", 900)) is None
    shown = capsys.readouterr().out
    assert "https://issuer.example/device\n" in shown
    assert "ABCD-12345" in shown
    assert "15 min" in shown


async def test_a_device_code_does_not_play_with_the_terminal(capsys):
    await person(None, None)(DeviceCode("https://issuer.example/device", "\x1b[2J\x9b31m", 900))
    assert capsys.readouterr().out.replace("\n", "").isprintable()
