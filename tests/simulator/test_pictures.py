"""The simulator's pictures are real ones: their chunks, their size, their pixels."""

import zlib

import pytest

from rotom.simulator.pictures import SIGNATURE, png, png_base64
from rotom.tokens.media import image_size


def chunks(data):
    assert data.startswith(SIGNATURE)
    place, found = 8, {}
    while place < len(data):
        size, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        body = data[place + 8 : place + 8 + size]
        assert int.from_bytes(data[place + 8 + size : place + 12 + size], "big") == zlib.crc32(kind + body)
        found[kind] = body
        place += 12 + size
    return found


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (13, 7), (1024, 1536), (3840, 2160)])
def test_sizes(width, height):
    found = chunks(png(width, height, "x"))
    assert found[b"IHDR"] == width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x01\x03\0\0\0"
    assert len(zlib.decompress(found[b"IDAT"])) == height * (1 + -(-width // 8))
    assert [*found] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    assert image_size("data:image/png;base64," + png_base64(width, height, "x")) == (width, height)


def test_a_disc_that_grows_in_colours_of_the_prompt():
    def lit(data):
        return sum(byte.bit_count() for byte in zlib.decompress(chunks(data)[b"IDAT"]))

    third, whole = (lit(png(256, 256, "x", share=share)) for share in (1 / 3, 1))
    assert 0 < 8 * third < whole < 256 * 256
    assert abs(whole - 3.14 * 102.4**2) < 700
    assert chunks(png(8, 8, "x"))[b"PLTE"] != chunks(png(8, 8, "y"))[b"PLTE"]


def test_a_ground_that_is_not_there():
    assert b"tRNS" not in chunks(png(8, 8, "x"))
    assert chunks(png(8, 8, "x", transparent=True))[b"tRNS"] == b"\0"
