"""A request of the Messages API -> a Turn.

Unknown fields are ignored (Claude Code answers a 400 by retrying up to five times with features stripped, seen 2026-11);
tuning that no provider here can honour is left out and listed in ``Turn.dropped``; content that cannot be carried over is
refused. rotom-api(7) has a table of every field, which a test holds against Anthropic's SDK.

What a provider may or may not take (effort levels, ``max_output_tokens``, ``temperature``) is not decided here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from rotom.dialects.messages.changes import changed_tools, latest_effort, loaded_tools, wants_citations
from rotom.dialects.messages.content import bad, field
from rotom.dialects.messages.history import read_history
from rotom.dialects.messages.tools import read_choice, read_tools
from rotom.dialects.schema import is_strict, normal_schema
from rotom.problem import Kind, Problem
from rotom.sse import Json
from rotom.turn import Turn

_NOT_HONOURED = ("container", "mcp_servers", "fallbacks", "inference_geo")

_WORDS = {
    "max_output_tokens": "",  # every request must name a limit: it says nothing of what the client needs
    "service_tier": "speed",
}
"""Responses fields -> what they are called here."""

# Budgets of thinking tokens as efforts: the thresholds that other gateways settled on.
_BUDGETS = ((512, "minimal"), (1024, "low"), (8192, "medium"), (24576, "high"))

_SESSION = re.compile(r"session_([0-9a-fA-F-]{36})")


def read(body: Json, headers: Mapping[str, str]) -> Turn:
    """The question in a request.

    Raises:
      Problem: INVALID, naming the field.
    """
    asked = body.get("model")
    if not isinstance(asked, str) or not (asked := asked.strip()):
        raise bad("model", "Field required" if asked in (None, "") else "Input should be a valid string")
    _numbers(body)
    _possible(body)
    history = body.get("messages")
    if history is None:
        raise bad("messages", "Field required")
    items = read_history(history)
    if not items:
        raise bad("messages", "at least one message with content is required")
    out: Json = {"model": asked.removesuffix("[1m]"), "instructions": _system(body.get("system")), "input": items}
    dropped = [*(name for name in _NOT_HONOURED if body.get(name)), *_edits(body)]
    if wants_citations(history):
        dropped.append("citations")
    names: dict[str, str] = {}
    include = ["reasoning.encrypted_content"]
    offered = body.get("tools") or []
    if isinstance(offered, list):
        offered = changed_tools(offered, history)
    tools, names, left_out = read_tools(offered, loaded_tools(history))
    dropped += left_out
    choice, parallel = read_choice(body.get("tool_choice"), tools)
    if tools:
        out |= {"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}
    elif choice == "required":
        dropped.append("tool_choice")  # all tools were left out
    if any(tool["type"] == "web_search" for tool in tools):
        include.append("web_search_call.action.sources")
    out["include"] = include
    reasoning, thinking, mapped = _thinking(body, latest_effort(history))
    if reasoning:
        out["reasoning"] = reasoning
    if (answer := _format(body)) is not None:
        out["text"] = {"format": answer}
    if body.get("speed") == "fast":
        out["service_tier"] = "priority"
    for name in ("max_tokens", "temperature", "top_p", "top_k"):
        if body.get(name) is not None:
            out["max_output_tokens" if name == "max_tokens" else name] = body[name]
    return Turn(
        body=out,
        asked=asked,
        stream=body.get("stream") is True,
        session=_session(body, headers),
        dropped=tuple(dict.fromkeys(dropped)),
        mapped=(*mapped, *((f"tool:{name}", short) for short, name in names.items())),
        words=_WORDS,
        names=names,
        extra={"thinking": thinking, "stop": _stop(body)},
    )


def _numbers(body: Json) -> None:
    limit = body.get("max_tokens")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise bad("max_tokens", "Input should be a whole number of at least 1")
    for name in ("temperature", "top_p", "top_k"):
        value = body.get(name)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise bad(name, "Input should be a number")


def _possible(body: Json) -> None:
    """Refuse what would be answered wrongly: without its context, or with another sort of answer."""
    thread = body.get("thread")
    if isinstance(thread, dict) and thread.get("type") != "create":
        raise Problem(
            Kind.INVALID,
            "thread: no earlier answers are kept here; send the whole conversation as messages",
            code="thread_not_found",
            param="thread",
        )
    if body.get("compaction"):
        raise bad("compaction", "requests for a compaction are not supported; ask for a summary in words")


def _edits(body: Json) -> list[str]:
    """What cannot be honoured of the options inside others.

    Claude Code always asks to clear thinking, and to keep all of it (seen 2026-11): that changes nothing."""
    management, config = body.get("context_management"), body.get("output_config")
    edits = management.get("edits") if isinstance(management, dict) else None
    kinds = [str(edit.get("type")) for edit in edits if isinstance(edit, dict)] if isinstance(edits, list) else []
    dropped = [f"context_management.{kind}" for kind in kinds if not kind.startswith("clear_thinking_")]
    if isinstance(config, dict) and config.get("task_budget"):
        dropped.append("output_config.task_budget")
    if body.get("thread"):
        dropped.append("thread")
    return dropped


def _system(system: object) -> str:
    """The system text without Claude Code's billing line, which changes with each request and would void the cache."""
    if system is None:
        return ""
    if isinstance(system, str):
        texts = [system]
    elif isinstance(system, list):
        texts = []
        for index, block in enumerate(system):
            if not isinstance(block, dict) or block.get("type", "text") != "text":
                raise bad(f"system.{index}", "Input should be a text block")
            texts.append(field(block, "text", f"system.{index}"))
    else:
        raise bad("system", "Input should be a string or a list of text blocks")
    return "\n\n".join(text for text in texts if text and not text.startswith("x-anthropic-billing-header:"))


def _thinking(body: Json, latest: object) -> tuple[Json, str, list[tuple[str, str]]]:
    """``reasoning`` of the Responses request, what the answer shows of it, and what was put in place of what.

    What is shown is ``text``, ``omitted`` (blocks without their text) or ``none`` (no blocks at all, as a client that never
    asked for thinking expects). `latest` is the effort that the conversation itself sets.
    """
    thinking = body.get("thinking")
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    effort = effort if latest is None else latest
    if effort is not None and not isinstance(effort, str):
        raise bad("output_config.effort", "Input should be a valid string")
    reasoning: Json = {}
    show = "none"
    mapped = []
    if thinking is not None:
        if not isinstance(thinking, dict) or not isinstance(thinking.get("type"), str):
            raise bad("thinking", "Input should be an object with a type")
        if thinking["type"] == "disabled":
            effort = effort or "none"
        else:
            show = "omitted" if thinking.get("display") == "omitted" else "text"
            budget = thinking.get("budget_tokens")
            if effort is None and isinstance(budget, int):
                effort = next((name for most, name in _BUDGETS if budget <= most), "xhigh")
                mapped.append((f"budget_tokens:{str(budget)[:12]}", f"effort:{effort}"))
            elif effort is None and thinking["type"] == "adaptive":
                effort = "medium"
    if effort:
        reasoning["effort"] = effort
    if show == "text":
        reasoning["summary"] = "auto"
    return reasoning, show, mapped


def _format(body: Json) -> Json | None:
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    wanted = wanted or body.get("output_format")  # the name of the beta
    if wanted is None:
        return None
    if (
        not isinstance(wanted, dict)
        or wanted.get("type") != "json_schema"
        or not isinstance(wanted.get("schema"), dict)
    ):
        raise bad("output_config.format", "Input should be {type: json_schema, schema: {...}}")
    schema = normal_schema(wanted["schema"])
    return {"type": "json_schema", "name": "answer", "schema": schema, "strict": is_strict(schema)}


def _stop(body: Json) -> tuple[str, ...]:
    stops = body.get("stop_sequences")
    if stops is None:
        return ()
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise bad("stop_sequences", "Input should be a list of strings")
    return tuple(stop for stop in stops if stop)


def _session(body: Json, headers: Mapping[str, str]) -> str | None:
    """What the turns of one conversation share. A subagent of Claude Code has its session and an id of its own."""
    session = headers.get("x-claude-code-session-id")
    if not session:
        metadata = body.get("metadata")
        user = metadata.get("user_id") if isinstance(metadata, dict) else None
        session = _session_of(user) if isinstance(user, str) else None
    agent = headers.get("x-claude-code-agent-id")
    return f"{session}:{agent}" if session and agent else session


def _session_of(user: str) -> str | None:
    if user.startswith("{"):  # Claude Code 2.1.330: a JSON object in the string
        try:
            session = json.loads(user).get("session_id")
        except ValueError:
            return None
        return session if isinstance(session, str) and session else None
    found = _SESSION.search(user)  # older ones: user_HASH_account_UUID_session_UUID
    return found[1] if found else None
