"""The table of rotom-api(7) against OpenAI's SDK: a field that the SDK learns fails here until it is decided about.

And against what is done: what the table calls dropped is told, what it calls refused is refused.
"""

from __future__ import annotations

import re
import typing
from typing import Any

import pytest
import typing_extensions
from manual import VERDICTS, table
from openai.types import image_edit_params, image_generate_params
from openai.types.image_model import ImageModel

from rotom.catalogue import Catalogue
from rotom.dialects.images.read import EDIT, GENERATION, read_edit, read_generation
from rotom.problem import Problem
from rotom.providers.openai_images import take
from rotom.providers.openai_models import IMAGES
from rotom.simulator.pictures import png_base64

PICTURE = "data:image/png;base64," + png_base64(8, 8, "x")


TABLE = table("Images")
GENERATIONS = (
    image_generate_params.ImageGenerateParamsStreaming,
    image_generate_params.ImageGenerateParamsNonStreaming,
)
EDITS = (image_edit_params.ImageEditParamsStreaming, image_edit_params.ImageEditParamsNonStreaming)


def hints(*shapes: Any) -> dict[str, Any]:
    return {
        name: hint
        for shape in shapes
        for name, hint in typing_extensions.get_type_hints(shape, include_extras=False).items()
    }


def choices(hint: Any) -> set[str]:
    """The words in a type."""
    if typing.get_origin(hint) in (typing.Literal, typing_extensions.Literal):
        return {word for word in typing.get_args(hint) if isinstance(word, str)}
    return {word for part in typing.get_args(hint) for word in choices(part)}


def body(edit: bool, **more: Any) -> dict[str, Any]:
    return {"prompt": "x", **({"images": [{"image_url": PICTURE}]} if edit else {}), **more}


def taken(edit: bool, **more: Any) -> tuple[Any, Any]:
    drawing = (read_edit if edit else read_generation)(body(edit, **more))
    return take(drawing, IMAGES[0])


def test_every_field_is_decided_about_and_read() -> None:
    assert hints(*GENERATIONS).keys() == GENERATION.keys()
    assert hints(*EDITS).keys() - {"image"} == EDIT.keys() - {"images", "moderation"}
    assert TABLE.keys() == hints(*GENERATIONS, *EDITS).keys()
    for name, text in TABLE.items():
        assert text.startswith(VERDICTS), f"{name}: {text}"


@pytest.mark.parametrize("edit", [False, True])
def test_every_word_that_the_sdk_knows_is_read_or_refused_as_the_table_says(edit: bool) -> None:
    seen = 0
    for name, hint in hints(*(EDITS if edit else GENERATIONS)).items():
        for word in choices(hint) - (choices(ImageModel) if name == "model" else set()):
            seen += 1
            refused = re.search(rf"refused:[^;]*\b{word}\b", TABLE[name])
            if refused:
                with pytest.raises(Problem) as caught:
                    taken(edit, **{name: word})
                assert caught.value.param == name
            else:
                taken(edit, **{name: word})
    assert seen > 20


@pytest.mark.parametrize("name", sorted(choices(ImageModel)))
def test_every_model_that_the_sdk_knows_is_one_that_draws(name: str) -> None:
    found = Catalogue(IMAGES).find_image(name)
    assert (found.model.id, found.exact) == ("gpt-image-2", name == "gpt-image-2")


VALUES: dict[str, Any] = {
    "moderation": "low",
    "output_compression": 50,
    "complexity": "high",
    "style": "vivid",
    "input_fidelity": "high",
    "svg": {"model": "m"},
    "frame_count": 3,
    "frame_duration_ms": 100,
    "markup": PICTURE,
    "partial_images": 3,
    "user": "u",
    "safety_identifier": "s",
    "response_format": "b64_json",
}


def test_there_is_an_example_of_all_that_is_not_honoured() -> None:
    assert VALUES.keys() == {name for name, text in TABLE.items() if text.startswith(VERDICTS[2:])}


@pytest.mark.parametrize("name", VALUES)
def test_what_is_dropped_is_told_and_what_is_refused_is_refused(name: str) -> None:
    verdict = TABLE[name].partition(":")[0]
    edit = name not in GENERATION
    if verdict == "refused":
        with pytest.raises(Problem) as caught:
            taken(edit, **{name: VALUES[name]})
        assert caught.value.param == name
        return
    sent, receipt = taken(edit, **{name: VALUES[name]})
    assert receipt.dropped == ((name,) if verdict == "dropped" else ())
    assert sent == taken(edit)[0]


def test_what_is_not_in_the_table_is_dropped() -> None:
    assert taken(False, seed=7, negative_prompt="y", nothing=None)[1].dropped == ("seed", "negative_prompt")
