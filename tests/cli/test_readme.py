"""What the README tells people to paste, by somebody who does it: on a machine with nothing on it, against the simulator.

What needs a true client is in tests/clients/test_readme.py, what installs things in .ci/run.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import venv

import pytest
import readme
import trio

from rotom import cli

pytestmark = pytest.mark.skipif(os.name != "posix", reason="these are commands for a shell")


def test_every_command_is_tried_somewhere_and_no_other():
    assert set(readme.commands()) == set(readme.WHERE)


IN_FILES = {
    # where, and the words there that have it run
    "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/rotom serve --demo": "python3 -m venv .*serve --demo",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest -q -n 2": "python3 -m venv .*pytest",
    "npm install -g @anthropic-ai/claude-code": "  @anthropic-ai/claude-code@",
    "rotom daemon install": '"daemon", "install"',
    "rotom daemon status": '"daemon", "status"',
    "rotom daemon restart": '"daemon", "restart"',
    "loginctl enable-linger $USER": "loginctl enable-linger $USER",
    "rotom daemon uninstall": '"daemon", "uninstall"',
    "rotom update": "rotom update",
    "pipx install .": "pipx install . ",
    "pipx ensurepath": "pipx ensurepath",
    "pipx uninstall rotom-gateway": "pipx uninstall rotom-gateway",
    "uv tool install .": "tool install .",
    "rotom login --import": '"--import"',
    "pytest -m slow tests/clients": "-m slow",
}


def test_a_file_that_is_said_to_run_a_command_has_it():
    elsewhere = {
        command: where for command, where in readme.WHERE.items() if where not in ("here", "clients", "itself")
    }
    assert set(elsewhere) == set(IN_FILES)
    for command, where in elsewhere.items():
        assert IN_FILES[command] in (readme.ROOT / where).read_text(encoding="utf-8"), command
    for command in (command for command, where in readme.WHERE.items() if where == "itself"):
        assert os.access(readme.ROOT / command, os.X_OK)


@pytest.fixture
def clone(person, tmp_path):
    """A clone with rotom in its .venv, and a program that is called like Claude Code; `person` works there."""
    folder = tmp_path / "clone"
    venv.create(folder / ".venv", symlinks=True)
    (folder / "man").symlink_to(readme.ROOT / "man")
    for path, text in (
        (folder / ".venv/bin/rotom", f"#!{sys.executable}\nimport sys\nfrom rotom.cli import main\nsys.exit(main())\n"),
        (tmp_path / "tools/claude", '#!/bin/sh\necho "asks $ANTHROPIC_BASE_URL for $ANTHROPIC_MODEL"\n'),
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    person.environ |= {
        "PATH": f"{folder}/.venv/bin:{tmp_path}/tools:{os.environ['PATH']}",
        "ROTOM_BIND": "127.0.0.1:0",
        "MANPAGER": "cat",
        "BROWSER": "/nonexistent",
    }
    return folder


@pytest.fixture
def types(person, clone):
    """Run lines in bash; what they print. They must be in the README."""

    async def run(*lines, more="", shell=("bash", "-e"), **replaced):
        for line in lines:
            assert line in readme.commands()
            assert readme.WHERE[line] == "here"
        script = "\n".join([*lines, more])
        for name, value in replaced.items():
            script = script.replace(name, value)
        with trio.fail_after(60):
            done = await trio.run_process(
                [*shell, "-c", script],
                cwd=clone,
                env=person.environ,
                stdin=b"\n",
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


async def test_trying_it(types):
    assert re.search(
        r"^asks http://127.0.0.1:\d+ for gpt-5.5$", await types(".venv/bin/rotom launch --demo claude"), re.M
    )
    assert "demo:usage_limit" in await types(".venv/bin/rotom serve --demo --list")
    assert (await types("rotom help")).startswith("NAME\n     rotom ")
    assert "Claude Code" in await types("rotom launch --list")


async def test_for_real(types, person):
    async def log_in(*words):
        async with person.types(*words) as process:
            await person.sees("Which provider")
            os.write(person.tty, b"\n")
            os.write(person.tty, f"{person.simulated.consent(await person.address())}\n".encode())
            assert await person.ends(process) == 0

    assert {"rotom login", "rotom login --account work"} <= {*readme.commands()}
    await log_in("login")
    assert "asks http" in await types("rotom launch claude")
    await log_in("login", "--account", "work")
    await types("rotom use work")
    assert "account work" in await types("rotom status")
    assert "gpt-5.5" in await types("rotom models")
    assert "rotom doctor" in readme.commands()
    assert "Claude Code" in (await person.runs("doctor"))[1]  # its status is about what it finds
    await types("openssl rand -hex 24 | rotom config set api_key -")
    assert "********" in await types(more="rotom config show")
    await types("rotom config set grok_origin auto")
    await types("rotom login --provider NAME --base-url URL", NAME="mine", URL="http://127.0.0.1:9/v1")
    assert "Logged out" in await types("rotom logout --all")
    assert person.vault.logins() == ()


async def test_a_server_and_a_client_beside_it(types, person, clone):
    assert "rotom serve" in readme.commands()
    command = [str(clone / ".venv/bin/rotom"), "serve"]
    process = await trio.lowlevel.open_process(command, env=person.environ, stderr=subprocess.PIPE)
    try:
        said = b""
        with trio.fail_after(30):
            while not (found := re.search(rb"listening addresses=(http://\S+)", said)):
                said += await process.stderr.receive_some()
        out = await types('eval "$(rotom env claude)"', "claude")
        assert out == f"asks {found[1].decode()} for gpt-5.5\n"
        if shutil.which("fish"):
            assert await types("rotom env claude | source", "claude", shell=("fish", "--no-config")) == out
    finally:
        process.send_signal(signal.SIGINT)
        with trio.fail_after(30):
            assert await process.wait() == 0
        await process.stderr.aclose()


async def test_the_manual(types):
    if not shutil.which("man"):
        pytest.skip("man is not installed")
    for page in ("rotom.1", "rotom-daemon.1", "rotom-config.5", "rotom-api.7"):
        assert "SEE ALSO" in re.sub(".\x08", "", await types(f"man ./man/{page}"))


def test_commands_that_are_only_named():
    for command in ("rotom launch", "rotom env"):
        assert command in readme.commands()
        assert command.split()[1] in cli.COMMANDS
