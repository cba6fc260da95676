"""Files are whole, private and locked."""

import os
import stat
import subprocess
import sys
import threading

import pytest

from rotom.problem import Kind, Problem
from rotom.state import files

posix = pytest.mark.skipif(os.name != "posix", reason="modes and symbolic links of POSIX")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@posix
def test_written_files_and_their_folder_are_private(tmp_path):
    path = tmp_path / "home" / "auth.json"
    files.write_atomic(path, b"one")
    files.write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert os.listdir(path.parent) == ["auth.json"]


@posix
def test_a_symbolic_link_stays_one(tmp_path):
    real, link = tmp_path / "dotfiles" / "auth.json", tmp_path / "auth.json"
    real.parent.mkdir(mode=0o700)
    link.symlink_to(real)
    files.write_atomic(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "home" / "auth.json"
    files.write_atomic(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="no space left on device"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["auth.json"]


@posix
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_what_others_can_touch_is_refused_with_the_remedy(tmp_path, bits):
    path = tmp_path / "auth.json"
    path.write_bytes(b"x")
    path.chmod(bits)
    with pytest.raises(Problem) as caught:
        files.read_private(path)
    assert caught.value.kind is Kind.FORBIDDEN
    assert caught.value.hint == f"chmod 600 {path}"


@posix
def test_a_folder_that_others_can_write_to_is_refused(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(Problem, match="others may write"):
        files.write_atomic(folder / "auth.json", b"x")


def test_a_file_that_is_not_there_is_none_and_a_folder_is_no_file(tmp_path):
    assert files.read_private(tmp_path / "nothing") is None
    with pytest.raises(Problem):
        files.read_private(tmp_path)


def test_create_private_keeps_what_is_there(tmp_path):
    path = tmp_path / "home" / "key"
    assert files.create_private(path, b"first")
    assert not files.create_private(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(path.parent) == ["key"]


def test_sweep_removes_leftovers_of_this_file_only(tmp_path):
    for name in (".auth.json-abc", ".other-abc", "auth.json"):
        (tmp_path / name).write_bytes(b"")
    files.sweep(tmp_path / "auth.json")
    assert sorted(os.listdir(tmp_path)) == [".other-abc", "auth.json"]


def test_a_lock_keeps_out_other_holders_in_this_process_and_in_others(tmp_path):
    path = tmp_path / "home" / "lock"
    first, second = files.FileLock(path), files.FileLock(path)
    ask = (
        "import sys, pathlib; from rotom.state.files import FileLock; "
        "print(FileLock(pathlib.Path(sys.argv[1])).try_acquire())"
    )

    def other_process():
        return subprocess.run([sys.executable, "-c", ask, str(path)], capture_output=True, text=True, check=True).stdout

    with first.held():
        assert not second.try_acquire()
        assert other_process() == "False\n"
        with pytest.raises(Problem) as caught, second.held(timeout=0.05):
            pass
        assert caught.value.retry
    assert other_process() == "True\n"
    assert second.try_acquire()
    second.release()


def test_held_waits_for_its_turn(tmp_path):
    path, order = tmp_path / "home" / "lock", []
    lock = files.FileLock(path)

    def other():
        with files.FileLock(path).held():
            order.append("other")

    with lock.held():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "other"]
