"""Sizes of images and documents, from headers as programs write them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.tokens.media import PAGE, file_tokens, image_size, image_tokens, patches

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x07\x80\0\0\x04\x38\x08\x02\0\0\0"
GIF = b"GIF89a\x80\x07\x38\x04\xf7\0\0"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff\xc2\0\x11\x08\x04\x38\x07\x80\3" + b"\0" * 20
LOSSY = b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\1\0\x9d\1\x2a\x80\x07\x38\x04" + bytes(8)
LOSSLESS = b"RIFF\x24\0\0\0WEBPVP8L\x18\0\0\0\x2f" + (0x77F | 0x437 << 14).to_bytes(4, "little") + bytes(8)
EXTENDED = b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x7f\x07\0\x37\x04\0" + bytes(8)


def data_url(raw: bytes, media: str = "image/png") -> str:
    return f"data:{media};base64,{base64.b64encode(raw).decode()}"


@pytest.mark.parametrize(
    "raw", [PNG, GIF, JPEG, LOSSY, LOSSLESS, EXTENDED], ids=["png", "gif", "jpeg", "vp8", "vp8l", "vp8x"]
)
def test_sizes(raw: bytes) -> None:
    assert image_size(data_url(raw)) == (1920, 1080)
    assert image_size(base64.b64encode(raw).decode()) == (1920, 1080)  # as image_generation_call has it


def test_a_preview_in_a_photograph_is_not_its_size() -> None:
    length = 60_000
    preview = (
        b"\xff\xe1" + length.to_bytes(2, "big") + (b"\xff\xd8\xff\xc0\0\x11\x08\0\x10\0\x10\3" * 6000)[: length - 2]
    )
    assert image_size(data_url(JPEG[:2] + preview + JPEG[2:])) == (1920, 1080)


@pytest.mark.parametrize(
    "url",
    ["", "data:", "data:image/png;base64,", "data:image/png;base64,!!!", "https://example.com/a.png", data_url(PNG[:20]),
     data_url(b"\xff\xd8\xff"), data_url(b"RIFF0000WEBPxxxx" + bytes(20)), data_url(PNG[:16] + bytes(20)), "é" * 200],
)  # fmt: skip
def test_sizes_that_cannot_be_seen(url: str) -> None:
    assert image_size(url) is None
    assert image_tokens(url) == image_tokens(None) > 500


@given(st.binary(max_size=200), st.sampled_from([PNG, GIF, JPEG, LOSSY, LOSSLESS, EXTENDED]), st.integers(0, 40))
def test_broken_headers(junk: bytes, raw: bytes, at: int) -> None:
    size = image_size(data_url(raw[:at] + junk))
    assert size is None or min(size) > 0
    assert image_tokens(data_url(raw[:at] + junk)) > 0


@pytest.mark.parametrize(
    ("width", "height", "detail", "tokens"),
    [
        # others' measurements of GPT-5.5 and GPT-6, published 2026
        (256, 256, None, 77),
        (1024, 1024, "auto", 1229),
        (1280, 720, "original", 1104),
        (1920, 1080, None, 2448),
        (3840, 2160, None, 9792),
        (4032, 3024, None, 11868),
        (2560, 1440, "high", 2931),
        (4032, 3024, "high", 2942),
    ],
)
def test_tokens_of_images(width: int, height: int, detail: str | None, tokens: int) -> None:
    raw = PNG[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes(5)
    assert image_tokens(data_url(raw), detail) == tokens


@given(st.integers(1, 1 << 31), st.integers(1, 1 << 31))
def test_no_image_passes_the_limit(width: int, height: int) -> None:
    assert 1 <= patches(width, height, 2500) <= 2500


def test_pages_of_a_pdf() -> None:
    page = b"1 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\n"
    three = b"%PDF-1.4\n<< /Type /Pages /Count 3 >>\n" + page * 3
    assert file_tokens({"file_data": data_url(three, "application/pdf")}) == 3 * PAGE
    packed = b"%PDF-1.7\n" + bytes(200_000)
    assert PAGE <= file_tokens({"file_data": data_url(packed, "application/pdf")}) <= 10 * PAGE
    assert file_tokens({"file_url": "https://example.com/a.pdf"}) == PAGE


def test_other_files_are_texts() -> None:
    said = data_url(b"word " * 400, "text/plain")
    assert 300 <= file_tokens({"file_data": said}) <= 500
    assert file_tokens({"file_data": "data:text/plain,hello%20there"}) < 10
    assert file_tokens({"file_data": "data:broken"}) == 0
