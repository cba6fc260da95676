"""The variables that a service needs of the shell."""

import pytest

from rotom.problem import Problem
from rotom.service import variables

HARD = 'http://me:p"a\\s$s`w%d@proxy:3128'


def test_only_how_the_network_is_reached_is_kept():
    environ = {"HTTPS_PROXY": HARD, "no_proxy": "localhost", "PATH": "/bin", "HTTP_PROXY": "", "ALL_PROXY": "a\nb"}
    assert variables.kept(environ) == {"HTTPS_PROXY": HARD, "no_proxy": "localhost"}


def test_written_and_read(tmp_path):
    file = tmp_path / "daemon.env"
    assert variables.write(file, {}) == []
    assert not file.exists()
    assert variables.write(file, {"HTTPS_PROXY": HARD}) == ["HTTPS_PROXY"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert variables.read(file) == {"HTTPS_PROXY": HARD}
    assert variables.write(file, {"HTTPS_PROXY": HARD}) == []


def test_what_a_person_wrote_stays(tmp_path):
    file = tmp_path / "daemon.env"
    file.write_text("# mine\nMINE='a b'\nHTTPS_PROXY=old\n; other\nPLAIN=x=y\n")
    file.chmod(0o600)
    assert variables.write(file, {"HTTPS_PROXY": "http://new"}) == ["HTTPS_PROXY"]
    assert variables.read(file) == {"MINE": "a b", "HTTPS_PROXY": "http://new", "PLAIN": "x=y"}
    assert file.read_text().startswith("# mine\nMINE='a b'\n; other\n")


def test_a_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "daemon.env"
    file.write_text("A=b\n")
    file.chmod(0o644)
    with pytest.raises(Problem, match="other users of this machine can read"):
        variables.read(file)


def test_an_address_with_a_user_in_it():
    assert variables.has_password("http://me:secret@proxy:1")
    assert variables.has_password("me:secret@proxy:1"), "the scheme may be left out"
    assert not variables.has_password("http://proxy:1/@")
    assert not variables.has_password("localhost")
