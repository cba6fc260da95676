"""How a Messages answer ends: the stop reason and the token counts."""

from __future__ import annotations

from rotom.dialects.loose import count_of, object_of
from rotom.dialects.stop import guess
from rotom.sse import Json
from rotom.turn import Turn


def ending(response: Json, *, incomplete: bool, calls: int, cut: bool) -> Json:
    """Why the answer ended.

    Arguments:
      response: the final Response object.
      incomplete: whether the provider says that it is not complete.
      calls: how many tool calls were told; cut: whether the last one was cut. Such a call must not be run, so the answer
        then ends at its limit.
    """
    reason = "tool_use" if calls and not cut else "end_turn"
    if incomplete:
        if object_of(response, "incomplete_details").get("reason") == "content_filter":
            details = {"type": "refusal", "category": None, "explanation": None}
            return {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details}
        if reason != "tool_use":
            reason = "max_tokens"  # for other reasons too: of all that Messages knows, it says that more was to come
    return {"stop_reason": reason, "stop_sequence": None}


def usage_of(response: Json, searches: int) -> Json:
    """Token counts: what was cached is not part of ``input_tokens`` here, while Responses counts it in."""
    counts = object_of(response, "usage")
    details = object_of(counts, "input_tokens_details")
    cached, written = count_of(details, "cached_tokens"), count_of(details, "cache_write_tokens")
    out: Json = {
        "input_tokens": max(0, count_of(counts, "input_tokens") - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": count_of(counts, "output_tokens"),
    }
    if "reasoning_tokens" in (thought := object_of(counts, "output_tokens_details")):
        out["output_tokens_details"] = {"thinking_tokens": count_of(thought, "reasoning_tokens")}
    if searches:
        out["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
    return out


def guessed(turn: Turn, written: int, searches: int) -> Json:
    """Token counts of an answer that was stopped before the provider counted them: `written` characters of it were told.

    The mark ``rotom_estimated`` says so; clients that do not know it skip it.
    """
    asked, said = guess(turn, written)
    out: Json = {
        "input_tokens": asked,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": said,
        "rotom_estimated": True,
    }
    if searches:
        out["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
    return out
