"""What a conversation says on its way about its tools and its effort.

Deferred tools are loaded by results that refer to them; system messages may bring tools in, take them away, and set the
effort from there on (the last was seen from subagents of Claude Code 2.1.330 with Anthropic's model names, 2026-11).

What is not here: the tools themselves (tools.py), and what system messages say (history.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rotom.sse import Json


def loaded_tools(messages: object) -> list[str]:
    """Names of deferred tools in the order in which the conversation first referred to them."""
    names: dict[str, None] = {}
    for role, block in _blocks(messages):
        if block.get("type") == "tool_result":
            inner = block.get("content")
            for part in inner if isinstance(inner, list) else []:
                if isinstance(part, dict) and part.get("type") == "tool_reference":
                    names.setdefault(str(part.get("tool_name")))
        elif role == "system" and block.get("type") == "tool_addition":
            tool = _tool(block)
            if tool.get("type") == "tool_reference":
                names.setdefault(str(tool.get("name")))
    return list(names)


def changed_tools(tools: list[Any], messages: object) -> list[Any]:
    """The request's tools with those that system messages define behind them, and without those they take away."""
    added: dict[str, Json] = {}
    removed: set[str] = set()
    for role, block in _blocks(messages):
        if role != "system" or block.get("type") not in ("tool_addition", "tool_removal"):
            continue
        tool = _tool(block)
        definition = tool.get("definition")
        name = str(definition.get("name") if isinstance(definition, dict) else tool.get("name"))
        if block["type"] == "tool_removal":
            removed.add(name)
            continue
        removed.discard(name)
        if isinstance(definition, dict):
            added[name] = definition
    if not (added or removed):
        return tools
    kept = [tool for tool in tools if not isinstance(tool, dict) or str(tool.get("name")) not in removed | added.keys()]
    return kept + [tool for name, tool in added.items() if name not in removed]


def latest_effort(messages: object) -> object:
    """The effort that the last system message with one sets, or None."""
    for entry in reversed(messages if isinstance(messages, list) else []):
        if isinstance(entry, dict) and entry.get("role") == "system":
            config = entry.get("output_config")
            if isinstance(config, dict) and config.get("effort") is not None:
                return config["effort"]
    return None


def wants_citations(messages: object) -> bool:
    """Whether a document or a search result asks for citations of itself, which the provider does not make."""
    return any(_cited(block) for _, block in _blocks(messages))


def _cited(block: Json) -> bool:
    asked = block.get("citations")
    if isinstance(asked, dict) and asked.get("enabled") is True:
        return True
    inner = block.get("content") if block.get("type") == "tool_result" else None
    return any(_cited(part) for part in inner if isinstance(part, dict)) if isinstance(inner, list) else False


def _blocks(messages: object) -> Iterator[tuple[object, Json]]:
    for entry in messages if isinstance(messages, list) else []:
        content = entry.get("content") if isinstance(entry, dict) else None
        for block in content if isinstance(content, list) else []:
            if isinstance(block, dict):
                yield entry.get("role"), block


def _tool(block: Json) -> Json:
    tool = block.get("tool")
    return tool if isinstance(tool, dict) else {}
