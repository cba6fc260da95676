"""The contract with xAI. What is assumed comes from captures of its own client, its published schema and reports; none of
it was ever seen at the service itself by those who wrote it down."""

from __future__ import annotations

import re
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
from rotom.doctor.contract.judges import answered, fields, given, numbered, refused, same_efforts, sealed, untold, usage
from rotom.doctor.contract.openai import foreign_reasoning, looking_at, picture
from rotom.doctor.contract.seen import Seen
from rotom.providers import Outgoing
from rotom.providers.grok_identity import API, PROXY, base_url, identity
from rotom.providers.grok_models import BUILTIN, read_models, upstream_id
from rotom.sse import Json

BARE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CALL = re.compile(r"call-[0-9a-f-]{36}-\d+|call_\d+")
NOWHERE = "grok-rotom-doctor"

TOOL: Json = {
    "type": "function",
    "name": "ping",
    "description": "Answers a ping.",
    "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
}


def _origin(base: Base) -> str:
    """Which of the two is asked for this account."""
    there = base.provider.origin(base.token) if base.provider.origin is not None else ""
    return PROXY if there == base_url(base.config, PROXY) else API


def _step(flow: Any) -> Outgoing | None:
    step = next(flow)
    return step if isinstance(step, Outgoing) else None


def _effortless(base: Base) -> Outgoing | None:
    model = base.first(lambda model: not model.efforts and not model.draws)
    return None if model is None else base.question(model, reasoning={"effort": "low"})


def _too_much(base: Base) -> Outgoing | None:
    """An effort that the model does not have."""
    model = base.first(lambda model: bool(model.efforts) and "none" not in model.efforts)
    return None if model is None else base.question(model, reasoning={"effort": "none"})


def _compact(base: Base) -> Outgoing:
    body = {"model": upstream_id(base.model), "input": base.items()}
    origin = _origin(base)
    who = (*identity(base.config, origin, base.token), ("accept", "application/json"))
    return Outgoing.json(f"{base_url(base.config, origin)}/responses/compact", body, who)


def _bill(base: Base) -> Outgoing:
    who = (*identity(base.config, PROXY, base.token), ("accept", "application/json"))
    return Outgoing.get(f"{base_url(base.config, PROXY)}/billing?format=credits", who)


def _bare(base: Base) -> Outgoing:
    """What the proxy is asked without its own headers."""
    return Outgoing.get(f"{base_url(base.config, PROXY)}/models", identity(base.config, API, base.token))


def _versionless(base: Base) -> Outgoing:
    request = Outgoing.get(f"{base_url(base.config, PROXY)}/models", identity(base.config, PROXY, base.token))
    return with_headers(request, x_grok_client_version=None)


REQUESTS = (
    Request("plain", lambda base: base.question(), answered=True),
    Request(
        "tool",
        lambda base: base.question(tools=[TOOL], tool_choice={"type": "function", "name": "ping"}),
        answered=True,
    ),
    Request("image", lambda base: base.question(input=looking_at(picture())), answered=True),
    Request("compact call", _compact, answered=True),
    Request("models", lambda base: _step(base.provider.models(base.token))),
    Request("usage", _bill),
    Request("bare proxy", _bare),
    Request("versionless proxy", _versionless),
    Request("metadata", lambda base: base.question(metadata={"a": "b"})),
    Request("unknown field", lambda base: base.question(rotom_probe=True)),
    Request("verbosity", lambda base: base.question(text={"verbosity": "low"})),
    Request("choice without tools", lambda base: base.question(tool_choice="auto")),
    Request("no effort", _effortless, without="every model of the list takes efforts"),
    Request("other effort", _too_much),
    Request("custom tool", lambda base: base.question(tools=[{"type": "custom", "name": "ping"}])),
    Request("foreign reasoning", lambda base: base.question(input=[foreign_reasoning(), *base.items()])),
    Request("no model", lambda base: _elsewhere(base)),
)


def _elsewhere(base: Base) -> Outgoing:
    """A model that there is not, for both origins: one goes by the body, the other by a header."""
    request = base.question(model=NOWHERE)
    return with_headers(request, x_grok_model_override=NOWHERE) if _origin(base) == PROXY else request


def _bare_id(seen: Seen, base: Base) -> Judged | None:
    return None if BARE.fullmatch(str(seen.final().get("id"))) else different("its id has another form")


def _repeated(seen: Seen, base: Base) -> Judged | None:
    return None if seen.final().get("output") else different("the terminal event has an empty output")


def _end(seen: Seen, base: Base) -> Judged | None:
    expected = _origin(base) == API
    if seen.done == expected:
        return None
    return different("a [DONE] follows" if seen.done else "no [DONE] follows")


def _item_ids(seen: Seen, base: Base) -> Judged | None:
    items = seen.items("message")
    if not items:
        return unknown("no message came")
    good = all(str(item.get("id")) == f"msg_{seen.final().get('id')}" for item in items)
    return None if good else different("ids of messages have another form")


def _call_id(seen: Seen, base: Base) -> Judged | None:
    calls = seen.items("function_call")
    if not calls:
        return different("the tool was not called")
    return (
        None
        if all(CALL.fullmatch(str(call.get("call_id"))) for call in calls)
        else different("call_id has another form")
    )


def _whole(seen: Seen, base: Base) -> Judged | None:
    if len(seen.items("function_call")) != 1:
        return unknown("it did not call the tool once")
    count = len(seen.of("response.function_call_arguments.delta"))
    return None if count <= 1 else different(f"they come in {count} pieces")


def _costs(seen: Seen, base: Base) -> Judged | None:
    return fields(seen.final().get("usage"), "cost_in_usd_ticks", "num_server_side_tools_used")


def _entries(value: Any) -> list[Any]:
    found = value.get("data") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _shape(value: Any, base: Base) -> Judged | None:
    window = "context_window" if _origin(base) == PROXY else "context_length"
    return fields(value, "data.0.id", f"data.0.{window}")


def _efforts(value: Any, base: Base) -> Judged | None:
    return same_efforts(read_models(_entries(value)), BUILTIN)


def _compacted(seen: Seen, base: Base) -> Judged:
    if _origin(base) == PROXY:
        return refused(statuses=(404,))(seen, base)
    if seen.status != 200:
        return untold(seen) or different(seen.shown())
    wrong = fields(seen.value, "output.0.encrypted_content", "usage")
    kinds = [item.get("type") for item in seen.value.get("output", [])] if isinstance(seen.value, dict) else []
    return wrong or (AS_ASSUMED if kinds == ["compaction"] else different("its output is another"))


EXPECTATIONS = (
    Expectation(
        "instructions", "instructions may be any text, and rotom's own name is good enough", "plain", answered()
    ),
    Expectation("ids", "the id of an answer is a bare UUID", "plain", answered(_bare_id)),
    Expectation("message ids", "a message has the answer's id in its own", "plain", answered(_item_ids)),
    Expectation("output", "the terminal event repeats the output", "plain", answered(_repeated)),
    Expectation("end", "[DONE] follows at the API, and not at the proxy", "plain", answered(_end)),
    Expectation("numbers", "every event has a sequence_number", "plain", answered(numbered)),
    Expectation("usage", "token counts have the public form", "plain", answered(usage)),
    Expectation("costs", "usage tells the costs, too", "plain", answered(_costs)),
    Expectation("reasoning", "reasoning comes with encrypted_content", "plain", answered(sealed)),
    Expectation("calls", "the ids of calls have their known forms", "tool", answered(_call_id)),
    Expectation("arguments", "the arguments of a call come in one piece", "tool", answered(_whole)),
    Expectation("image", "a picture of 32 pixels in a data URL is taken", "image", answered()),
    Expectation("compact call", "the API has a call for compaction, the proxy has none", "compact call", _compacted),
    Expectation("models", "the list of models has its known form", "models", given(_shape)),
    Expectation("efforts", "the efforts of models are those known by heart", "models", given(_efforts)),
    Expectation(
        "windows",
        "the limits can be asked for",
        "usage",
        given(lambda value, base: fields(value, "config.currentPeriod.type", "config.currentPeriod.end")),
    ),
    Expectation(
        "proxy gate", "the proxy does not know who does not say so", "bare proxy", refused(statuses=(403, 404, 426))
    ),
    Expectation("proxy version", "the proxy wants to know a version", "versionless proxy", refused(statuses=(426,))),
    Expectation("metadata", "metadata is refused", "metadata", refused("metadata")),
    Expectation("unknown field", "fields that it does not know are refused", "unknown field", refused("rotom_probe")),
    Expectation("verbosity", "text.verbosity is refused", "verbosity", refused("verbosity")),
    Expectation("choice", "a tool_choice without tools is refused", "choice without tools", refused("tool")),
    Expectation("no effort", "models without efforts refuse one", "no effort", refused("effort")),
    Expectation("other effort", "an effort that a model lacks is refused", "other effort", refused("effort")),
    Expectation("custom tool", "custom tools are refused", "custom tool", refused(statuses=(400, 422))),
    Expectation(
        "foreign reasoning", "reasoning of somebody else is refused", "foreign reasoning", refused("encrypted")
    ),
    Expectation("no model", "a model that there is not is a 404", "no model", refused(statuses=(404,))),
)

TABLE = Table("grok", "xAI", REQUESTS, EXPECTATIONS)
