"""Requests for images in their JSON form. What is refused, field by field, is in tests/routes/test_images.py."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rotom.dialects.images.read import EDIT, GENERATION, MOST_IMAGES, read_edit, read_generation
from rotom.problem import Kind, Problem
from rotom.simulator.pictures import png_base64

PICTURE = "data:image/png;base64," + png_base64(8, 8, "x")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(PICTURE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["image_url", "url", "x"]), inner),
    max_leaves=3,
)
names = st.sampled_from([*GENERATION, *EDIT, "image", "other"])


def test_a_generation() -> None:
    drawing = read_generation(
        {"prompt": " x ", "n": 2.0, "stream": True, "size": " 1024X1024 ", "model": None, "seed": 1}
    )
    assert drawing.body == {"prompt": " x ", "n": 2, "stream": True, "size": "1024x1024"}
    assert (drawing.edit, drawing.count, drawing.stream, drawing.asked) == (False, 2, True, None)
    assert drawing.dropped == ("seed",)


@pytest.mark.parametrize(
    "body",
    [
        {"images": [{"image_url": PICTURE}]},
        {"images": [{"image_url": {"url": PICTURE}}]},
        {"image": PICTURE},
        {"image": [PICTURE]},
        {"image": [{"image_url": PICTURE}]},
        {"image": PICTURE.replace("image/png", "image/jpeg")},
        {"image": PICTURE.replace("image/png;", ";")},
    ],
)
def test_ways_to_give_an_image(body: dict[str, Any]) -> None:
    drawing = read_edit({"prompt": "x", **body})
    assert drawing.edit
    assert drawing.body == {"prompt": "x", "images": [{"image_url": PICTURE}]}


def test_an_edit_with_all_images_that_there_may_be_and_a_mask() -> None:
    drawing = read_edit({"prompt": "x", "image": [PICTURE] * MOST_IMAGES, "mask": PICTURE, "model": "m"})
    assert len(drawing.body["images"]) == MOST_IMAGES
    assert drawing.body["mask"] == {"image_url": PICTURE}
    assert drawing.asked == "m"


def test_an_image_behind_a_url_is_the_providers_affair() -> None:
    drawing = read_edit({"prompt": "x", "image": "https://example.com/a.png"})
    assert drawing.body["images"] == [{"image_url": "https://example.com/a.png"}]


@pytest.mark.parametrize("read", [read_generation, read_edit])
@given(body=st.dictionaries(names, anything, max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_body_is_read_or_refused_by_name(read: Any, body: dict[str, Any]) -> None:
    try:
        drawing = read(body)
    except Problem as problem:
        drawing, told = None, problem
    else:
        told = None
    if drawing is not None:
        assert drawing.body["prompt"].strip()
        assert 1 <= drawing.count <= 10
    else:
        assert told is not None
        assert (told.kind, bool(told.code), bool(told.param)) == (Kind.INVALID, True, True)


@pytest.mark.parametrize("field", ["n", "output_compression", "frame_count"])
@pytest.mark.parametrize("number", [-(10**400), 10**400, -1e300])
def test_numbers_that_no_float_holds(field: str, number: float) -> None:
    with pytest.raises(Problem) as caught:
        read_generation({"prompt": "x", field: number})
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, field)
    assert len(caught.value.message) < 200
