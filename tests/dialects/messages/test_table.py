"""The tables of rotom-api(7) against Anthropic's SDK: a field that the SDK learns fails here until it is decided about.

And against what the reader does: what a table calls dropped is told, what it calls refused is refused.
"""

from __future__ import annotations

import re
import typing
from fnmatch import fnmatch
from typing import Any

import anthropic.types as stable
import anthropic.types.beta as beta
import pytest
from anthropic.types import message_count_tokens_params, message_create_params
from anthropic.types.beta import message_create_params as beta_create_params
from manual import VERDICTS, hints, shapes, table

from rotom.dialects.messages.read import read
from rotom.problem import Problem

REQUEST = table("Messages: fields of the request")
MESSAGE = table("Messages: fields of a message")
BLOCKS = table("Messages: content blocks")
TOOLS = table("Messages: tools")
CHOICES = table("Messages: choices")


# The SDK's types --------------------------------------------------------------------------------------------------------


def kind_of(shape: Any) -> str | None:
    """The word in a shape's ``type``."""
    hint = hints(shape).get("type")
    while hint is not None and typing.get_origin(hint) not in (typing.Literal, None):
        hint = next((part for part in typing.get_args(hint) if part is not type(None)), None)
    words = typing.get_args(hint)
    return str(words[0]) if words else None


def by_kind(*unions: Any) -> dict[str, set[str]]:
    """Type word -> fields, of all shapes in some types."""
    found: dict[str, set[str]] = {}
    for union in unions:
        for shape in shapes(union):
            found.setdefault(kind_of(shape) or "custom", set()).update(hints(shape))
    return found


PARAMS = (
    message_create_params.MessageCreateParamsBase,
    beta_create_params.MessageCreateParamsBase,
    message_count_tokens_params.MessageCountTokensParams,
)
IN_RESULTS = (hints(stable.ToolResultBlockParam)["content"], hints(beta.BetaToolResultBlockParam)["content"])
MESSAGES = (stable.MessageParam, beta.BetaMessageParam)
IN_MESSAGES = [hints(shape)["content"] for union in MESSAGES for shape in shapes(union)]


def said(entry: str, names: set[str]) -> set[str]:
    """Those of `names` that an entry does not decide about."""
    return {name for name in names if not re.search(rf"\b{name}\b", entry)}


def whole(entry: str) -> bool:
    """Whether an entry decides about a thing with all that is in it."""
    return bool(re.match(r"(dropped|ignored|refused)\b(?!.*\b(mapped|read):)", entry))


def test_the_tables_are_read() -> None:
    assert len(REQUEST) > 30
    assert len(BLOCKS) > 20
    for entries in (REQUEST, MESSAGE, BLOCKS, TOOLS, CHOICES):
        for name, text in entries.items():
            assert text.startswith(VERDICTS), f"{name}: {text}"


def test_every_field_of_a_request_is_decided_about() -> None:
    fields = {name for shape in PARAMS for name in hints(shape)}
    assert fields >= {"model", "messages", "output_config", "context_management"}
    assert fields - REQUEST.keys() == set()


def test_every_field_of_a_message_is_decided_about() -> None:
    fields = {name for union in MESSAGES for shape in shapes(union) for name in hints(shape)}
    assert fields - MESSAGE.keys() == set()


def test_every_content_block_and_its_fields_are_decided_about() -> None:
    blocks = by_kind(stable.ContentBlockParam, beta.BetaContentBlockParam, *IN_RESULTS, *IN_MESSAGES)
    assert blocks.keys() - BLOCKS.keys() == set()
    undecided = {kind: said(BLOCKS[kind], fields - {"type", "cache_control"}) for kind, fields in blocks.items()}
    assert {kind: names for kind, names in undecided.items() if names} == {}


@pytest.mark.parametrize("kind", ["image", "document"])
def test_every_source_is_decided_about(kind: str) -> None:
    shape = {"image": stable.ImageBlockParam, "document": stable.DocumentBlockParam}[kind]
    sources = by_kind(hints(shape)["source"])
    assert sources.keys() >= {"base64", "url", "file"}
    assert said(BLOCKS[kind], set(sources)) == set()


def test_every_tool_and_its_options_are_decided_about() -> None:
    tools = by_kind(stable.ToolUnionParam, beta.BetaToolUnionParam)
    common = TOOLS["any tool"]
    undecided = {}
    for kind, fields in tools.items():
        entry = next((text for name, text in TOOLS.items() if fnmatch(kind, name)), None)
        if entry is None:
            undecided[kind] = {"the tool itself"}
        elif not whole(entry) and (names := said(f"{common} {entry}", fields)):
            undecided[kind] = names
    assert undecided == {}


@pytest.mark.parametrize(
    ("option", "unions"),
    [
        ("tool_choice", (stable.ToolChoiceParam, beta.BetaToolChoiceParam)),
        ("thinking", (stable.ThinkingConfigParam, beta.BetaThinkingConfigParam)),
    ],
)
def test_every_form_of_a_choice_is_decided_about(option: str, unions: tuple[Any, ...]) -> None:
    entries = {}
    for name, text in CHOICES.items():
        first, _, form = name.partition(" ")
        if first == option or (not form and option == "tool_choice"):
            entries[form or first] = text
    for kind, fields in by_kind(*unions).items():
        assert said(entries[kind], fields - {"type"}) == set(), kind


def test_every_option_of_the_output_is_decided_about() -> None:
    fields = {name for shape in (stable.OutputConfigParam, beta.BetaOutputConfigParam) for name in hints(shape)}
    assert said(CHOICES["output_config"], fields) == set()
    assert said(CHOICES["output_config"], set(by_kind(hints(stable.OutputConfigParam)["format"]))) == set()


# What the reader does ---------------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 5,
    "metadata": {"user_id": "u"},
    "cache_control": {"type": "ephemeral"},
    "service_tier": "standard_only",
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "container": "c",
    "fallbacks": [{"model": "m"}],
    "inference_geo": "eu",
    "mcp_servers": [{"type": "url", "url": "https://a", "name": "a"}],
    "thread": {"type": "create"},
    "compaction": {"instructions": "x"},
    "betas": ["x"],
    "billing_policy": {"type": "billing_policy", "bill_to": "self"},
    "fallback_credit_token": "t",
    "user_profile_id": "u",
    "workspace_id": "w",
    "diagnostics": {"previous_message_id": "m"},
    "safeguards": [{}],
    "max_tokens": 10,
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
    asked = {key: value for key, value in turn.body.items() if key not in plain.body}
    if verdict[0] == "dropped":  # here, or left to the provider
        assert (turn.dropped, asked) in (((name,), {}), ((), {name: VALUES[name]}))
    else:
        assert turn.dropped == ()
        assert all(turn.words[key] == "" for key in asked)


@pytest.mark.parametrize("kind", [kind for kind, text in BLOCKS.items() if text.startswith("refused")])
def test_blocks_that_are_refused(kind: str) -> None:
    with pytest.raises(Problem):
        read({**PLAIN, "messages": [{"role": "user", "content": [{"type": kind, "file_id": "f"}]}]}, {})


SERVER_TOOLS = by_kind(stable.ToolUnionParam, beta.BetaToolUnionParam).keys() - {"custom"}


@pytest.mark.parametrize("kind", sorted(SERVER_TOOLS))
def test_tools_do_what_the_table_says(kind: str) -> None:
    entry = next(text for name, text in TOOLS.items() if fnmatch(kind, name))
    turn = read({**PLAIN, "tools": [{"type": kind, "name": "t", "mcp_server_name": "s"}]}, {})
    assert turn.dropped == ((f"tools.{kind}",) if entry.startswith("dropped") else ())
    assert ("tools" in turn.body) == entry.startswith("mapped")
