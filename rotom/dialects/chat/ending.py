"""How a Chat Completions answer ends: the finish reason and the token counts."""

from __future__ import annotations

from rotom.dialects.loose import count_of, object_of
from rotom.dialects.stop import guess
from rotom.sse import Json
from rotom.turn import Turn


def finish_reason(response: Json, *, incomplete: bool, calls: int, legacy: bool) -> str:
    """Why the answer ended.

    An answer that met its limit says so even with calls in it, for their arguments may be cut; clients that parse answers
    raise on ``length`` and ``content_filter``.

    Arguments:
      response: the final Response object.
      incomplete: whether the provider says that it is not complete.
      calls: how many tool calls were told; legacy: whether in the form of the former API.
    """
    if incomplete:
        reason = object_of(response, "incomplete_details").get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    if calls:
        return "function_call" if legacy else "tool_calls"
    return "stop"


def usage_of(response: Json) -> Json | None:
    """The token counts; None where the provider has not counted."""
    counts = response.get("usage")
    if not isinstance(counts, dict):
        return None
    given, made = object_of(counts, "input_tokens_details"), object_of(counts, "output_tokens_details")
    asked, said = count_of(counts, "input_tokens"), count_of(counts, "output_tokens")
    usage = _usage(asked, said, count_of(given, "cached_tokens"), count_of(made, "reasoning_tokens"))
    if "cache_write_tokens" in given:
        usage["prompt_tokens_details"]["cache_write_tokens"] = count_of(given, "cache_write_tokens")
    return usage


def guessed(turn: Turn, written: int) -> Json:
    """Token counts of an answer that was stopped before the provider counted them: `written` characters of it were told.

    The mark ``rotom_estimated`` says so; clients that do not know it skip it.
    """
    return {**_usage(*guess(turn, written), 0, 0), "rotom_estimated": True}


def _usage(asked: int, said: int, cached: int, thought: int) -> Json:
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
