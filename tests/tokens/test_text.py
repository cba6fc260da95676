"""Tokens of texts. How near the estimates are is measured by tests/bench/tokens.py; here are known texts and laws."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.tokens.text import MARKS, PLAIN, SCRIPT, counts, text_tokens

CODE = '''
class Decoder:
    def feed(self, data: bytes) -> list[Event]:
        """The events completed by `data`, in order."""
        seen = max(0, len(self._buffer) - 1)
        if self._buffer:
            data = self._buffer + data
        return [event for event in self._split(data, seen) if event is not None]
'''

TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="abcXYZ 019\n\t.,_{}éжبक漢あ한😀"),
    st.text(alphabet=st.characters(categories=["Lu", "Ll", "Lo", "Cs", "So"])),
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # what o200k_base makes of it
        ("How many tokens are these?", 6),
        ("word " * 400, 401),
        (CODE, 81),
        ('{"id": 17, "name": "alpha", "tags": ["x", "prod"], "parent": null}', 26),
        ("127.0.0.1 - - [22/Nov/2026:09:14:05 +0000] 200 5316", 31),
        ("Die Bundesregierung hat am Mittwoch ein neues Gesetz beschlossen, das für alle gilt.", 15),
        ("Сегодня утром мы отправили новую версию программы всем пользователям.", 13),
        ("我们今天早上向所有用户发布了新版本的程序。", 14),
        ("今朝、新しいバージョンのプログラムをすべてのユーザーに公開しました。", 23),
        ("أرسلنا هذا الصباح الإصدار الجديد من البرنامج إلى جميع المستخدمين.", 16),
        ("gAAAAABpx7Qd0yF3Zk9vW2mN8bR5tYc1LhUe6sKjXoP4iVgDqAzBnMwTfCrEuHl", 51),
    ],
)
def test_known_texts(text: str, tokens: int) -> None:
    assert text_tokens(text) == pytest.approx(tokens, rel=0.6)  # so short a text says little


def test_nothing_is_nothing() -> None:
    assert text_tokens("") == 0
    assert text_tokens("a") > 0.5


@given(TEXTS, TEXTS)
def test_a_text_that_grows_never_has_less(text: str, more: str) -> None:
    assert text_tokens(text + more) >= text_tokens(text) >= 0


@given(TEXTS, TEXTS)
def test_each_pattern_only_grows(text: str, more: str) -> None:
    short, long = counts(text), counts(text + more)
    assert all(before <= after for before, after in zip(short, long, strict=False))
    assert len(short) <= len(long) <= len(PLAIN) + len(SCRIPT) + len(MARKS)


def test_no_weight_is_negative() -> None:
    assert min((*PLAIN.values(), *SCRIPT.values(), *MARKS.values())) >= 0


def test_a_large_text_is_counted_in_pieces() -> None:
    text = CODE * 6000
    assert text_tokens(text) == pytest.approx(6000 * text_tokens(CODE), rel=0.02)


def test_it_is_fast() -> None:
    text = (CODE * 300)[:100_000]
    spent = []
    for _ in range(5):
        began = time.perf_counter()
        text_tokens(text)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.02  # some 3 ms; a busy machine takes longer
