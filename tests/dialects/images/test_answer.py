"""What a provider drew, as one answer and as events."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.images.answer import NOTHING, completed, differences, failed, read_answer, whole
from rotom.drawing import Drawing
from rotom.problem import Kind, Problem
from rotom.sse import Json

USAGE: Json = {
    "input_tokens": 10,
    "input_tokens_details": {"image_tokens": 4, "text_tokens": 6},
    "output_tokens": 100,
    "total_tokens": 110,
    "odd": "x",
}
ANSWER: Json = {
    "created": 7,
    "background": "opaque",
    "data": [{"b64_json": "QQ==", "generation_id": "g"}],
    "output_format": "png",
    "quality": "low",
    "size": "1254x1254",
    "usage": USAGE,
}


def drawing(count: int = 1, edit: bool = False, **body: Any) -> Drawing:
    return Drawing({"prompt": "x", **body}, edit=edit, count=count)


@pytest.mark.parametrize(
    "value", [None, [], "x", {}, {"data": None}, {"data": []}, {"data": [7, {}, {"b64_json": None}]}, {"data": {}}]
)
def test_an_answer_without_an_image_is_the_providers_fault(value: object) -> None:
    with pytest.raises(Problem) as caught:
        read_answer(value)
    assert (caught.value.kind, caught.value.code, caught.value.retry) == (Kind.UPSTREAM, "no_image", False)


def test_one_answer_passes_as_it_is() -> None:
    read = read_answer({**ANSWER, "data": [None, *ANSWER["data"]], "unknown": {"x": 1}})
    out = whole(drawing(), [read])
    assert out == {**ANSWER, "unknown": {"x": 1}, "usage": {k: v for k, v in USAGE.items() if k != "odd"}}


def test_several_answers_are_joined() -> None:
    two = {**ANSWER, "data": [{"b64_json": "Qg=="}, {"url": "https://a/b.png"}]}
    out = whole(drawing(3, user="u", safety_identifier=""), [ANSWER, two, ANSWER])
    assert [image.get("b64_json") for image in out["data"]] == ["QQ==", "Qg==", None]
    assert out["usage"]["input_tokens_details"] == {"image_tokens": 12, "text_tokens": 18}
    assert out["usage"]["total_tokens"] == 330
    assert out["safety_identifier"] == "u"


def test_what_a_provider_does_not_say_is_not_made_up() -> None:
    out = whole(drawing(), [read_answer({"data": [{"b64_json": "QQ=="}]})])
    assert out.keys() == {"created", "data"}
    assert out["created"] > 1_700_000_000


def test_events() -> None:
    (event,) = completed(drawing(), ANSWER)
    assert event.type == "image_generation.completed"
    look = {name: ANSWER[name] for name in ("background", "output_format", "quality", "size")}
    assert event.data == {
        "type": "image_generation.completed",
        "b64_json": "QQ==",
        "created_at": 7,
        **look,
        "usage": {k: v for k, v in USAGE.items() if k != "odd"},
    }
    bare = {"data": [{"b64_json": "QQ=="}, {"b64_json": "Qg=="}], "usage": USAGE}
    first, second = completed(drawing(edit=True, quality="high", user="u"), bare)
    assert first.type == second.type == "image_edit.completed"
    assert (first.data["usage"], second.data["usage"]["total_tokens"]) == (NOTHING, 110)
    assert (first.data["quality"], first.data["size"], first.data["output_format"]) == ("high", "auto", "png")
    assert first.data["safety_identifier"] == "u"


def test_what_was_drawn_otherwise() -> None:
    assert differences(drawing(size="1024x1024", quality="low", output_format="jpeg", background="auto"), ANSWER) == (
        ("output_format:jpeg", "png"),
        ("size:1024x1024", "1254x1254"),
    )
    assert differences(drawing(size="auto"), ANSWER) == ()
    assert differences(drawing(size="1024x1024"), {"data": [], "size": None, "quality": 7}) == ()


def test_a_failure_is_an_event_with_an_error() -> None:
    event = failed(Problem(Kind.INVALID, "no", code="moderation_blocked", param="prompt"))
    assert event.data == {
        "type": "error",
        "error": {
            "message": "no",
            "type": "image_generation_user_error",
            "param": "prompt",
            "code": "moderation_blocked",
        },
    }
