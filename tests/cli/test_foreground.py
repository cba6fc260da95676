"""Running another program on a terminal: signals, stops, statuses and modes are as if it had been typed there."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from rotom.cli.foreground import become, run
from rotom.problem import Problem

PYTHON = sys.executable
HERE = "from rotom.cli.foreground import {how}; import sys; sys.exit({how}(sys.argv[1:], dict(os.environ), 0o027))"


FRESH = """
import os, signal
for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGTSTP", "SIGUSR1", "SIGUSR2"):
    signal.signal(getattr(signal, name), signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
os.umask(0o077)
"""
"""As an interactive shell starts a program, whatever the tests themselves were started by."""


def starter(how, script):
    """The words that run a Python script through `how`."""
    return [PYTHON, "-c", FRESH + HERE.format(how=how), PYTHON, "-uc", script]


@pytest.fixture(params=["run", "become"])
def how(request):
    return request.param


def test_status_streams_and_modes_are_the_programs(how):
    script = "import os, sys; print(sys.stdin.read(), oct(os.umask(0))); print('err', file=sys.stderr); sys.exit(7)"
    done = subprocess.run(starter(how, script), input="given", capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (7, "given 0o27\n", "err\n")


def test_a_program_that_is_killed(how):
    done = subprocess.run(starter(how, "import os; os.kill(os.getpid(), 9)"), timeout=30)
    assert done.returncode == (137 if how == "run" else -9)


def test_the_program_has_all_signals_as_they_usually_are(how):
    script = (
        "import signal\n"
        "for name in ('SIGPIPE', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGTSTP', 'SIGUSR1'):\n"
        "    before = signal.getsignal(getattr(signal, name))\n"
        "    assert before is (signal.SIG_IGN if name == 'SIGPIPE' else signal.SIG_DFL), (name, before)\n"
        "line = next(line for line in open('/proc/self/status') if line.startswith('SigIgn'))\n"
        "print(int(line.split()[1], 16) & ~(1 << 12) & ~(1 << 24))"  # Python's own: SIGPIPE and SIGXFSZ
    )
    if sys.platform != "linux":
        pytest.skip("/proc tells it")
    done = subprocess.run(starter(how, script), capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("0\n", "")
    bare = "read x y < <(grep SigIgn /proc/self/status); echo $y"
    command = [*starter(how, "")[:-3], "/bin/bash", "-c", bare]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert int(done.stdout, 16) & (1 << 12) == 0, "a client's pipes must break as ever"


def test_what_is_sent_to_this_process_is_passed_on(how):
    script = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint('ready'); signal.pause()"
    with subprocess.Popen(starter(how, script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(30) == 9


def test_what_cannot_be_run_is_told(tmp_path):
    file = tmp_path / "x"
    file.write_text("no program")
    file.chmod(0o755)
    for name in (file, tmp_path / "gone", tmp_path):
        with pytest.raises(Problem, match="cannot be run"):
            run([str(name)], {}, 0o022)
    before = os.umask(0o022)
    ignored = signal.getsignal(signal.SIGPIPE)
    try:
        with pytest.raises(Problem, match="cannot be run"):
            become([str(tmp_path / "gone")], {}, 0o022)
    finally:
        os.umask(before)
        signal.signal(signal.SIGPIPE, ignored)


class Shell:
    """A job-controlling shell on a terminal."""

    def __init__(self, environ):
        self.tty, theirs = os.openpty()
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "PS1": "$ ", **environ},
            start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.shown = ""

    def types(self, text):
        os.write(self.tty, text.encode())

    def sees(self, text, seconds=20):
        until = time.monotonic() + seconds
        while text not in self.shown:
            assert select.select([self.tty], [], [], max(0, until - time.monotonic()))[0], self.shown
            self.shown += os.read(self.tty, 65536).decode(errors="replace")
        self.shown = self.shown.partition(text)[2]


@pytest.fixture
def shell():
    shell = Shell({})
    yield shell
    shell.process.kill()
    shell.process.wait()
    os.close(shell.tty)


SLEEPER = (
    "import select, signal, sys\n"
    "signal.signal(signal.SIGINT, lambda *_: print('interrupted'))\n"
    "{more}\n"
    "def line():\n"
    "    while not select.select([sys.stdin], [], [], 0.1)[0]: pass\n"
    "    return input()\n"
    "print('read' + 'y')\n"
    "while line() != 'end': print('go' + 'on')\n"
)
"""Python hears of a signal that comes right before a read only after it: so nothing is read before it is there."""


@pytest.mark.parametrize("raw", [False, True])
def test_a_terminal_goes_to_the_program_and_back(shell, how, tmp_path, raw):
    """Ctrl-C is the program's; Ctrl-Z gives the shell its terminal back, also where the program only stops itself."""
    import shlex

    # A program that reads the keys itself stops itself alone: of the group, nobody else is told.
    stop = "signal.signal(signal.SIGTSTP, lambda *_: __import__('os').kill(__import__('os').getpid(), signal.SIGSTOP))"
    shell.types(shlex.join(starter(how, SLEEPER.format(more=stop if raw else ""))) + "\n")
    shell.sees("ready")
    shell.types("\x03")
    shell.sees("interrupted")
    shell.types("\x1a")
    shell.sees("Stopped")
    shell.types("echo sh''ell\n")
    shell.sees("shell")
    shell.types("fg\n")
    shell.sees("python")
    shell.types("more\n")
    shell.sees("goon")
    shell.types("end\n")
    shell.types("echo status=$?\n")
    shell.sees("status=0")
