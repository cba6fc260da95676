"""What Claude Code's own files make of the variables."""

import json
import os

import pytest

from rotom.claude_settings import overrides

TOLD = {"ANTHROPIC_MODEL": "a", "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "272000", "CLAUDE_CODE_EFFORT_LEVEL": "low"}


def wrote(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_what_wins_is_told_with_its_file(tmp_path):
    home, work = tmp_path / "home", tmp_path / "work"
    wide = {"env": {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": 1000000, "ANTHROPIC_MODEL": "b", "OTHER": "x"}}
    own = wrote(home / ".claude/settings.json", wide)
    here = wrote(work / ".claude/settings.local.json", {"env": {"CLAUDE_CODE_EFFORT_LEVEL": "high"}})
    wrote(work / ".claude/settings.json", {"env": {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": 272000}})
    found = list(overrides(TOLD, {"HOME": str(home)}, work))
    assert found == [(own, "CLAUDE_CODE_MAX_CONTEXT_TOKENS"), (here, "CLAUDE_CODE_EFFORT_LEVEL")]
    assert list(overrides(TOLD, {"HOME": str(home), "CLAUDE_CONFIG_DIR": str(tmp_path)}, tmp_path)) == []


def test_files_that_are_no_settings_say_nothing(tmp_path):
    for content in ("{", "[]", '{"env": 5}', "\0", "[" * 100000):
        wrote(tmp_path / ".claude/settings.json", content)
        assert list(overrides(TOLD, {"HOME": str(tmp_path)}, tmp_path)) == []
    assert list(overrides(TOLD, {}, tmp_path / "gone")) == []


@pytest.mark.skipif(os.name != "posix", reason="pipes with a name")
def test_a_pipe_of_that_name_holds_nobody_up(tmp_path):
    (tmp_path / ".claude").mkdir()
    os.mkfifo(tmp_path / ".claude/settings.json")
    assert list(overrides(TOLD, {"HOME": str(tmp_path)}, tmp_path)) == []
