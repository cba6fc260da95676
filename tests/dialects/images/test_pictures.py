"""Pictures that clients send along."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotom.dialects.images import pictures
from rotom.dialects.images.pictures import STEP, checked_url, data_url, media_type
from rotom.problem import Problem
from rotom.simulator.pictures import png

PNG = png(8, 8, "x")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe1", "image/jpeg"),
        (b"RIFF\1\2\3\4WEBP", "image/webp"),
        (b"RIFF\1\2\3\4WAVE", None),
        (b"GIF89a", None),
        (b"<svg>", None),
        (b"", None),
    ],
)
def test_types_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert media_type(head) == kind


@given(tail=st.binary(max_size=200), step=st.integers(1, 30))
@settings(deadline=None)
def test_a_data_url_holds_what_was_given_and_is_good_in_any_steps(tail: bytes, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "STEP", 3 * step)
        url = data_url(PNG + tail, "image")
        assert base64.b64decode(url.removeprefix("data:image/png;base64,")) == PNG + tail
        assert checked_url(url, "image") is url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "invalid_image_url"),
        ("nonsense", "invalid_image_url"),
        ("data:", "invalid_image_url"),
        ("data:image/png;base64", "invalid_image_url"),
        ("data:image/png,abc", "invalid_image_url"),
        ("file:///etc/passwd", "invalid_image_url"),
        ("data:image/png;base64,", "empty_image_file"),
        ("data:image/png;base64,====", "invalid_base64_image"),
        ("data:image/png;base64,iVBO Rw0K", "invalid_base64_image"),
        ("data:image/png;base64,iVBORw0KGgo=AAAA", "invalid_base64_image"),
        ("data:image/png;base64," + base64.b64encode(PNG).decode() + "ä", "invalid_base64_image"),
        ("data:image/png;base64," + "A" * 4000 + "=A==", "invalid_base64_image"),
        ("data:image/png;base64,aGVsbG8=", "unsupported_image_media_type"),
    ],
)
def test_what_is_no_picture(url: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        checked_url(url, "images[0].image_url")
    assert caught.value.code == code
    assert caught.value.param == "images[0].image_url"


def test_padding_in_the_middle_is_seen_wherever_it_is() -> None:
    good = base64.b64encode(PNG + bytes(2 * STEP)).decode()
    for place in (40, STEP // 3 * 4 + 20, STEP // 3 * 4 + 24, len(good) - 40):
        place -= place % 4
        with pytest.raises(Problem):
            checked_url("data:image/png;base64," + good[: place - 2] + "==" + good[place:], "image")


def test_limits_and_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", 3000)
    for give in (lambda data: data_url(data, "image"), lambda data: checked_url(_url(data), "image")):
        give(PNG + bytes(3000 - len(PNG)))
        with pytest.raises(Problem, match="there may be") as caught:
            give(PNG + bytes(3000))
        assert caught.value.code == "image_file_too_large"
    with pytest.raises(Problem, match="'image/png'"):
        data_url(b"\xff\xd8\xff\xe1", "mask", png=True)


def _url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def test_a_url_takes_no_time_that_grows_faster_than_it() -> None:
    begun = time.monotonic()
    with pytest.raises(Problem):
        checked_url("data:" + ";x=" * 300_000, "image")
    assert time.monotonic() - begun < 5
