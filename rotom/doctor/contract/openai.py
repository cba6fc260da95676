"""The contract with OpenAI's Codex service. What is assumed comes from requests of its own client and from what others met;
none of it was ever seen at the service itself by those who wrote it down."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from dataclasses import replace
from typing import Any

from rotom.doctor.contract import (
    AS_ASSUMED,
    Base,
    Expectation,
    Judged,
    Request,
    Table,
    different,
    unknown,
    with_headers,
)
from rotom.doctor.contract.judges import (
    answered,
    fields,
    given,
    headers,
    numbered,
    refused,
    same_efforts,
    sealed,
    told_reasoning,
    untold,
    usage,
)
from rotom.doctor.contract.seen import Seen
from rotom.providers import Outgoing
from rotom.providers.openai_identity import base_url, identity
from rotom.providers.openai_models import BUILTIN, read_models
from rotom.sse import Json
from rotom.turn import input_text, message

OLD_VERSION = "0.98.0"
RETIRED = "gpt-5.2"
GATED = "gpt-5.6-luna"
"""A model that is only there for clients that call themselves Codex."""

FOREIGN_BLOB = "gAAAAABrotomdoctor" + "A" * 80
"""Looks like sealed reasoning and is none."""


def foreign_reasoning() -> Json:
    """A reasoning item that the provider did not make."""
    return {"type": "reasoning", "summary": [], "encrypted_content": FOREIGN_BLOB}


def picture(side: int = 32) -> str:
    """A data URL with a small grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x80" * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def looking_at(url: str) -> list[Json]:
    """A question about a picture."""
    return [message("user", [input_text("Which colour? One word."), {"type": "input_image", "image_url": url}])]


def _url(base: Base) -> str:
    return base_url(base.config, base.token)


def _listing(version: str | None = None) -> Any:
    def make(base: Base) -> Outgoing:
        who = (*identity(base.config, base.token), ("accept", "*/*"))
        return Outgoing.get(f"{_url(base)}/models?client_version={version or base.config.openai_client_version}", who)

    return make


def _plain_form(base: Base) -> Outgoing | None:
    """A plain question to the newest model, which the vendor's client asks in another form."""
    newest = base.first(lambda model: model.id != base.model.id)
    return None if newest is None else base.question(newest)


def _old_client(base: Base) -> Outgoing | None:
    newest = base.first(lambda model: not model.id.startswith(("gpt-5.4", "gpt-5.5")))
    return None if newest is None else with_headers(base.question(newest), version=OLD_VERSION)


def _gated(base: Base) -> Outgoing | None:
    model = base.first(lambda model: model.id == GATED)
    if model is None:
        return None
    return with_headers(base.question(model), originator="rotom", user_agent="rotom/0")


def _priority(base: Base) -> Outgoing | None:
    return base.question(service_tier="priority") if "priority" in base.model.tiers else None


def _compact(base: Base) -> Outgoing:
    return replace(base.question(), url=f"{_url(base)}/responses/compact")


def _socket(base: Base) -> Outgoing | None:
    return base.provider.dress_socket(base.turn, base.model, base.token)[0] if base.provider.dress_socket else None


def _frame(base: Base) -> Json:
    assert base.provider.dress_socket is not None
    return {**base.provider.dress_socket(base.turn, base.model, base.token)[1], "generate": False}


def _settled(base: Base) -> Outgoing | None:
    step = next(base.provider.settle(base.token)) if base.provider.settle is not None else None
    return step if isinstance(step, Outgoing) else None


def _used(base: Base) -> Outgoing | None:
    step = next(base.provider.usage(base.token))
    return step if isinstance(step, Outgoing) else None


REQUESTS = (
    Request("plain", lambda base: base.question(), answered=True),
    Request("plain form", _plain_form, answered=True),
    Request("priority", _priority, answered=True, without="the model has no such tier"),
    Request("image", lambda base: base.question(input=looking_at(picture())), answered=True),
    Request("compaction", lambda base: base.question(input=base.items({"type": "compaction_trigger"})), answered=True),
    Request("socket", _socket, frame=_frame),
    Request("models", _listing()),
    Request("old models", _listing(OLD_VERSION)),
    Request("usage", _used),
    Request("accounts", _settled),
    Request("max_output_tokens", lambda base: base.question(max_output_tokens=16)),
    Request("temperature", lambda base: base.question(temperature=1)),
    Request("unknown field", lambda base: base.question(rotom_probe=True)),
    Request("store", lambda base: base.question(store=True)),
    Request("no instructions", lambda base: base.question(instructions=None)),
    Request(
        "system message",
        lambda base: base.question(input=[message("system", [input_text("Be brief.")]), *base.items()]),
    ),
    Request("minimal", lambda base: base.question(reasoning={"effort": "minimal"})),
    Request("ultra", lambda base: base.question(reasoning={"effort": "ultra"})),
    Request("foreign reasoning", lambda base: base.question(input=[foreign_reasoning(), *base.items()])),
    Request("no image", lambda base: base.question(input=looking_at("data:text/plain;base64,aGVsbG8="))),
    Request("retired model", lambda base: base.question(model=RETIRED)),
    Request("old client", _old_client),
    Request("gated model", _gated, without=f"{GATED} is not in the list"),
    Request("compact call", _compact),
)


def _empty_output(seen: Seen, base: Base) -> Judged | None:
    output = seen.final().get("output")
    return None if output == [] else different("the terminal event repeats the output" if output else "without output")


def _no_done(seen: Seen, base: Base) -> Judged | None:
    return different("a [DONE] follows") if seen.done else None


def _items(seen: Seen, base: Base) -> Judged | None:
    return None if seen.items("message") else different("no message in response.output_item.done")


def _same_model(seen: Seen, base: Base) -> Judged | None:
    told = seen.headers.get("openai-model")
    if told is None:
        return different("without openai-model")
    return None if told == base.model.id else unknown("another model answered than was asked")


def _listed_efforts(seen: Seen, base: Base) -> Judged:
    """What a refusal of an effort says of those that there are."""
    if seen.status != 400:
        return untold(seen) or different(seen.shown())
    _, found, words = seen.text.partition("supported values are")
    if not found:
        return different(f"{seen.shown()}, without a list of the values")
    told = re.findall(r"'([a-z]{2,10})'", words.split("\\n")[0].split('"')[0])
    if set(told) == set(base.model.efforts):
        return AS_ASSUMED
    return different(
        f"{base.model.id} takes {' '.join(told) or 'none'}, and the list says {' '.join(base.model.efforts)}"
    )


def _fewer(value: Any, base: Base) -> Judged | None:
    models = value.get("models") if isinstance(value, dict) else None
    if not isinstance(models, list):
        return different("without models")
    return None if len(read_models(models)) < len(base.models) else different("the list is as long for an old client")


def _list_shape(value: Any, base: Base) -> Judged | None:
    entry = "models.0."
    names = ("slug", "supported_reasoning_levels.0.effort", "default_reasoning_level", "context_window", "visibility")
    return fields(value, *(entry + name for name in names))


def _list_efforts(value: Any, base: Base) -> Judged | None:
    models = value.get("models") if isinstance(value, dict) else None
    return same_efforts(read_models(models if isinstance(models, list) else []), BUILTIN)


def _etag(seen: Seen, base: Base) -> Judged:
    if seen.status != 200:
        return untold(seen) or different(seen.shown())
    return AS_ASSUMED if "etag" in seen.headers else different("without an etag")


def _compacted(seen: Seen, base: Base) -> Judged | None:
    items = seen.items("compaction")
    if len(items) != 1:
        return different(f"{len(items)} compaction items came")
    return None if items[0].get("encrypted_content") else different("without encrypted_content")


def _warmed(seen: Seen, base: Base) -> Judged:
    if seen.completed():
        quiet = not seen.items("message") and isinstance(seen.final().get("id"), str)
        return AS_ASSUMED if quiet else different("the model spoke, or the answer has no id")
    if seen.status == 200:
        return different(seen.shown())
    return (unknown if seen.status in (0, 401, 429) or seen.status >= 500 else different)(seen.shown())


LIMITS = tuple(f"x-codex-primary-{name}" for name in ("used-percent", "window-minutes", "reset-at"))

EXPECTATIONS = (
    Expectation(
        "instructions", "instructions may be any text, and rotom's own name is good enough", "plain", answered()
    ),
    Expectation("output", "the terminal event has an empty output", "plain", answered(_empty_output)),
    Expectation("items", "what was said comes in response.output_item.done", "plain", answered(_items)),
    Expectation("end", "no [DONE] follows", "plain", answered(_no_done)),
    Expectation("numbers", "every event has a sequence_number", "plain", answered(numbered)),
    Expectation("usage", "token counts have the public form", "plain", answered(usage)),
    Expectation("limits", "answers tell the limits in x-codex headers", "plain", headers(*LIMITS)),
    Expectation("list mark", "answers tell the etag of the list of models", "plain", headers("x-models-etag")),
    Expectation("served model", "answers name the model that was asked", "plain", answered(_same_model)),
    Expectation("reasoning", "reasoning comes with encrypted_content", "plain", answered(sealed)),
    Expectation("summaries", "reasoning is told when a summary is asked for", "plain", answered(told_reasoning)),
    Expectation("plain form", "the newest models answer the plain form of a request", "plain form", answered()),
    Expectation("tier", "service_tier priority is taken", "priority", answered()),
    Expectation("image", "a picture of 32 pixels in a data URL is taken", "image", answered()),
    Expectation("compaction", "a compaction_trigger brings one compaction item", "compaction", answered(_compacted)),
    Expectation("socket", "WebSockets are taken, and generate: false warms one up", "socket", _warmed),
    Expectation("models", "the list of models has its known form", "models", given(_list_shape)),
    Expectation("efforts", "the efforts of models are those known by heart", "models", given(_list_efforts)),
    Expectation("etag", "the list of models has an etag", "models", _etag),
    Expectation("old list", "an old client gets a shorter list", "old models", given(_fewer)),
    Expectation(
        "windows",
        "the limits can be asked for",
        "usage",
        given(
            lambda value, base: fields(
                value,
                "plan_type",
                *(f"rate_limit.primary_window.{n}" for n in ("used_percent", "limit_window_seconds", "reset_at")),
            )
        ),
    ),
    Expectation(
        "workspaces",
        "the workspaces can be asked for",
        "accounts",
        given(lambda value, base: fields(value, "accounts.0.id", "accounts.0.workspace_backend_origin")),
    ),
    Expectation("max_output_tokens", "a limit of tokens is refused", "max_output_tokens", refused("max_output_tokens")),
    Expectation("temperature", "temperature is refused", "temperature", refused("temperature")),
    Expectation("unknown field", "fields that it does not know are refused", "unknown field", refused("rotom_probe")),
    Expectation("store", "store must be false", "store", refused("store")),
    Expectation(
        "no instructions", "a request without instructions is refused", "no instructions", refused("instructions")
    ),
    Expectation("system", "messages of the role system are refused", "system message", refused("system")),
    Expectation(
        "effort list", "an effort that a model lacks is refused, with those it has", "minimal", _listed_efforts
    ),
    Expectation("ultra", "the effort ultra is the client's own and refused", "ultra", refused("ultra")),
    Expectation(
        "foreign reasoning",
        "reasoning of somebody else is refused",
        "foreign reasoning",
        refused("invalid_encrypted_content"),
    ),
    Expectation("no image", "what is no picture is refused", "no image", refused("image", "invalid_value")),
    Expectation(
        "retired",
        f"{RETIRED} is refused for ChatGPT accounts",
        "retired model",
        refused("not supported when using codex"),
    ),
    Expectation("old client", "an old client is refused the newest model", "old client", refused("newer version")),
    Expectation(
        "identity",
        f"{GATED} is only there for clients that call themselves Codex",
        "gated model",
        refused(statuses=(404,)),
    ),
    Expectation(
        "compact call", "there is no call for compaction any more", "compact call", refused(statuses=(404, 405))
    ),
)

TABLE = Table("openai", "OpenAI's Codex service", REQUESTS, EXPECTATIONS)
