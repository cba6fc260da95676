"""Manual pages as plain text, for machines that have them and nothing to show them with: containers, Windows, pipes.

Reads what our own pages use of mdoc(7), and no more: a macro that is not known here is an error, which a test would find,
since it reads every page and holds the text against mandoc's.

Theory: a page is lines. One that begins with a dot is a macro with words, of which some are macros again; they only add
signs around words (``Op`` brackets, ``Fl`` a dash), since plain text has no styles. All other macros move between blocks:
sections, lists, their entries, examples. Words are gathered to a paragraph and set when a block begins or ends.

What is not here: where the pages are and what else could show them (manual.py).
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

_AROUND = {"Op": "[]", "Pq": "()", "Dq": "“”", "Sq": "‘’", "Ql": "‘’", "Aq": "⟨⟩", "Brq": "{}"}
_OPENS = {"Po": "(", "Oo": "[", "Do": "“"}
_CLOSES = {"Pc": ")", "Oc": "]", "Dc": "”"}
_BARE = {*("Li", "Cm", "Ar", "Pa", "Ev", "Ic", "Sx", "Dv", "Sy", "Em", "No", "Lk", "Va", "Er", "Fl", "Nm", "Xr", "Ns")}
_INLINE = {*_AROUND, *_OPENS, *_CLOSES, *_BARE}
_CLOSING = {*".,:;)]?!"}
_BODY, _STEP = 5, 6
_ESCAPES = {r"\&": "", r"\e": "\\", r"\-": "-", r"\(em": "—", r"\(en": "–", r"\(aq": "'", r"\(dq": '"', r"\ ": "\xa0"}


@dataclass(slots=True)
class _List:
    kind: str
    compact: bool
    step: int
    entries: int = 0


def text(page: str, columns: int = 80) -> str:
    """The page as lines of at most so many columns, where words and examples are not longer.

    Raises:
      ValueError: it has a macro that is not known here.
    """
    return _Setter(columns).page(page)


class _Setter:
    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._out: list[str] = []
        self._words = ""  # the paragraph that is gathered
        self._glue = True  # whether the next word follows without a space
        self._indent = _BODY
        self._lists: list[_List] = []
        self._term = ""  # the head of a list's entry, until its text is set
        self._name = ""
        self._section = ""
        self._literal = False

    def page(self, source: str) -> str:
        for line in source.splitlines():
            if line.startswith('.\\"'):
                continue
            if line.startswith(".") and len(line) > 1:
                name, *words = _cut(line[1:])
                self._macro(name, words)
            elif self._literal:
                self._out.append((" " * self._indent + _plain(line)).rstrip())
            else:
                self._add(_plain(line))
        self._end()
        return "\n".join(self._out).strip("\n") + "\n"

    def _macro(self, name: str, words: list[str]) -> None:
        match name:
            case "Dd" | "Dt" | "Os":
                pass
            case "Sh" | "Ss":
                self._end()
                self._space()
                self._section = " ".join(words)
                self._out.append(" " * (0 if name == "Sh" else 3) + _plain(self._section))
                self._indent = _BODY
            case "Nd":
                self._add("–")
                self._inline(words)
            case "Nm" if self._section in ("NAME", "SYNOPSIS"):
                self._name = self._name or words[0]
                self._end()
                self._inline(["Nm", *words])
            case "Pp":
                self._end()
                self._space()
            case "Bd":
                self._end()
                self._space()
                self._literal = True
                self._indent += _STEP
            case "Ed":
                self._literal = False
                self._indent -= _STEP
            case "Dl":
                self._end()
                self._inline(words)
                self._out.append(" " * (self._indent + _STEP) + self._words)
                self._words, self._glue = "", True
            case "Bl":
                self._begin(words)
            case "It":
                self._entry(words)
            case "El":
                self._end()
                self._indent -= self._lists.pop().step
            case "Xc":
                self._head()
            case _ if name in _INLINE:
                self._inline([name, *words])
            case _:
                raise ValueError(f"the macro {name} is not known")

    # Lists -------------------------------------------------------------------------------------------------------------

    def _begin(self, words: list[str]) -> None:
        self._end()
        kind = words[0].removeprefix("-")
        step = _STEP
        if kind != "tag":
            step = 2 if kind == "bullet" else 4
        elif (given := words[words.index("-width") + 1]) != "Ds":
            step = len(given) + 2
        self._lists.append(_List(kind, "-compact" in words, step))
        self._indent += step

    def _entry(self, words: list[str]) -> None:
        self._end()
        if not (ours := self._lists[-1]).compact:
            self._space()
        ours.entries += 1
        if ours.kind == "tag":
            self._inline([word for word in words if word != "Xo"])
            if "Xo" not in words:
                self._head()
        else:
            self._term = "•" if ours.kind == "bullet" else f"{ours.entries}."

    def _head(self) -> None:
        """The words so far were the head of the entry."""
        self._term, self._words, self._glue = self._words, "", True

    # Words -------------------------------------------------------------------------------------------------------------

    def _inline(self, words: list[str]) -> None:
        """Add the words of a macro's line."""
        flag = False
        for at, word in enumerate(words):
            if word in _AROUND:
                rest = words[at + 1 :]
                last = len(rest)
                while last and rest[last - 1] in _CLOSING:
                    last -= 1
                self._opened(_AROUND[word][0])
                self._inline(rest[:last])
                self._closed(_AROUND[word][1])
                for sign in rest[last:]:
                    self._closed(sign)
                return
            if word in _INLINE:
                flag = word == "Fl"
                if word in _OPENS:
                    self._opened(_OPENS[word])
                elif word in _CLOSES:
                    self._closed(_CLOSES[word])
                elif word == "Ns":
                    self._glue = True
                elif word == "Nm" and (at + 1 == len(words) or words[at + 1] in _INLINE | _CLOSING):
                    self._add(self._name)
            elif word in _CLOSING:
                self._closed(word)
            elif at > 1 and words[at - 2] == "Xr":
                self._closed(f"({word})")
            elif word == "(":
                self._opened(word)
            else:
                self._add("-" * (flag and word != "|") + _plain(word))

    def _add(self, word: str) -> None:
        self._words += ("" if self._glue else " ") + word
        self._glue = False

    def _opened(self, sign: str) -> None:
        self._add(sign)
        self._glue = True

    def _closed(self, sign: str) -> None:
        self._glue = True
        self._add(sign)

    # Lines -------------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Set the paragraph that was gathered, and the entry's head before it."""
        first = " " * self._indent
        if self._term:
            before = self._indent - self._lists[-1].step
            if before + len(self._term) < self._indent:
                first = (" " * before + self._term).ljust(self._indent)
            else:
                self._set(self._term, " " * before, before)
        if self._words or (self._term and first.strip()):
            self._set(self._words or "\xa0", first, self._indent)
        self._words, self._term, self._glue = "", "", True

    def _set(self, words: str, first: str, indent: int) -> None:
        self._out += textwrap.wrap(
            words,
            max(self._columns, indent + 20),
            initial_indent=first,
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
            break_long_words=False,
        )

    def _space(self) -> None:
        if self._out and self._out[-1]:
            self._out.append("")


def _cut(line: str) -> list[str]:
    """The words of a macro's line; what begins and ends with double quotes is one."""
    return [quoted or word for quoted, word in re.findall(r'"([^"]*)"(?=\s|$)|(\S+)', line)]


def _plain(text: str) -> str:
    return re.sub(r"\\(?:\(..|.)", lambda match: _ESCAPES[match[0]], text)
