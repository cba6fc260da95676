"""Manual pages as plain text, held against what mandoc makes of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rotom.mdoc import text

PAGES = sorted((Path(__file__).parents[1] / "man").iterdir())


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="there is no mandoc")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_reads_as_in_mandoc(page):
    done = subprocess.run(["mandoc", "-T", "utf8", page], capture_output=True, text=True, timeout=60, check=True)
    lines = re.sub(r".\x08", "", done.stdout).splitlines()[1:-1]  # without head and foot
    assert "".join(text(page.read_text(encoding="utf-8")).split()) == "".join("".join(lines).split())


@pytest.mark.parametrize("columns", [48, 80])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_is_too_long_unless_a_word_or_an_example_is(page, columns):
    source = page.read_text(encoding="utf-8")
    blocks = [part.split("\n.Ed")[0] for part in source.split("\n.Bd ")[1:]]
    blocks += re.findall(r"^\.Dl (.*)", source, re.MULTILINE)
    examples = "".join(
        "".join(blocks).replace("\\e", "\\").replace("\\&", "").replace("\\-", "-").replace("\\(dq", chr(34)).split()
    )
    for line in text(source, columns).splitlines():
        indent = len(line) - len(line.lstrip())
        assert len(line) <= max(columns, indent + 20) or len(line.split()) == 1 or "".join(line.split()) in examples, (
            line
        )


def test_the_shape_of_a_page():
    page = r"""
.Dd November 22, 2026
.Dt X 1
.Os
.Sh NAME
.Nm x
.Nd a thing
.Sh SYNOPSIS
.Nm
.Op Fl -all | Fl -one Ar name
.Nm
.Cm go
.Sh DESCRIPTION
Some
.Em words ,
.Pq see Xr x-config 5 ,
.Po Li a , b
or c
.Pc .
.Dq quoted words ;
.Bl -tag -width Ds
.It Cm go Ns Ar where
It goes.
.It Xo Fl v ,
.Fl -verbose
.Xc
Says more.
.Bl -bullet -compact
.It
one
.It
two
.El
.El
.Pp
The end:
.Dl one line
.Bd -literal -offset indent
.Sy not literal
x "go" \e
   \&.hidden
.Ed
"""
    assert text(page.replace(".Sy not literal\n", ""), 50) == (
        """\
NAME
     x – a thing

SYNOPSIS
     x [--all | --one name]
     x go

DESCRIPTION
     Some words, (see x-config(5)), (a, b or c).
     “quoted words”;

     gowhere
           It goes.

     -v, --verbose
           Says more.
           •   one
           •   two

     The end:
           one line

           x "go" \\
              .hidden
""".replace("•   ", "• ")
    )


def test_a_macro_that_is_not_known_is_an_error():
    with pytest.raises(ValueError, match="the macro Xx"):
        text(".Sh NAME\n.Xx word\n")
