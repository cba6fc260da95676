"""`rotom update`: really, with pip in environments of its own and wheels made here; and what it says otherwise."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from rotom import __version__, cli, exits
from rotom.cli import update
from rotom.installation import Installation

ROOT = Path(__file__).parents[2]
INFO = "rotom_gateway-{}.dist-info"


def wheel(folder, version):
    """A rotom of this version, as an installer takes it. It needs no packages: those of the tests are lent to it."""
    folder.mkdir(exist_ok=True)
    info = INFO.format(version)
    files = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / "rotom").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    files["rotom/__init__.py"] = files["rotom/__init__.py"].replace(__version__.encode(), version.encode())
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: rotom-gateway\nVersion: {version}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\nrotom = rotom.cli:main\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD")).encode()
    with zipfile.ZipFile(folder / f"rotom_gateway-{version}-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Folders that pip takes for its index: with an old version, and with a new one as well."""
    folder = tmp_path_factory.mktemp("index")
    for name, versions in {"old": ("0.0.9",), "new": ("0.0.9", "0.0.10"), "none": ()}.items():
        (folder / name).mkdir()
        for version in versions:
            wheel(folder / name, version)
    return folder


posix = pytest.mark.skipif(os.name != "posix", reason="links and scripts")


whole = pytest.mark.skipif(find_spec("ensurepip") is None, reason="distributions leave pip out of Python's library")


class Environment:
    """A virtual environment with pip and a rotom, and what its index is."""

    def __init__(self, folder, index):
        self.folder, self.index = folder, index
        venv.create(folder, with_pip=True, symlinks=True)
        self.python = folder / "bin" / "python"
        (site,) = folder.glob("lib/python*/site-packages")
        (folder / "lent").mkdir()
        for path in (*Path(sysconfig.get_path("purelib")).iterdir(), *Path(sysconfig.get_path("platlib")).iterdir()):
            if not path.name.startswith(("rotom", "__editable__")) and not (folder / "lent" / path.name).exists():
                (folder / "lent" / path.name).symlink_to(path)
        (site / "lent.pth").write_text(f"{folder / 'lent'}\n")
        self.run("-m", "pip", "install", "--quiet", "rotom-gateway", index="old", check=True)

    def run(self, *words, index="none", check=False, **environ):
        names = {"PATH", "HOME", "TMPDIR"}
        environ = {
            **{name: value for name, value in os.environ.items() if name in names},
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.index / index),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "ROTOM_HOME": str(self.folder / "home"),
            **environ,
        }
        return subprocess.run(
            [self.python, *words], capture_output=True, text=True, timeout=60, env=environ, check=check, cwd=self.folder
        )

    def rotom(self, *words, **options):
        done = self.run("-m", "rotom", *words, **options)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def environment(tmp_path, index):
    return Environment(tmp_path / "env", index)


@posix
@whole
def test_pip_really_updates(environment):
    assert environment.rotom("update", "--check", index="old") == (0, "rotom 0.0.9 is the newest version.\n", "")
    code, out, _ = environment.rotom("update", "--check", index="new")
    assert (code, out) == (exits.NEWER, "There is rotom 0.0.10; this is 0.0.9.\n  rotom update\n")
    assert environment.rotom("--version")[1] == "rotom 0.0.9\n"

    code, out, err = environment.rotom("update", index="new")
    assert (code, err) == (0, "")
    assert out.endswith("-m pip install --quiet --upgrade rotom-gateway\nrotom is 0.0.10 now; it was 0.0.9.\n")
    assert environment.rotom("--version")[1] == "rotom 0.0.10\n"
    assert environment.rotom("update", index="new")[1] == "rotom 0.0.10 is the newest version.\n"
    # an index that is behind is no reason to go back
    assert environment.rotom("update", index="old")[1] == "rotom 0.0.10 is the newest version.\n"


@posix
@whole
def test_an_index_without_it_and_one_that_is_not_there_are_told_apart(environment):
    code, out, err = environment.rotom("update")
    assert (code, out) == (exits.UNAVAILABLE, "")
    said, hint = err.splitlines()
    assert said == ("rotom: the package index has no rotom-gateway for this Python: it may not be published there yet")
    assert hint.endswith("-m pip config list")
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_NO_INDEX": "0"}
    code, _, err = environment.rotom("update", "--check", **nowhere)
    assert (code, "the package index cannot be reached" in err) == (exits.TEMPORARY, True)


@posix
@whole
def test_the_document_says_what_was_done_and_the_installer_gets_no_key(environment):
    code, out, err = environment.rotom("update", "--json", index="new", ROTOM_API_KEY="planted-local-key")
    document = json.loads(out)
    command = document.pop("command")
    assert code == 0
    assert command[-5:] == ["pip", "install", "--quiet", "--upgrade", "rotom-gateway"]
    assert document == {
        "installed": "pip",
        "version": "0.0.9",
        "newest": "0.0.10",
        "advice": None,
        "updated": True,
        "restarted": False,
        "problem": None,
    }
    assert "rotom is 0.0.10 now" in err
    assert "planted" not in out + err


# What cannot be had here is stood in for: the installation that is found, and programs by scripts. -----------------------


@pytest.fixture
def found(monkeypatch, tmp_path):
    """Sets the installation that is found, and what the programs that it needs do."""

    def find(*, script="exit 0", **fields):
        programs = tmp_path / "bin"
        programs.mkdir(exist_ok=True)
        for name in ("pipx", "uv"):
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        monkeypatch.setenv("ROTOM_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(
            update, "installation", lambda: Installation(**{"kind": "pipx", "about": "by pipx"} | fields)
        )

    return find


PIPX = {"command": ("pipx", "upgrade", "rotom-gateway"), "asks": ("uv", "pip")}


def test_what_is_not_ours_to_update_is_told_with_the_command(found, capsys):
    found(kind="package", about="as a package of your system", advice="sudo apt upgrade rotom")
    assert cli.main(["update"]) == cli.main(["update", "--check"]) == exits.UNAVAILABLE
    err = capsys.readouterr().err.splitlines()
    assert err[0] == "rotom: rotom was installed as a package of your system: it is not for rotom to update"
    assert err[1] == err[3] == "       sudo apt upgrade rotom"
    assert cli.main(["update", "--json"]) == exits.UNAVAILABLE
    document = json.loads(capsys.readouterr().out)
    assert (document["updated"], document["advice"]) == (False, "sudo apt upgrade rotom")
    assert "not for rotom to update" in document["problem"]


@posix
def test_uv_is_asked_as_well(found, capsys):
    found(**PIPX, script='cat >/dev/null; [ "$1 $2" = "pip compile" ] && echo rotom-gateway==9.1')
    assert cli.main(["update", "--check"]) == exits.NEWER
    assert capsys.readouterr().out.startswith("There is rotom 9.1; ")


@posix
def test_the_folder_of_somebody_else_s_code_has_no_say(found, capsys, monkeypatch, tmp_path):
    # uv takes its index from the pyproject.toml around it
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\nindex-url = "https://evil.example/simple"\n')
    monkeypatch.chdir(tmp_path)
    found(**PIPX, script="cat >/dev/null; [ -e pyproject.toml ] && echo rotom-gateway==99 || echo rotom-gateway==9.1")
    assert cli.main(["update", "--check"]) == exits.NEWER
    assert capsys.readouterr().out.startswith("There is rotom 9.1; ")


@posix
@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        ("Because rotom-gateway was not found in the package registry", exits.UNAVAILABLE, "may not be published"),
        ("error: Failed to fetch: x\n  cause: refused", exits.TEMPORARY, "cannot be reached: cause: refused"),
        ("broken\x1b[31m", exits.UNAVAILABLE, "pip cannot tell the newest version: broken?[31m"),
    ],
)
def test_what_uv_cannot_tell_is_said_in_words(found, capsys, said, status, told):
    found(**PIPX, script=f'cat >/dev/null; echo "{said}" >&2; exit 1')
    assert cli.main(["update", "--check"]) == status
    assert told in capsys.readouterr().err


@posix
def test_a_command_that_fails_or_changes_nothing_is_told(found, capfd, monkeypatch):
    monkeypatch.setattr(update, "newest", lambda asks: "9.1")
    found(**PIPX, script="echo it said why; exit 3")
    assert cli.main(["update"]) == exits.UNAVAILABLE
    out, err = capfd.readouterr()
    assert out == "$ pipx upgrade rotom-gateway\nit said why\n"
    assert err == f"rotom: pipx could not update rotom, which is {__version__} now\n"
    found(**PIPX, script="exit 0")
    assert cli.main(["update"]) == exits.UNAVAILABLE
    assert f"the command ended well, but rotom is {__version__} and not 9.1" in capfd.readouterr().err


def test_a_tool_that_is_gone_is_told(found, capsys, monkeypatch):
    found(**PIPX)
    monkeypatch.setattr(update, "newest", lambda asks: "9.1")
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["update"]) == exits.UNAVAILABLE
    assert "rotom was installed by pipx, and pipx is not found now" in capsys.readouterr().err


@pytest.fixture
def updated(found, monkeypatch):
    """An update that goes well; the calls of the rotom that is new, whose service does as told."""
    found(**PIPX)
    calls = []
    service = {"status": 0, "restart": 0}

    def rotom(*words):
        calls.append(" ".join(words))
        if words == ("--version",):
            return subprocess.CompletedProcess(words, 0, "rotom 9.1\n", "")
        return subprocess.CompletedProcess(words, service[words[1]], "", "rotom: it would not\n")

    monkeypatch.setattr(update, "newest", lambda asks: "9.1")
    monkeypatch.setattr(update, "_rotom", rotom)
    monkeypatch.setattr(update, "_started", lambda *words, **options: subprocess.CompletedProcess(words, 0, "", ""))
    return calls, service


def at_a_terminal(monkeypatch, answer):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)


@pytest.mark.parametrize(
    ("argv", "answer", "restarted"),
    [([], "", True), ([], "y", True), ([], "n", False), ([], None, False), (["--restart"], None, True)],
)
def test_a_service_is_restarted_if_the_person_wants_it(updated, monkeypatch, capsys, argv, answer, restarted):
    calls, _ = updated
    if answer is not None:
        at_a_terminal(monkeypatch, answer)
    assert cli.main(["update", *argv]) == 0
    out = capsys.readouterr().out
    assert calls == ["--version", "daemon status --json", *(["daemon restart"] if restarted else [])]
    last = (
        "The service was restarted."
        if restarted
        else f"The service goes on with {__version__} until: rotom daemon restart"
    )
    assert out.splitlines()[-1] == last


def test_a_service_that_does_not_come_back_is_told(updated, capsys):
    updated[1]["restart"] = 1
    assert cli.main(["update", "--restart"]) == exits.UNAVAILABLE
    said = capsys.readouterr().err
    assert said.startswith("rotom: rotom was updated, but the service was not restarted: rotom: it would not\n")


def test_without_a_service_a_server_that_runs_is_named(updated, capsys, monkeypatch):
    updated[1]["status"] = 3
    server = update.running.Running(("127.0.0.1:1",), "x", None, 4711)
    monkeypatch.setattr(update.running, "find", lambda config: server)
    assert cli.main(["update"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"The server that runs, process 4711, goes on with {__version__} until it is started again."


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("0.2.0", "0.1.0", True),
        ("0.10.0", "0.9.9", True),
        ("0.1.0", "0.1.0", False),
        ("0.1", "0.1.0", False),
        ("1.0.0", "1.0.0rc1", True),
        ("1.0.0rc2", "1.0.0rc1", True),
        ("1.0.0rc1", "1.0.0", False),
        ("1.0.0.post1", "1.0.0", True),
        ("0.9", "1.0.dev1", False),
    ],
)
def test_which_version_is_newer(one, other, newer):
    assert update.is_newer(one, other) is newer
