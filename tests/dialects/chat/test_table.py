"""The tables of rotom-api(7) against OpenAI's SDK: a field that the SDK learns fails here until it is decided about.

And against what the reader does: what a table calls dropped is told, what it calls refused is refused.
"""

from __future__ import annotations

import re
import typing
from typing import Any

import openai.types.chat as sdk
import pytest
import typing_extensions
from manual import VERDICTS, hints, shapes, table
from openai.types.chat import completion_create_params
from openai.types.chat.chat_completion_custom_tool_param import Custom
from openai.types.shared_params import FunctionDefinition, ResponseFormatJSONSchema

from rotom.dialects.chat.read import read
from rotom.problem import Problem

REQUEST = table("Chat: fields of the request")
MESSAGES = table("Chat: fields of a message")
PARTS = table("Chat: content parts")
TOOLS = table("Chat: tools")


# The SDK's types --------------------------------------------------------------------------------------------------------


def word(shape: Any, field: str) -> str:
    """The word in a shape's ``type`` or ``role``."""
    hint = hints(shape)[field]
    while typing.get_origin(hint) not in (typing.Literal, typing_extensions.Literal):
        hint = typing.get_args(hint)[0]
    return str(typing.get_args(hint)[0])


def undecided(entry: str, names: set[str]) -> set[str]:
    """Those of `names` that an entry does not decide about."""
    return {name for name in names if not re.search(rf"\b{name}\b", entry)}


def test_the_tables_are_read() -> None:
    assert len(REQUEST) > 35
    for entries in (REQUEST, MESSAGES, PARTS, TOOLS):
        assert entries
        for name, text in entries.items():
            assert text.startswith(VERDICTS), f"{name}: {text}"


def test_every_field_of_a_request_is_decided_about() -> None:
    kinds = (
        completion_create_params.CompletionCreateParamsNonStreaming,
        completion_create_params.CompletionCreateParamsStreaming,
    )
    fields = {name for shape in kinds for name in hints(shape)}
    assert fields >= {"model", "messages", "web_search_options", "stream"}
    assert fields - REQUEST.keys() == set()


def test_every_message_and_its_fields_are_decided_about() -> None:
    missing = {
        word(shape, "role"): undecided(MESSAGES.get(word(shape, "role"), ""), hints(shape).keys() - {"role"})
        for shape in shapes(sdk.ChatCompletionMessageParam)
    }
    assert missing.keys() == set(MESSAGES)
    assert {role: names for role, names in missing.items() if names} == {}


def test_every_content_part_and_its_fields_are_decided_about() -> None:
    parts = [
        part for shape in shapes(sdk.ChatCompletionMessageParam) for part in shapes(hints(shape).get("content", str))
    ]
    kinds = {word(part, "type"): hints(part).keys() - {"type"} for part in parts}
    assert kinds.keys() >= {"text", "image_url", "input_audio", "file", "refusal"}
    for kind, fields in kinds.items():
        assert kind in PARTS
        if not PARTS[kind].startswith("refused"):
            assert undecided(PARTS[kind] + PARTS["any part"], fields) == set(), kind
    inner = hints(sdk.chat_completion_content_part_param.FileFile).keys()
    assert undecided(PARTS["file"], inner) == set()
    inner = hints(sdk.chat_completion_content_part_image_param.ImageURL).keys()
    assert undecided(PARTS["image_url"], inner) == set()


def test_every_tool_and_its_fields_are_decided_about() -> None:
    kinds = {word(shape, "type") for shape in shapes(sdk.ChatCompletionToolUnionParam)}
    assert kinds == {"function", "custom"}
    assert undecided(TOOLS["function"], set(hints(FunctionDefinition))) == set()
    assert undecided(TOOLS["custom"], set(hints(Custom))) == set()
    formats = {word(shape, "type") for shape in shapes(hints(Custom)["format"])}
    assert undecided(TOOLS["custom"], formats) == set()


@pytest.mark.parametrize(
    ("name", "union"),
    [
        ("tool_choice", sdk.ChatCompletionToolChoiceOptionParam),
        ("response_format", completion_create_params.ResponseFormat),
    ],
)
def test_every_form_of_a_choice_is_decided_about(name: str, union: Any) -> None:
    assert undecided(REQUEST[name], {word(shape, "type") for shape in shapes(union)}) == set()


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("stream_options", sdk.ChatCompletionStreamOptionsParam),
        ("web_search_options", completion_create_params.WebSearchOptions),
        ("response_format", hints(ResponseFormatJSONSchema)["json_schema"]),
    ],
)
def test_every_field_of_an_option_is_decided_about(name: str, shape: Any) -> None:
    [inner] = shapes(shape)
    assert undecided(REQUEST[name], set(hints(inner))) == set()


# What the reader does ---------------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "max_completion_tokens": 10,
    "max_tokens": 10,
    "max_output_tokens": 10,
    "temperature": 0.5,
    "top_p": 0.5,
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "seed": 5,
    "logit_bias": {"1": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "moderation": {"model": "m"},
    "audio": {"voice": "v", "format": "wav"},
    "prediction": {"type": "content", "content": "x"},
    "metadata": {"a": "b"},
    "store": True,
    "user": "u",
    "safety_identifier": "u",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
}
PLAIN: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_there_is_an_example_of_all_that_is_not_honoured() -> None:
    assert VALUES.keys() == {name for name, text in REQUEST.items() if text.startswith(VERDICTS[2:])}


@pytest.mark.parametrize("name", VALUES)
def test_the_reader_does_what_the_table_says(name: str) -> None:
    body, verdict = {**PLAIN, name: VALUES[name]}, re.match("[a-z]+", REQUEST[name])
    assert verdict is not None
    if verdict[0] == "refused":
        with pytest.raises(Problem) as caught:
            read(body, {})
        assert caught.value.param == name
        return
    turn, plain = read(body, {}), read(PLAIN, {})
    asked = {turn.words.get(key, key): value for key, value in turn.body.items() if key not in plain.body}
    if verdict[0] == "dropped":  # here, or left to the provider
        assert (turn.dropped, asked) in (((name,), {}), ((), {name: VALUES[name]}))
    else:
        assert turn == plain
