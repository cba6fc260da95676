"""`rotom daemon` on a machine of its own that is booted twice: the service of somebody who lingers comes back by itself."""

import os
import subprocess
from pathlib import Path

import pytest
from systemd_surroundings import PROGRAM, free_port, missing, surroundings

pytestmark = pytest.mark.timeout(360)

HERE = Path(__file__).parent

AS_TESTER = """\
set -eu
uid=$(id -u tester)
as_tester() {
    setpriv --reuid tester --regid tester --init-groups env -i HOME=/home/tester USER=tester \\
        PATH=/home/tester/.local/bin:/usr/bin:/bin LANG=C.UTF-8 XDG_RUNTIME_DIR=/run/user/$uid "$@"
}
up() { for _ in $(seq 600); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "never: $*"; exit 1; }
"""

FIRST = """\
useradd --create-home --shell /bin/bash tester
{as_tester}
install -o tester -m 755 -D /out/rotom /home/tester/.local/bin/rotom
chown -R tester:tester /home/tester
cd /home/tester

echo "== before anybody is logged in"
env -u XDG_RUNTIME_DIR setpriv --reuid tester --regid tester --init-groups \\
    env -i HOME=/home/tester PATH=/home/tester/.local/bin:/usr/bin:/bin rotom daemon install && exit 1
echo "== without lingering"
systemctl start user@$uid
up as_tester systemctl --user is-system-running
as_tester rotom daemon install --bind 127.0.0.1:{port}
echo "== with lingering"
# As the person types it, without a session; where a machine denies that, root does it.
as_tester sh -c 'loginctl enable-linger $USER' || loginctl enable-linger tester
as_tester rotom daemon status
"""

SECOND = """\
{as_tester}
cd /home/tester
up as_tester systemctl --user is-active rotom.service
echo "== after the boot"
as_tester rotom daemon status
as_tester curl -sS http://127.0.0.1:{port}/health
as_tester rotom daemon uninstall
find /home/tester/.config || true
"""


def test_a_service_that_lingers_comes_back_after_a_boot(tmp_path):
    around = surroundings(tmp_path)
    port = free_port()
    (tmp_path / "rotom").write_text(PROGRAM.format(python=around["PYTHON"]))
    for name, text in (("first", FIRST), ("second", SECOND)):
        (tmp_path / name).write_text(text.format(as_tester=AS_TESTER, port=port))
    done = subprocess.run(
        [HERE / "boot.sh", tmp_path, tmp_path / "first", tmp_path / "second"],
        env={**os.environ, **around},
        capture_output=True,
        text=True,
        timeout=330,
        check=False,
    )
    if done.returncode == 77:
        missing(done.stderr)
    assert done.returncode == 0, done.stderr
    first, second = ((tmp_path / f"{number}.log").read_text() for number in (1, 2))
    assert ((tmp_path / "1.status").read_text(), (tmp_path / "2.status").read_text()) == ("0\n", "0\n"), first + second

    nobody, without, lingering = first.split("== ")[1:]
    assert "nobody is logged in as it" in nobody
    assert "loginctl enable-linger tester" in nobody
    assert "at logout  ends" in without
    assert "  loginctl enable-linger $USER\n" in without
    assert "at logout  goes on" in lingering
    assert "loginctl" not in lingering
    assert "rotom is running" in second
    assert '{"status":"ok"}' in second
    assert second.endswith("find: ‘/home/tester/.config’: No such file or directory\n")
