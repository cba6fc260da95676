"""A request of Chat Completions -> a Turn.

Unknown fields are ignored, as clients send many of other servers' own; tuning that no provider here can honour is left out
and listed in ``Turn.dropped``; content that cannot be carried over is refused. rotom-api(7) has a table of every field,
which a test holds against OpenAI's SDK.

What a provider may or may not take (efforts, tiers, ``max_output_tokens``, ``temperature``) is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping

from rotom.dialects.chat.form import read_format, with_word
from rotom.dialects.chat.history import read_history
from rotom.dialects.chat.tools import read_choice, read_tools
from rotom.dialects.fields import field, required, too_many, too_small, within
from rotom.dialects.responses.refuse import bad_type, missing, refused
from rotom.problem import Problem
from rotom.sse import Json
from rotom.turn import Turn

MOST_STOPS = 4

_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
"""Names of the one ceiling, the newest first; the last is Responses', which some clients use here too."""

_KNOBS = ("temperature", "top_p")
"""Fields that Responses has as well: whether they are honoured is the provider's affair."""

_NOT_HONOURED = (
    ("presence_penalty", float),
    ("frequency_penalty", float),
    ("seed", int),
    ("logit_bias", dict),
    ("logprobs", bool),
    ("top_logprobs", int),
    ("moderation", dict),
)
"""Fields that change the answer, which no provider here has; all but a seed ask for nothing when they are empty or 0."""

_SESSION_HEADERS = ("x-session-id", "x-session-affinity")  # opencode (seen in 1.18, 2026-11)


def read(body: Json, headers: Mapping[str, str]) -> Turn:
    """The question in a request.

    Raises:
      Problem: INVALID, naming the field.
    """
    asked = required(body, "model", str).strip()
    if not asked:
        raise missing("model")
    _possible(body)
    dropped = [name for name, kind in _NOT_HONOURED if field(body, name, kind) or _seed(body, name)]
    instructions, items = read_history(body.get("messages"))
    form = read_format(body)
    out: Json = {"model": asked, "instructions": instructions, "input": with_word(form, items)}
    tools, names = read_tools(body)
    choice = read_choice(body, tools)
    legacy = bool(body.get("functions")) and not body.get("tools")
    parallel = field(body, "parallel_tool_calls", bool)
    if tools:
        # An answer of the former API has room for one call.
        out |= {"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel is not False and not legacy}
    out["include"] = ["reasoning.encrypted_content"]
    out["reasoning"] = _reasoning(body)
    verbosity = field(body, "verbosity", str)
    text = {name: value for name, value in (("verbosity", verbosity), ("format", form)) if value}
    if text:
        out["text"] = text
    for name in ("service_tier", "prompt_cache_key"):
        if value := field(body, name, str):
            out[name] = value
    for name in _KNOBS:
        if (number := field(body, name, float)) is not None:
            out[name] = number
    words = {}
    if (limit := _limit(body)) is not None:
        out["max_output_tokens"] = body[limit]
        words["max_output_tokens"] = limit
    options = field(body, "stream_options", dict) or {}
    return Turn(
        body=out,
        asked=asked,
        stream=field(body, "stream", bool) is True,
        session=_session(body, headers),
        dropped=tuple(dropped),
        mapped=tuple((f"tool:{name}", short) for short, name in names.items()),
        words=words,
        names=names,
        extra={
            "stop": _stop(body),
            "usage": field(options, "include_usage", bool, "stream_options") is True,
            "legacy": legacy,
        },
    )


def _possible(body: Json) -> None:
    """Refuse what would be answered with less, or with another sort of answer, than was asked for."""
    number = field(body, "n", int)
    if number is not None and number < 1:
        raise too_small("n", 1, number)
    if number is not None and number > 1:
        raise refused(f"rotom answers with one choice; n is {number}. Ask several times.", "unsupported_value", "n")
    if field(body, "audio", dict) is not None:
        raise _silent("audio")
    for modality in field(body, "modalities", list) or []:
        if modality != "text":
            raise _silent("modalities")


def _silent(name: str) -> Problem:
    return refused(f"the models behind rotom answer in text; {name} is not supported", "unsupported_content", name)


def _seed(body: Json, name: str) -> bool:
    return name == "seed" and body.get("seed") == 0


def _limit(body: Json) -> str | None:
    """The name under which the request limits its answer."""
    found = None
    for name in _LIMITS:
        number = field(body, name, int)
        if number is not None and number < 1:
            raise too_small(name, 1, number)
        found = found or (name if number is not None else None)
    return found


def _reasoning(body: Json) -> Json:
    """``reasoning_effort``, or the object that clients of other servers and of Responses send. What the model thinks is
    shown as far as the provider shows it."""
    given = field(body, "reasoning", dict) or {}
    effort = field(body, "reasoning_effort", str) or field(given, "effort", str, "reasoning")
    summary = field(given, "summary", str, "reasoning")
    out: Json = {"effort": effort} if effort else {}
    if effort != "none":
        out["summary"] = summary or "auto"
    return out


def _stop(body: Json) -> tuple[str, ...]:
    stops = body.get("stop")
    if stops is None:
        return ()
    if isinstance(stops, str):
        stops = [stops]
    if not isinstance(stops, list):
        raise bad_type(stops, "stop", "one of a string or array of strings")
    if len(stops) > MOST_STOPS:
        raise too_many("stop", MOST_STOPS, len(stops))
    for index, stop in enumerate(stops):
        if not isinstance(stop, str):
            raise bad_type(stop, within("stop", index), "a string")
    return tuple(stop for stop in stops if stop)


def _session(body: Json, headers: Mapping[str, str]) -> str | None:
    """What the turns of one conversation share."""
    found = next((value for name in _SESSION_HEADERS if (value := headers.get(name))), None)
    return found or field(body, "prompt_cache_key", str) or None
