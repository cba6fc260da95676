"""The keyring's programs, played by scripts that keep what they are told; the key never stands in their arguments."""

import os
import stat

import pytest

from rotom.problem import Problem
from rotom.state import keyring
from rotom.state.keyring import Keyring

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")

SECRET_TOOL = """#!/bin/sh
echo "$@" >> "$STORE/arguments"
file="$STORE/$(echo "$@" | sed 's/.*account //' | tr -c 'a-zA-Z0-9\\n' _)"
case $1 in
  store) cat > "$file" ;;
  lookup) test -f "$file" || exit 1; cat "$file" ;;
  clear) rm -f "$file" ;;
esac
"""

SECURITY = """#!/bin/sh
echo "$@" >> "$STORE/arguments"
name() { echo "$1" | tr -c 'a-zA-Z0-9\\n' _; }
case $1 in
  -i) read -r line
      account=$(echo "$line" | sed 's/.*-a "\\(.*\\)" -w.*/\\1/')
      echo "${line##* -w }" > "$STORE/$(name "$account")" ;;
  find-generic-password) test -f "$STORE/$(name "$5")" || exit 44; cat "$STORE/$(name "$5")" ;;
  delete-generic-password) rm -f "$STORE/$(name "$5")" ;;
esac
"""


@pytest.fixture(params=["linux", "darwin"])
def ring(request, tmp_path, monkeypatch):
    name, script = ("secret-tool", SECRET_TOOL) if request.param == "linux" else ("security", SECURITY)
    tool = tmp_path / "bin" / name
    tool.parent.mkdir()
    tool.write_text(script)
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("STORE", str(tmp_path))
    return Keyring("/home/of someone/.rotom", request.param)


def test_a_key_is_made_kept_and_rotated(ring, tmp_path):
    assert ring.read() is None
    first = ring.make(True)
    again = Keyring(ring.account, "darwin" if ring._mac else "linux")
    assert again.read().secret == first.secret
    again.stage(bytes(32))
    assert again.staged().secret == bytes(32)
    again.promote()
    assert again.read().secret == bytes(32)
    assert again.staged() is None
    arguments = (tmp_path / "arguments").read_text()
    assert "rotom" in arguments
    assert keyring.written(first.secret).decode().strip() not in arguments


def test_a_keyring_that_hangs_is_given_up(ring, tmp_path, monkeypatch):
    monkeypatch.setattr(keyring, "TIMEOUT", 0.2)
    for tool in (tmp_path / "bin").iterdir():
        tool.write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(Problem, match="did not answer"):
        ring.read()


def test_a_keyring_that_does_not_keep_the_key_is_told(ring, tmp_path):
    for tool in (tmp_path / "bin").iterdir():
        tool.write_text("#!/bin/sh\ncase $1 in lookup) exit 1;; find-*) exit 44;; esac\n")
    with pytest.raises(Problem, match="did not keep the key"):
        ring.make(True)


def test_a_missing_program_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Problem, match="secret-tool is not installed"):
        Keyring("x", "linux").read()
