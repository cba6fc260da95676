"""`rotom launch` with the true clients: they find the way, whatever their own settings say, and leave nothing behind.

And what the README tells people to paste for them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import readme

pytestmark = pytest.mark.clients

OK = "Reply with the single word OK"


@pytest.fixture
def machine(node_modules: Callable[[str, str], Path], tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with the clients and nobody logged in."""
    tools = node_modules("Claude Code", ".bin/claude").parent
    node_modules("Codex CLI", ".bin/codex")
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    rotom = tmp_path / "bin" / "rotom"
    rotom.write_text(f"#!{sys.executable}\nimport sys\nfrom rotom.cli import main\nsys.exit(main())\n")
    rotom.chmod(0o755)
    return {
        "PATH": f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{tools}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "ROTOM_HOME": str(tmp_path / "rotom"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "SHELL": "/bin/sh",
    }


def ran(environ: dict[str, str], command: str) -> subprocess.CompletedProcess[str]:
    work = Path(environ["HOME"]) / "work"
    return subprocess.run(
        ["bash", "-c", command],
        env=environ,
        cwd=work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_claude_code_goes_to_rotom_whatever_its_settings_say(machine: dict[str, str]) -> None:
    settings = Path(machine["HOME"]) / ".claude" / "settings.json"
    settings.parent.mkdir()
    elsewhere = {
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "ANTHROPIC_AUTH_TOKEN": "another",
        "ANTHROPIC_API_KEY": "another",
        "ANTHROPIC_MODEL": "claude-opus-5-5",
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "500000",
    }
    settings.write_text(json.dumps({"env": elsewhere, "apiKeyHelper": "echo another", "model": "opus"}))
    done = ran(machine, f'rotom launch --demo claude --model gpt-6-sol -- -p "{OK}" --output-format json')
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    answer = answer[-1] if isinstance(answer, list) else answer
    assert answer["result"] == "OK"
    assert list(answer["modelUsage"]) == ["gpt-6-sol"]
    assert f"{settings} sets CLAUDE_CODE_MAX_CONTEXT_TOKENS, too, and wins" in done.stderr, "it does, as it is told"
    assert answer["modelUsage"]["gpt-6-sol"]["contextWindow"] == 500_000
    assert json.loads(settings.read_bytes())["env"] == elsewhere


def test_claude_code_knows_the_window(machine: dict[str, str]) -> None:
    done = ran(machine, f'rotom launch --demo claude -- -p "{OK}" --output-format json')
    answer = json.loads(done.stdout)
    answer = answer[-1] if isinstance(answer, list) else answer
    assert answer["modelUsage"]["gpt-5.5"]["contextWindow"] == 272_000
    assert "1m tokens" not in done.stderr


def test_the_status_is_the_clients(machine: dict[str, str]) -> None:
    assert ran(machine, "rotom launch --demo claude -- --no-such-option").returncode == 1
    assert ran(machine, 'rotom launch --demo claude -- -p "demo:http_400"').returncode == 1


@pytest.mark.parametrize("effort", [None, "low"])
def test_codex_needs_no_file(machine: dict[str, str], effort: str | None) -> None:
    more = f"--effort {effort}" if effort else ""
    exec_ = "exec --skip-git-repo-check --json"
    done = ran(machine, f'rotom launch --demo codex {more} -- {exec_} "Run the command: echo x > made.txt"')
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
    assert not (Path(machine["HOME"]) / ".codex" / "config.toml").exists()
    assert not (Path(machine["HOME"]) / ".codex" / "auth.json").exists()


# What the README has ---------------------------------------------------------------------------------------------------

LAUNCHED = [command for command in readme.WHERE if command.startswith("rotom launch ") and '"' in command]


@pytest.mark.parametrize("command", LAUNCHED)
def test_a_line_of_the_readme_with_the_demonstration(machine: dict[str, str], command: str) -> None:
    if " llm " in command and not shutil.which("llm", path=machine["PATH"]):
        pytest.skip("llm is not installed: pip install '.[clients]'")
    words = command.replace("rotom launch", "rotom launch --demo").replace(" exec ", " exec --skip-git-repo-check ")
    done = ran(machine, words)
    assert (done.returncode, done.stdout.strip().splitlines()[-1]) == (0, "OK"), done.stderr


def test_the_lines_to_paste_for_claude_code(machine: dict[str, str], demo: Any) -> None:
    lines = [command for command in readme.commands() if readme.WHERE[command] == "clients"]
    lines = [line for line in lines if line.startswith(("export ", "claude "))]
    assert len(lines) == 5
    done = ran(machine, "\n".join(lines).replace("http://127.0.0.1:14550", demo.base))
    assert (done.returncode, done.stdout) == (0, "OK\n"), done.stderr
    assert "1m tokens" not in done.stderr


@pytest.mark.parametrize("number", [0, 1])
def test_the_settings_for_codex(machine: dict[str, str], demo: Any, number: int) -> None:
    own, builtin = readme.settings()
    folder = Path(machine["HOME"]) / ".codex"
    folder.mkdir()
    blocks = [block for block in readme.blocks() if "base_url" in block]
    text = blocks[0] if number == 0 else blocks[0].splitlines()[0] + "\n" + blocks[1]
    (folder / "config.toml").write_text(text.replace("http://127.0.0.1:14550", demo.base))
    assert own["model_providers"]["rotom"]["base_url"] == builtin["openai_base_url"]
    if number == 1:
        command = "echo rotom | codex login --with-api-key"
        assert command in readme.commands()
        assert ran(machine, command).returncode == 0
    done = ran(machine, f'codex exec --skip-git-repo-check "{OK}"')
    assert (done.returncode, done.stdout) == (0, "OK\n"), done.stderr
