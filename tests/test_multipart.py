"""multipart/form-data: what httpx and browsers send is read, wherever it is cut; what is doubtful is refused."""

import io

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotom.multipart import FIELD_BYTES, HEAD_BYTES, MOST_PARTS, End, Field, Parser, Part, boundary, read_form
from rotom.problem import Kind, Problem

TYPE = "multipart/form-data; boundary=xyz"


def events(raw, cuts=(), content_type=TYPE, **limits):
    """What a parser says of `raw`, cut at these places, with data joined."""
    parser = Parser(content_type, **limits)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        for event in parser.feed(raw[start:end]):
            if isinstance(event, bytes) and found and isinstance(found[-1], bytes):
                found[-1] += event
            else:
                found.append(event)
    parser.close()
    return found


def body(*parts, end=b"--xyz--\r\n"):
    return b"".join(b"--xyz\r\n" + part + b"\r\n" for part in parts) + end


def part(name="a", data=b"1", *headers):
    lines = [f'Content-Disposition: form-data; name="{name}"', *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def told(raw, content_type=TYPE, **limits):
    with pytest.raises(Problem) as caught:
        events(raw, content_type=content_type, **limits)
    assert caught.value.kind is Kind.INVALID
    assert caught.value.code == "invalid_multipart"
    return caught.value.message


# ---- what is sent

tricky = st.lists(
    st.sampled_from([b"\r", b"\n", b"-", b"--", b"--xy", b"\r\n--xy", b"\r\n", b"a", b"\0", b"xyz"]), max_size=8
).map(b"".join)


@given(
    parts=st.lists(st.tuples(st.booleans(), tricky | st.binary(max_size=40)), max_size=5),
    pads=st.sampled_from([b"", b" ", b" \t "]),
    before=st.sampled_from([b"", b"\r\n"]),
    after=st.sampled_from([b"", b"\r\n", b"\r\nanything --xyz\r\n"]),
    data=st.data(),
)
@settings(max_examples=300, deadline=None)
def test_any_cut_gives_the_same(parts, pads, before, after, data):
    raw, want = before, []
    for number, (is_file, content) in enumerate(parts):
        if content.startswith(b"--xyz") or b"\r\n--xyz" in content:
            content = b""
        name = f"p{number}"
        head = f'content-disposition: form-data; name="{name}"' + ('; filename="f"' if is_file else "")
        raw += b"--xyz" + pads + b"\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"
        want += [Part(name, "f" if is_file else None), *([content] if content else []), End.PART]
    raw += b"--xyz--" + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    assert events(raw, cuts) == want
    assert events(raw, range(1, len(raw))) == want


@given(raw=tricky, tail=tricky, data=st.data())
@settings(max_examples=300, deadline=None)
def test_bad_bodies_are_refused_wherever_they_are_cut(raw, tail, data):
    raw = b"--xyz" + raw + b'\r\ncontent-disposition: form-data; name="a"\r\n\r\n' + tail + b"\r\n--xyz--"

    def outcome(cuts):
        try:
            return events(raw, cuts)
        except Problem:
            return "refused"

    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    assert outcome(cuts) == outcome([]) == outcome(range(1, len(raw)))


words = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="\\%") | st.sampled_from(' "\r\n'), min_size=1
)


@given(
    files=st.lists(st.tuples(words, words, st.binary(max_size=200)), min_size=1, max_size=4),
    fields=st.dictionaries(words, st.text(st.characters(codec="utf-8"), max_size=50), max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_what_httpx_sends_is_read_as_it_was_meant(files, fields):
    request = httpx.Request(
        "POST",
        "http://x/",
        data=fields,
        files=[(name, (filename, io.BytesIO(data), "image/PNG; q=1")) for name, filename, data in files],
    )
    found = read_form(request.headers["content-type"], request.read())
    assert [(f.part.name, f.text()) for f in found if f.part.filename is None] == [*fields.items()]
    assert [(f.part.name, f.part.filename, f.data) for f in found if f.part.filename is not None] == files
    assert {f.part.content_type for f in found if f.part.filename is not None} == {"image/png"}


def test_a_part_may_have_no_data_at_all():
    raw = b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n--xyz--'
    assert events(raw) == events(raw, range(1, len(raw))) == [Part("a"), End.PART]


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ('form-data; name="a"', "a", None),
        ("form-data; name=a; filename=b.png", "a", "b.png"),
        ('FORM-DATA;name="a" ;FILENAME="b c.png";', "a", "b c.png"),
        ('form-data; name="a"; filename=""', "a", ""),
        ('form-data; name="a%22%0d%0A%2F"', 'a"\r\n%2F', None),
        (r'form-data; name="a"; filename="C:\dir\x.png"', "a", r"C:\dir\x.png"),
        (r'form-data; name="a"; filename="say \"hi\" \\o/"', "a", r'say "hi" \o/'),
        ('form-data; name="ä"; filename="日本.png"', "ä", "日本.png"),
        ('form-data; name="a"; filename="x"; filename*=utf-8\'\'%e6%97%a5.png', "a", "日.png"),
    ],
)
def test_names(disposition, name, filename):
    raw = body(f"Content-Disposition: {disposition}\r\n\r\n1".encode())
    assert events(raw)[0] == Part(name, filename)


def test_large_data_passes_through_in_the_memory_of_one_read():
    parser = Parser(TYPE)
    parser.feed(b'--xyz\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n')
    held = 0
    for _ in range(64):
        (data,) = parser.feed(b"\r\n--xy" * 10_000)
        held += 60_000 - len(data)
        assert held < 10
    assert parser.feed(b"z--") == [End.PART]
    assert parser.complete


def test_fields_in_pieces_and_whole():
    raw = body(part("a", b"1" * 10_000), part("b", "ü".encode()))
    fields = [Field(Part("a"), b"1" * 10_000), Field(Part("b"), "ü".encode())]
    assert read_form(TYPE, raw) == read_form(TYPE, (raw[i : i + 999] for i in range(0, len(raw), 999))) == fields
    assert fields[1].text() == "ü"
    with pytest.raises(Problem, match="'b' is not UTF-8") as caught:
        Field(Part("b"), b"\xff").text()
    assert caught.value.param == "b"


@pytest.mark.parametrize(
    ("content_type", "value"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data ; charset=utf-8; Boundary="a b:c"', b"a b:c"),
        ("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk", b"----WebKitFormBoundary7MA4YWxk"),
        ("multipart/form-data", None),
        ("multipart/mixed; boundary=abc", None),
        ("multipart/form-data; boundary=", None),
        ('multipart/form-data; boundary=""', None),
        ('multipart/form-data; boundary="abc "', None),
        ('multipart/form-data; boundary="ab\\"c"', None),
        ("multipart/form-data; boundary=a; boundary=b", None),
        (f"multipart/form-data; boundary={'a' * 71}", None),
        ("multipart/form-data; boundary=\xe4", None),
        ("application/json", None),
        ("", None),
    ],
)
def test_boundaries(content_type, value):
    if value is not None:
        assert boundary(content_type) == value
        return
    with pytest.raises(Problem, match="content-type must be multipart/form-data"):
        Parser(content_type)


# ---- what is refused


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "ends before"),
        (b"--xyz", "ends before"),
        (b"--xy", "ends before"),
        (body(part(), end=b""), "ends before"),
        (body(part(), end=b"--xyz-"), "ends before"),
        (body(part())[:-4], "ends before"),
        (b"preamble\r\n" + body(part()), "does not begin with the boundary"),
        (b"{}", "does not begin with the boundary"),
        (b"--other\r\n", "does not begin with the boundary"),
        (b"\n" + body(part()), "does not begin with the boundary"),
        (body(part()).replace(b"\r\n", b"\n"), "occurs inside"),
        (body(part("a", b"1\r\n--xyzz\r\n")), "occurs inside"),
        (body(part("a", b"1\r\n--xyz" + b" " * 2000)), "occurs inside"),
        (body(b"no header"), "ends before"),
        (body(b"no header\r\n\r\n1"), "has a header that cannot be read"),
        (body(b"a: b\r\n folded\r\n\r\n1"), "has a header that cannot be read"),
        (body(b"a: b\x00c\r\n\r\n1"), "has a header that cannot be read"),
        (body(b"a: \xff\r\n\r\n1"), "not UTF-8"),
        (body(part("a", b"1", "Content-Type: a/b", "content-type: c/d")), "two content-type headers"),
        (body(part("a", b"1", "Content-Transfer-Encoding: base64")), "content-transfer-encoding"),
        (body(b"Content-Type: text/plain\r\n\r\n1"), "no content-disposition"),
        (body(b'Content-Disposition: attachment; name="a"\r\n\r\n1'), "no content-disposition"),
        (body(b"Content-Disposition: form-data\r\n\r\n1"), "no content-disposition"),
        (body(b'Content-Disposition: form-data; name=""\r\n\r\n1'), "no content-disposition"),
        (body(b'Content-Disposition: form-data; name="a"; name="b"\r\n\r\n1'), "no content-disposition"),
        (body(b'Content-Disposition: form-data; name="a" x\r\n\r\n1'), "no content-disposition"),
        (body(b"Content-Disposition: form-data; name=a; filename*=latin-99''x\r\n\r\n1"), "cannot be read"),
        *(
            (body(f"Content-Disposition: form-data; name=a; filename*={coded}\r\n\r\n1".encode()), "cannot be read")
            for coded in ("utf-7''+2AA-", "unicode_escape''%5Cud800", "utf-16''%d8", "zlib''x", "punycode''x")
        ),
        (body(b"Content-Disposition: form-data; name=a; filename*=utf-8''%ff\r\n\r\n1"), "cannot be read"),
        (body(part("a", b"1", "x: " + "y" * HEAD_BYTES)), "too long"),
        (body(*[part()] * (MOST_PARTS + 1)), "too many parts"),
        (body(part("a", b"1" * (FIELD_BYTES + 1))), f"'a' is longer than {FIELD_BYTES}"),
    ],
)
def test_what_is_refused(raw, words):
    assert words in told(raw)


def test_limits_of_ones_own():
    assert "too many" in told(body(part(), part()), most_parts=1)
    assert "longer than 4" in told(body(part("a", b"12345")), field_bytes=4)
    file = b'Content-Disposition: form-data; name="a"; filename="b"\r\n\r\n12345'
    assert events(body(file), field_bytes=4)[1] == b"12345"
