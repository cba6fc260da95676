"""Edits as a form: the same as in JSON. What is refused is in tests/routes/test_images.py."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from rotom.dialects.images.form import read_edit_form
from rotom.dialects.images.read import EDIT, read_edit
from rotom.problem import Problem
from rotom.simulator.pictures import png, png_base64

PNG = png(8, 8, "x")
PICTURE = {"image_url": "data:image/png;base64," + png_base64(8, 8, "x")}


def form(data: dict[str, Any], files: Any) -> Any:
    request = httpx.Request("POST", "http://x/", data=data, files=files)
    return read_edit_form(request.headers["content-type"], request.read())


@pytest.mark.parametrize("names", [["image"], ["image", "image"], ["image[]"] * 3, ["image[0]", "image[1]"]])
def test_names_of_images(names: list[str]) -> None:
    assert form({}, [(name, ("a.png", PNG)) for name in names]) == {"images": [PICTURE] * len(names)}


def test_numbers_and_truth_values() -> None:
    data = {"prompt": "7", "n": "2", "output_compression": "-1", "stream": "true", "size": "", "user": "1", "seed": "7"}
    assert form(data, {"image": PNG}) == {
        "prompt": "7",
        "n": 2,
        "output_compression": -1,
        "stream": True,
        "size": None,
        "user": "1",
        "seed": "7",
        "images": [PICTURE],
    }
    assert form({"stream": "False", "n": "1.5"}, {"x": b""}) == {"stream": False, "n": "1.5", "x": "upload"}


def test_a_url_where_a_file_belongs() -> None:
    url = PICTURE["image_url"]
    assert form({"image": url, "mask": "https://a/b.png"}, {"x": b""})["images"] == [{"image_url": url}]


def test_too_many_images() -> None:
    with pytest.raises(Problem) as caught:
        form({}, [("image[]", PNG)] * 17)
    assert (caught.value.code, caught.value.param) == ("array_above_max_length", "image")


def test_each_field_survives_the_form() -> None:
    values: dict[str, Any] = {
        "prompt": "x",
        "model": "m",
        "n": 3,
        "size": "1024x1024",
        "quality": "low",
        "background": "auto",
        "output_format": "webp",
        "output_compression": 80,
        "moderation": "low",
        "stream": True,
        "partial_images": 1,
        "response_format": "b64_json",
        "complexity": "low",
        "frame_count": 4,
        "frame_duration_ms": 100,
        "safety_identifier": "s",
        "user": "u",
        "input_fidelity": "high",
    }
    texts = {name: str(value).lower() if value is True else str(value) for name, value in values.items()}
    drawing = read_edit(form(texts, {"image": PNG, "mask": PNG}))
    assert drawing.body == {**values, "images": [PICTURE], "mask": PICTURE}
    assert drawing.body.keys() == EDIT.keys() - {"svg", "markup"}
