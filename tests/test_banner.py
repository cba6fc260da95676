"""What is said on a terminal: ready to paste, and without a secret."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from rotom.banner import banner
from rotom.catalogue import Model
from rotom.config import load
from rotom.server.listen import Address

FALLBACK = Model("gpt-5.5", "openai", context=272_000)
HERE = [Address("192.168.1.5", 14550), Address("127.0.0.1", 14550)]


def said(environ: dict[str, str], *, logins: bool = True, demo: bool = False) -> str:
    known = [("OpenAI (ChatGPT plan)", "user@example.com", "plan plus")] if logins else []
    return banner(load({}, {"ROTOM_HOME": "/nonexistent"} | environ), known, FALLBACK, HERE, demo=demo)


def exports(text: str, environ: dict[str, str]) -> dict[str, str]:
    """What a shell makes of the lines to paste."""
    lines = "\n".join(re.findall(r"^ +(export .*)$", text, re.MULTILINE))
    done = subprocess.run(
        ["sh", "-c", lines + "\nenv"],
        env={"PATH": "/usr/bin:/bin"} | environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())


def test_the_lines_can_be_pasted() -> None:
    text = said({})
    assert "http://192.168.1.5:14550, http://127.0.0.1:14550" in text
    assert "user@example.com, plan plus" in text
    set_ = exports(text, {})
    assert set_["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:14550"
    assert set_["ANTHROPIC_AUTH_TOKEN"]
    assert set_["ANTHROPIC_MODEL"] == "gpt-5.5"
    assert set_["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "272000"


def test_a_key_is_named_and_not_shown() -> None:
    environ = {"ROTOM_API_KEY": "a-key-that-nobody-may-see"}
    text = said(environ)
    assert "nobody-may-see" not in text
    assert exports(text, environ)["ANTHROPIC_AUTH_TOKEN"] == "a-key-that-nobody-may-see"


def test_without_a_login_and_in_a_demonstration() -> None:
    assert "rotom login" in said({}, logins=False)
    assert "DEMONSTRATION" in said({}, demo=True)
    assert "DEMONSTRATION" not in said({})
    assert "rotom launch claude" in said({})
    assert "rotom launch" not in said({}, demo=True), "it would not go there"


def test_what_a_provider_says_neither_plays_with_the_terminal_nor_runs_in_the_shell() -> None:
    model = Model("x; echo $(id) 'y", "openai")
    text = banner(load({}, {"ROTOM_HOME": "/nonexistent"}), [("t", "\x1b[2Ja@b", "\x9b31m")], model, HERE)
    assert text.replace("\n", "").isprintable()
    assert exports(text, {})["ANTHROPIC_MODEL"] == model.id


def test_sentences_are_broken_between_words_and_lines_to_paste_never() -> None:
    text = banner(load({}, {"ROTOM_HOME": "/nonexistent"}), [], FALLBACK, HERE[1:], demo=True, columns=50)
    sentences, _, paste = text.partition("Claude Code")
    assert max(map(len, sentences.splitlines())) <= 50
    assert "nothing leaves this machine," in " ".join(sentences.split())
    assert "  export CLAUDE_CODE_MAX_CONTEXT_TOKENS=272000\n" in paste


def test_a_server_on_every_address_is_reached_by_loopback(tmp_path: Path) -> None:
    key = tmp_path / "the key"
    key.write_text("the-key-in-a-file\n")
    loaded = load({"--api-key-file": str(key)}, {"ROTOM_HOME": "/nonexistent"})
    set_ = exports(banner(loaded, [], None, [Address("0.0.0.0", 14550)]), {})
    assert set_["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:14550"
    assert set_["ANTHROPIC_AUTH_TOKEN"] == "the-key-in-a-file"
    assert "ANTHROPIC_MODEL" not in set_
