"""The demo's brain: which tool calls a wish in plain words comes to. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rotom.simulator.brain_tools import Call, Draw, Part, Search, Tool, named, run_call


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about a wish: the calls one after the other, and what to say when they are made."""

    steps: tuple[Part, ...]
    done: str


_Q = r"[`'\"“”‘’]?"
_PATH = rf"{_Q}(?P<path>[\w~./\\+-]*\w){_Q}"
_MAKE = r"(?:create|write|make|add|save|generate)"


def plan_for(prompt: str, tools: list[Tool], folder: str) -> Plan | None:
    """The plan for a wish; None for one that needs no tool, or that is not understood."""
    for pattern, make in _PLANS:
        match = re.search(pattern, prompt, re.IGNORECASE | re.DOTALL)
        if match:
            plan = make(match, tools, folder)
            if plan is not None:
                return plan
    return None


def _plan_write(match: re.Match[str], tools: list[Tool], folder: str) -> Plan | None:
    path = match["path"]
    text = _unquote((match.groupdict().get("text") or "").strip()) or "Hello from rotom's demonstration."
    whole = posixpath.join(folder, path)
    done = f"I created {path}."
    body = text if text.endswith("\n") else text + "\n"
    if tool := named(tools, "Write", "write_file", "create_file", "write", "save_file"):
        call = tool.call(file_path=whole, path=whole, filename=whole, content=body, contents=body, text=body)
        return Plan((call,), done)
    if tool := named(tools, "apply_patch"):
        lines = "".join(f"+{line}\n" for line in text.split("\n"))
        patch = f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch"
        if tool.kind == "custom":
            return Plan((Call(tool.name, patch, tool.namespace),), done)
        return Plan((tool.call(input=patch, patch=patch),), done)
    call_or_none = run_call(tools, f"printf '%s\\n' {shlex.quote(text)} > {shlex.quote(path)}")
    return Plan((call_or_none,), done) if call_or_none else _no_tool("create files")


def _plan_edit(match: re.Match[str], tools: list[Tool], folder: str) -> Plan | None:
    path, old, new = match["path"], _unquote(match["old"].strip()), _unquote(match["new"].strip())
    whole = posixpath.join(folder, path)
    done = f"I replaced {old!r} with {new!r} in {path}."
    edit, read = named(tools, "Edit", "edit_file", "str_replace"), named(tools, "Read", "read_file")
    if edit is not None:
        change = edit.call(
            file_path=whole, path=whole, old_string=old, new_string=new, old_str=old, new_str=new, replace_all=True
        )
        # Claude Code refuses to edit a file that was not read in this conversation.
        return Plan((read.call(file_path=whole, path=whole), change) if read else (change,), done)
    script = f"sed -i {shlex.quote(f's/{_sed(old)}/{_sed(new)}/g')} {shlex.quote(path)}"
    call = run_call(tools, script)
    return Plan((call,), done) if call else _no_tool("change files")


def _plan_read(match: re.Match[str], tools: list[Tool], folder: str) -> Plan | None:
    path = match["path"]
    whole = posixpath.join(folder, path)
    tool = named(tools, "Read", "read_file")
    call = tool.call(file_path=whole, path=whole) if tool else run_call(tools, f"cat {shlex.quote(path)}")
    return Plan((call,), f"Here is {path}:\n\n{{output}}") if call else _no_tool("read files")


def _plan_run(match: re.Match[str], tools: list[Tool], folder: str) -> Plan | None:
    command = _unquote(match["command"].strip().rstrip(".")) if "command" in match.groupdict() else "ls -la"
    call = run_call(tools, command)
    return Plan((call,), f"I ran `{command}`. It printed:\n\n{{output}}") if call else _no_tool("run commands")


def _plan_search(match: re.Match[str], tools: list[Tool], folder: str) -> Plan | None:
    query = _unquote(match["query"].strip().rstrip("?.!"))
    if any(tool.kind == "web_search" for tool in tools):
        return Plan((Search(query),), f"I searched the web for “{query}” (simulated: nothing left this computer).")
    found = f"I searched for “{query}”. What came back:\n\n{{output}}"
    if tool := named(tools, "WebSearch", "web_search"):
        calls: tuple[Part, ...] = (tool.call(query=query),)
        if named(tools, "ToolSearch"):
            calls = (named(tools, "ToolSearch").call(query="select:WebSearch", max_results=1), *calls)  # type: ignore[union-attr]
        return Plan(calls, found)
    if tool := named(tools, "ToolSearch"):  # Claude Code keeps WebSearch back until it is asked for
        return Plan((tool.call(query="select:WebSearch", max_results=1),), "I could not find a tool for that.")
    return _no_tool("search the web")


def _plan_draw(match: re.Match[str], tools: list[Tool], folder: str) -> Plan | None:
    if any(tool.kind == "image_generation" for tool in tools):
        return Plan((Draw(match["what"].strip()),), "Here it is: a disc, for this is a demonstration.")
    return None


def _no_tool(what: str) -> Plan:
    return Plan((), f"I would, but this client gave me no tool to {what}.")


_PLANS: Final[tuple[tuple[str, Callable[[re.Match[str], list[Tool], str], Plan | None]], ...]] = (
    (
        rf"\b(?:write|put|save)\s+(?P<text>[`'\"“].+?[`'\"”]|\S+)\s+(?:to|into|in)\s+(?:a\s+|the\s+)?(?:new\s+)?"
        rf"(?:file\s+)?(?:called\s+|named\s+)?{_PATH}\s*\.?\s*$",
        _plan_write,
    ),
    (
        rf"\b{_MAKE}\b[^\n]{{0,40}}?\bfile\b\s*(?:called|named|at)?\s*{_PATH}"
        r"(?:\s*,?\s*(?:with|containing|that (?:says|contains|reads)|saying|whose content is|and put)\s+"
        r"(?:(?:the|exactly|just|only|this)\s+)*(?:(?:text|contents?|words?|line|body)\b)?\s*:?\s*(?P<text>.+?))?\s*\.?\s*$",
        _plan_write,
    ),
    (
        rf"\b{_MAKE}\s+{_Q}(?P<path>[\w./-]+\.\w+){_Q}\s+(?:with|containing|saying)\s+"
        r"(?:(?:the|exactly|just|only)\s+)*(?:(?:text|contents?|words?|line)\b)?\s*:?\s*(?P<text>.+?)\s*$",
        _plan_write,
    ),
    (
        rf"\b(?:replace|change|edit|turn)\s+(?:the\s+)?(?:word|text|string|line)?\s*(?P<old>[`'\"“].+?[`'\"”]|\S+)\s+"
        rf"(?:with|to|by|into)\s+(?P<new>[`'\"“].+?[`'\"”]|\S+)\s+in\s+(?:the\s+)?(?:file\s+)?{_PATH}",
        _plan_edit,
    ),
    (
        rf"\bin\s+(?:the\s+)?(?:file\s+)?{_PATH}\s*,?\s+(?:replace|change)\s+(?:the\s+)?(?:word|text|string)?\s*"
        r"(?P<old>[`'\"“].+?[`'\"”]|\S+)\s+(?:with|to|by|into)\s+(?P<new>[`'\"“].+?[`'\"”]|\S+)",
        _plan_edit,
    ),
    (
        rf"\b(?:read|show(?: me)?|print|cat|open|display)\s+(?:the\s+)?(?:file\s+|contents? of\s+)?"
        rf"{_Q}(?P<path>[\w./-]+\.\w+){_Q}",
        _plan_read,
    ),
    (r"\blist\s+(?:all\s+)?(?:the\s+)?files\b|\b(?:what|which)\s+files\b", _plan_run),
    (
        r"^\s*(?:please\s+)?(?:run|execute)\s+(?:the\s+)?(?:shell\s+|bash\s+)?(?:command\s*)?:?\s*(?P<command>.+)$",
        _plan_run,
    ),
    (r"\bperform a web search for the query:\s*(?P<query>.+)$", _plan_search),
    (r"\b(?:search|look up|google)\s+(?:the\s+)?(?:web|internet|online)?\s*(?:for\s+)?(?P<query>.+)$", _plan_search),
    (r"\b(?:draw|paint|generate an? (?:image|picture) of|make an? (?:image|picture) of)\s+(?P<what>.+)$", _plan_draw),
)


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] in "`'\"“‘" and text[-1] in "`'\"”’":
        return text[1:-1]
    return text


def _sed(text: str) -> str:
    return re.sub(r"([\\/&.*\[\]^$])", r"\\\1", text)
