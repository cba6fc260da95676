"""The tables of rotom-api(7), and the SDKs' types that tests hold against them."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import Any

import typing_extensions

VERDICTS = ("read", "mapped", "dropped", "ignored", "refused")
"""The words that an entry of a table begins with."""

MANUAL = Path(__file__).parents[2] / "man" / "rotom-api.7"


def table(title: str) -> dict[str, str]:
    """The entries of a table: name -> what is said of it, as plain text."""
    section = re.split(r"\n\.S[sh] ", MANUAL.read_text(encoding="utf-8").split(f".Ss {title}\n")[1])[0]
    entries: dict[str, str] = {}
    for entry in section.split("\n.It Li ")[1:]:
        heads, _, text = entry.partition("\n")
        text = " ".join(re.sub(r"^\.[A-Z][a-z]\b", "", line) for line in text.split("\n.El")[0].splitlines())
        entries |= dict.fromkeys(heads.split(" , "), " ".join(text.split()))
    return entries


def hints(shape: Any) -> dict[str, Any]:
    """The fields of a typed dictionary or a model, and their types."""
    return typing_extensions.get_type_hints(shape, include_extras=True)


def shapes(hint: Any) -> list[Any]:
    """The typed dictionaries in a type, those inside them not."""
    if typing_extensions.is_typeddict(hint):
        return [hint]
    if typing.get_origin(hint) in (typing.Literal, typing_extensions.Literal):
        return []
    return [shape for part in typing.get_args(hint) for shape in shapes(part)]
