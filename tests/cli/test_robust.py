"""Every command in bad circumstances: it says what is wrong in a line or two, with a status of the manual, and nobody ever
sees a traceback."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from rotom import cli, exits, paths
from rotom.problem import Problem

pytestmark = pytest.mark.skipif(os.name != "posix", reason="streams and folders end differently on Windows")

WORDS = {
    "use": ["use", "nobody"],
    "serve": ["serve", "--bind", "nowhere:x"],
    "launch": ["launch", "--list"],
    "env": ["env", "claude"],
    "config": ["config", "show"],
    "key": ["key", "show-source"],
    "update": ["update", "--check"],
    "help": ["help", "--text"],
    "completion": ["completion", "bash"],
    "daemon": ["daemon", "status"],
}
"""A line of each command that ends by itself and needs nobody, where its name alone is not one."""


def line(name):
    return [os.fsencode(word) for word in WORDS.get(name, [name])]


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def run(words, home, before="", **changes):
    """Run a command line in a shell's circumstances; its output has no traceback in it, its status is a known one."""
    inherited = {name: value for name, value in os.environ.items() if not re.match("ROTOM_|.*_proxy$", name, re.I)}
    environ = {**inherited, "ROTOM_HOME": str(home), "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", **changes}
    command = [sys.executable, "-m", "rotom", *words]
    script = f'{before}\nexec "$@"'
    done = subprocess.run(["sh", "-c", script, "sh", *command], env=environ, capture_output=True, timeout=60)
    said = done.stderr.decode(errors="replace")
    assert "Traceback" not in said
    assert "internal error" not in said
    assert done.returncode in exits.MEANINGS
    return done.returncode, done.stdout.decode(errors="replace"), said


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_streams_that_are_gone(name, home):
    status, _, said = run(line(name), home, 'exec "$@" >/dev/full')
    assert status != exits.INTERNAL
    if status == exits.CANNOT_CREATE:
        assert said.splitlines()[-1] == "rotom: the output cannot be written: No space left on device"
    whole, _, _ = run(line(name), home)
    status, out, said = run(line(name), home, "exec <&- >&- 2>&-")
    assert (status, out, said) == (whole, "", "")
    assert {path.name for path in home.iterdir()} <= {"config.json.lock", "auth.json.lock", "rotom.db"}


@pytest.mark.parametrize("left", [True, False], ids=["a thread is left", "no thread is left"])
def test_nothing_is_taken_apart_under_a_thread(left):
    """exit(3) lets libraries in C take themselves apart: not while a thread may be in one of them."""
    thread = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    code = f"import atexit; atexit.register(print, 'taken apart'); {thread if left else ''}\nprint('said', end=' ')"
    code = f"from rotom import cli\n{code}\ncli.leave(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said " if left else "said taken apart\n", "")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_full_disk_for_what_is_said(name, home):
    """Nobody can be told; the status still tells."""
    status, _, said = run([*line(name), b"--zzz"], home, "exec 2>/dev/full")
    assert (status, said) == (exits.USAGE, "")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_home_that_is_none(name, tmp_path):
    file = tmp_path / "file"
    file.touch()
    status, _, said = run(line(name), file, LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii", COLUMNS="x", TERM="")
    assert len(said.splitlines()) <= 2
    assert status != exits.INTERNAL


@pytest.mark.parametrize("name", cli.COMMANDS)
@pytest.mark.parametrize("file", ["config.json", "auth.json"])
def test_files_that_are_broken(name, file, home):
    (home / file).write_bytes(b"{\xff\x00")
    (home / file).chmod(0o600)
    status, out, said = run(line(name), home)
    if status:
        assert len(said.splitlines()) <= 2
        assert said.startswith("rotom: ") or (name == "doctor" and file in out)
    assert (home / file).read_bytes() == b"{\xff\x00", "what is not ours stays as it is"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_odd_words(name, home):
    for words in ([b"\xff\xfe"], [b"--\xff=1"], [b"x" * 100_000, b"y", b"z", b"0"], [b"--" + b"x" * 100_000], [b""]):
        status, _, said = run([os.fsencode(name), *words], home)
        if status:
            assert len(said.splitlines()) <= 2
            assert len(said) < 2000


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_working_folder_that_is_gone(name, tmp_path, home):
    gone = f'mkdir "{tmp_path}/gone"; cd "{tmp_path}/gone"; rmdir "{tmp_path}/gone"'
    assert run(line(name), home, gone)[0] == run(line(name), home)[0]
    run(line(name), "relative", gone)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_narrow_terminal_without_colours(name, home):
    tty, theirs = os.openpty()
    environ = {
        **os.environ,
        "ROTOM_HOME": str(home),
        "NO_COLOR": "1",
        "COLUMNS": "40",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "rotom", *line(name)]
    streams = {"stdin": subprocess.DEVNULL, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(command, env=environ, start_new_session=True, **streams) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(tty, 65536):
                shown += data
        except OSError:
            pass  # Linux: the other side is closed
        assert process.wait(30) in exits.MEANINGS
    os.close(tty)
    assert b"\x1b" not in shown
    assert b"Traceback" not in shown


def test_a_command_that_waits_is_interrupted_quietly(home):
    with socket.create_server(("127.0.0.1", 0)) as issuer:
        address = f"http://127.0.0.1:{issuer.getsockname()[1]}"
        environ = {**os.environ, "ROTOM_HOME": str(home), "ROTOM_OPENAI_ISSUER": address, "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-m", "rotom", "login", "--provider", "openai", "--device"]
        with subprocess.Popen(command, env=environ, stdin=-1, stdout=-1, stderr=-1) as process:
            stream, _ = issuer.accept()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
            stream.close()
    assert (process.returncode, said) == (exits.INTERRUPTED, b"")


def test_an_interrupt_while_a_command_is_loaded_is_quiet(capsys, monkeypatch):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    monkeypatch.setenv("ROTOM_DEBUG", "1")
    assert cli.main(["models"]) == exits.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_nobodys_home_is_known(monkeypatch):
    def nobody():
        raise RuntimeError

    monkeypatch.setattr(paths.Path, "home", nobody)
    with pytest.raises(Problem, match="HOME is not set") as caught:
        paths.home({})
    assert exits.status(caught.value) == exits.CONFIG
