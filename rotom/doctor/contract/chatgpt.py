"""The contract with Sign in with ChatGPT: the public API on a person's plan, known from documentation and reports alone."""

from __future__ import annotations

from typing import Any

from rotom.doctor.contract import Base, Expectation, Judged, Request, Table
from rotom.doctor.contract.judges import answered, fields, given, numbered, refused, sealed, usage
from rotom.doctor.contract.openai import foreign_reasoning, looking_at, picture
from rotom.providers import Outgoing
from rotom.turn import input_text, message

UNSUPPORTED = "subscription_sharing_unsupported_capability"
NOWHERE = "gpt-rotom-doctor"


def _listing(base: Base) -> Outgoing | None:
    step = next(base.provider.models(base.token))
    return step if isinstance(step, Outgoing) else None


def _shape(value: Any, base: Base) -> Judged | None:
    return fields(value, "data.0.id") if "data" in value else fields(value, "models.0.slug")


def _drawing(base: Base) -> Outgoing:
    return base.question(tools=[{"type": "image_generation"}], tool_choice="auto")


REQUESTS = (
    Request("plain", lambda base: base.question(), answered=True),
    Request("image", lambda base: base.question(input=looking_at(picture())), answered=True),
    Request("models", _listing),
    Request("max_output_tokens", lambda base: base.question(max_output_tokens=16)),
    Request("temperature", lambda base: base.question(temperature=1)),
    Request("metadata", lambda base: base.question(metadata={"a": "b"})),
    Request("store", lambda base: base.question(store=True)),
    Request("drawing", _drawing),
    Request(
        "system message",
        lambda base: base.question(input=[message("system", [input_text("Be brief.")]), *base.items()]),
    ),
    Request("foreign reasoning", lambda base: base.question(input=[foreign_reasoning(), *base.items()])),
    Request("no model", lambda base: base.question(model=NOWHERE)),
)

EXPECTATIONS = (
    Expectation("instructions", "instructions may be any text", "plain", answered()),
    Expectation("numbers", "every event has a sequence_number", "plain", answered(numbered)),
    Expectation("usage", "token counts have the public form", "plain", answered(usage)),
    Expectation("reasoning", "reasoning comes with encrypted_content", "plain", answered(sealed)),
    Expectation("image", "a picture of 32 pixels in a data URL is taken", "image", answered()),
    Expectation("models", "the list of models has a known form", "models", given(_shape)),
    Expectation("max_output_tokens", "a limit of tokens is refused", "max_output_tokens", refused("max_output_tokens")),
    Expectation("temperature", "temperature is refused", "temperature", refused("temperature")),
    Expectation("metadata", "metadata is refused", "metadata", refused("metadata")),
    Expectation("store", "store must be false", "store", refused("store")),
    Expectation("drawing", "the tool image_generation is refused, by its own code", "drawing", refused(UNSUPPORTED)),
    Expectation("system", "messages of the role system are refused", "system message", refused("system")),
    Expectation(
        "foreign reasoning",
        "reasoning of somebody else is refused",
        "foreign reasoning",
        refused("invalid_encrypted_content"),
    ),
    Expectation("no model", "a model that there is not is a 404", "no model", refused(statuses=(404,))),
)

TABLE = Table("chatgpt", "OpenAI's public API, on your ChatGPT plan", REQUESTS, EXPECTATIONS)
