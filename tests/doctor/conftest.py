"""The case of an empty home."""

import pytest

from rotom.doctor.case import read_case


@pytest.fixture
def empty(tmp_path):
    """Makes the case of a home: ``empty(ROTOM_BIND="...")``. The home is `tmp_path`/home, and need not be there."""

    def make(flags=None, **environ):
        base = {"ROTOM_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "PATH": ""}
        return read_case(flags or {}, base | environ)

    return make
