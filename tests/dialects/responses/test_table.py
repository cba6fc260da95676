"""The tables of rotom-api(7) against OpenAI's SDK: a field that the SDK learns fails here until it is decided about.

And against what reader and provider do: what a table calls dropped is told, what it calls refused is refused.
"""

from __future__ import annotations

import re
import typing
from typing import Any

import pytest
import typing_extensions
from manual import VERDICTS, hints, shapes, table
from openai.types.responses import (
    input_token_count_params,
    response_compact_params,
    response_create_params,
    response_input_item_param,
)
from openai.types.shared_params import Reasoning

from rotom.dialects.responses.read import CHECKS, read
from rotom.problem import Problem
from rotom.providers.openai_models import BUILTIN
from rotom.providers.openai_receipt import receipt

MODEL = next(model for model in BUILTIN if model.id == "gpt-5.5")


FIELDS = table("Responses: fields of the request")
ITEMS = table("Responses: items of the input")

COUNT_ONLY = {"personality"}
"""A field of counting alone."""


def words(hint: Any) -> set[str]:
    """The literals in a type."""
    if typing.get_origin(hint) in (typing.Literal, typing_extensions.Literal):
        return {word for word in typing.get_args(hint) if isinstance(word, str)}
    return {word for part in typing.get_args(hint) for word in words(part)}


PARAMS = (
    response_create_params.ResponseCreateParamsStreaming,
    response_create_params.ResponseCreateParamsNonStreaming,
    response_compact_params.ResponseCompactParams,
    input_token_count_params.InputTokenCountParams,
)


def test_the_tables_are_read() -> None:
    assert len(FIELDS) > 30
    assert len(ITEMS) > 20
    for entries in (FIELDS, ITEMS):
        for name, text in entries.items():
            assert text.startswith(VERDICTS), f"{name}: {text}"


def test_every_field_of_a_request_is_decided_about() -> None:
    fields = {name for shape in PARAMS for name in hints(shape)} - COUNT_ONLY
    assert fields >= {"model", "input", "truncation", "stream", "previous_response_id"}
    assert fields - FIELDS.keys() == set()


def test_every_field_of_a_request_has_its_type_checked() -> None:
    unchecked = FIELDS.keys() - CHECKS.keys()
    assert unchecked == {"input", "conversation", "prompt"}, "one is read by items.py, the others are refused"


def test_every_item_is_decided_about() -> None:
    kinds = {
        word
        for shape in shapes(response_input_item_param.ResponseInputItemParam)
        for word in words(hints(shape).get("type"))
    }
    assert kinds >= {"message", "function_call", "compaction_trigger", "item_reference", "program"}
    assert kinds - ITEMS.keys() == set()


def test_every_option_of_reasoning_is_decided_about() -> None:
    undecided = {name for name in hints(Reasoning) if not re.search(rf"\b{name}\b", FIELDS["reasoning"])}
    assert undecided == set()


# What is done ----------------------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "metadata": {"a": "b"},
    "user": "u",
    "safety_identifier": "s",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "implicit"},
    "background_options": {"poll": True},
    "max_output_tokens": 5,
    "max_tool_calls": 5,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_logprobs": 3,
    "truncation": "auto",
    "access_programs": {"cyber": "standard"},
    "context_management": [{"type": "compaction", "compact_threshold": 1000}],
    "image": {"context_compression": "enabled"},
    "moderation": {"model": "m"},
    "background": True,
    "conversation": "conv_1",
    "prompt": {"id": "pmpt_1"},
}
NOTHING: dict[str, Any] = {
    "temperature": 1,
    "top_p": 1.0,
    "top_logprobs": 0,
    "truncation": "disabled",
    "background": False,
    "max_output_tokens": None,
}


def test_there_is_an_example_of_all_that_is_not_honoured() -> None:
    assert VALUES.keys() == {name for name, text in FIELDS.items() if text.startswith(VERDICTS[2:])}


@pytest.mark.parametrize("name", VALUES)
def test_what_is_done_is_what_the_table_says(name: str) -> None:
    body, verdict = {"model": "gpt-5.5", "input": "hi", name: VALUES[name]}, re.match("[a-z]+", FIELDS[name])
    assert verdict is not None
    if verdict[0] == "refused":
        with pytest.raises(Problem) as caught:
            read(body, {})
        assert (caught.value.param, caught.value.code) == (name, "unsupported_parameter")
        return
    told = receipt(read(body, {}), MODEL)
    assert told.dropped == ((name,) if verdict[0] == "dropped" else ())


@pytest.mark.parametrize("name", NOTHING)
def test_what_asks_for_nothing_is_not_told(name: str) -> None:
    assert receipt(read({"model": "gpt-5.5", "input": "hi", name: NOTHING[name]}, {}), MODEL).dropped == ()


def test_what_is_unknown_is_told() -> None:
    assert receipt(read({"model": "gpt-5.5", "input": "hi", "of_tomorrow": 1}, {}), MODEL).dropped == ("of_tomorrow",)
