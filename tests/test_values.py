"""Readers of values: each form that is accepted, each that is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom import values

addresses = values.several(values.address, empty=False)


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (addresses, "127.0.0.1:14550,[::1]:14550", ("127.0.0.1:14550", "[::1]:14550")),
        (addresses, ["192.168.1.0/24:14550", "localhost:0"], ("192.168.1.0/24:14550", "localhost:0")),
        (addresses, "127.0.0.1:1, 127.0.0.1:1,", ("127.0.0.1:1",)),
        (addresses, "0.0.0.0:80", ("0.0.0.0:80",)),
        (addresses, "[fe80::1%eth0]:80", ("[fe80::1%eth0]:80",)),
        (values.size, "64M", 64 << 20),
        (values.size, "1.5 KiB", 1536),
        (values.size, "2gb", 2 << 30),
        (values.size, 5, 5),
        (values.seconds(), "2.5", 2.5),
        (values.seconds(zero=True), 0, 0.0),
        (values.number(1), "7", 7),
        (values.number(1, 100), 100, 100),
        (values.word, " Codex ", "codex"),
        (values.host, "Box.LAN.", "box.lan"),
        (values.host, "[FE80::1]", "fe80::1"),
        (values.origin, "HTTPS://App.Example.org:8443", "https://app.example.org:8443"),
        (values.url, "https://chatgpt.com/backend-api/codex/", "https://chatgpt.com/backend-api/codex"),
        (values.url, "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        (values.url, "http://[::1]:1", "http://[::1]:1"),
        (values.choice("a", "b"), "A", "a"),
    ],
)
def test_good_values(read, value, result):
    assert read(value) == result


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (addresses, ""),
        (addresses, "127.0.0.1"),
        (addresses, "127.0.0.1:65536"),
        (addresses, "127.0.0.1:²"),
        (addresses, "::1:80"),
        (addresses, "[::1/64]:80"),
        (addresses, "1.2.3.4/33:80"),
        (addresses, "1.2.3:80"),
        (addresses, ":80"),
        (addresses, "a b:80"),
        (addresses, [1]),
        (addresses, 80),
        (values.size, "0"),
        (values.size, "-1"),
        (values.size, "64 parsecs"),
        (values.size, True),
        (values.seconds(), 0),
        (values.seconds(), "nan"),
        (values.seconds(), "inf"),
        (values.seconds(), 10**400),
        (values.number(1), "1.5"),
        (values.number(1), 0),
        (values.number(1, 100), "101"),
        (values.number(1), True),
        (values.text, ""),
        (values.text, "two\nlines"),
        (values.text, "käse"),
        (values.text, 5),
        (values.word, "a/b"),
        (values.host, "box.lan:80"),
        (values.host, "*"),
        (values.origin, "https://example.org/path"),
        (values.origin, "example.org"),
        (values.origin, "null"),
        (values.origin, "https://user@example.org"),
        (values.origin, "https://example.org:http"),
        (values.url, "http://example.org"),
        (values.url, "http://localhost.example.org"),
        (values.url, "http://127.0.0.1@example.org"),
        (values.url, "ftp://localhost"),
        (values.url, "https://example.org?x=1"),
        (values.url, "https://example.org:port/"),
        (values.choice("a"), "b"),
        (values.path, ""),
        (values.path, "a\0b"),
        (values.path, "~nobody-of-that-name/x"),
        (values.size, "9" * 400),
        (values.size, 10**30),
        (values.origin, "http://["),
        (values.url, "http://["),
    ],
)
def test_bad_values_are_refused_in_words(read, value):
    with pytest.raises(ValueError, match=r"^must "):
        read(value)


ANYTHING = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
)
READERS = (
    addresses,
    values.several(values.host),
    values.several(values.origin),
    values.size,
    values.seconds(),
    values.number(0),
    values.text,
    values.word,
    values.url,
    values.path,
)


@given(ANYTHING)
def test_whatever_is_read_is_a_value_that_reads_as_itself_or_a_sentence(value):
    for read in READERS:
        try:
            result = read(value)
        except ValueError as exc:
            said = str(exc)
        else:
            said = "must be readable again" if read(result) == result else f"{result!r} changed"
        assert said.startswith("must ")


@pytest.mark.parametrize(
    ("value", "read"),
    [(True, True), (False, False), ("yes", True), (" On ", True), ("0", False), ("no", False), (1, True), (0, False)],
)
def test_switches(value: object, read: bool) -> None:
    assert values.switch(value) is read


@pytest.mark.parametrize("value", ["", "maybe", 2, 1.0, None, [], "ja"])
def test_no_switches(value: object) -> None:
    with pytest.raises(ValueError, match="must be yes or no"):
        values.switch(value)


def test_aliases() -> None:
    read = ("claude-opus-*=gpt-6-astra", "fast=gpt-6-luna:low")
    assert values.aliases("Claude-Opus-*=gpt-6-astra, fast = gpt-6-luna:low") == read
    assert values.aliases({"claude-opus-*": "gpt-6-astra", "fast": "gpt-6-luna:low"}) == read
    assert values.aliases(list(read)) == read
    assert values.aliases("") == values.aliases({}) == ()


@pytest.mark.parametrize(
    "value", ["a", "a=", "=b", "a=b*", "a b=c", "a=b=c", {"a": 5}, {"a": ""}, 5, [["a", "b"]], {"": "x"}]
)
def test_no_aliases(value: object) -> None:
    with pytest.raises(ValueError, match="must"):
        values.aliases(value)
