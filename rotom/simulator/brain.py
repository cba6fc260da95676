"""The demo's brain: answers that make sense to a person who tries rotom without a login. Pure.

It is no model. It looks at what the person last said (reminders that programs put around it are skipped), at the tools
there are, and at how many tool calls were made since; so every decision is a function of the request alone, and a tool loop
ends by itself: a *plan* is a list of calls and a closing sentence, and each request carries out the next step of it.

What it can do: repeat a word, create, read and change files, run commands, search the web, draw, fill a JSON schema,
summarise; with the tools of Claude Code, of Codex CLI, or any that look like them. To everything else it says what it is.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from rotom.simulator.sample import sample
from rotom.sse import Json, dumps


@dataclass(frozen=True, slots=True)
class Say:
    """Text; `links` are (title, url) cited in it."""

    text: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one of the client's tools: of arguments, or of free text when `arguments` is a string."""

    name: str
    arguments: Json | str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search of the backend's own."""

    query: str


@dataclass(frozen=True, slots=True)
class Draw:
    """A picture of the backend's own."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Compact:
    """The history in one opaque item."""


Part = Say | Call | Search | Draw | Compact


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the client."""

    name: str
    kind: str
    schema: Json
    namespace: str | None = None

    def call(self, **values: Any) -> Call:
        """A call with these values, those of them that it takes; what else it needs is made up."""
        fields = self.schema.get("properties") or {}
        given = {name: value for name, value in values.items() if name in fields}
        for name in self.schema.get("required") or []:
            if name not in given:
                given[name] = sample(fields.get(name) or {}, name)
        return Call(self.name, given, self.namespace)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about a wish: the calls one after the other, and what to say when they are made."""

    steps: tuple[Part, ...]
    done: str


def answer(body: Json) -> list[Part]:
    """The parts of the answer to a question."""
    items = [item for item in body["input"] if isinstance(item, dict)]
    if items and items[-1].get("type") == "compaction_trigger":
        return [Compact()]
    prompt, since = last_prompt(items)
    schema = ((body.get("text") or {}).get("format") or {}).get("schema")
    if schema:
        return [Say(dumps(sample(schema, "", _title(prompt))).decode())]
    if "<summary>" in prompt:
        return [Say(_summary(items))]
    tools = tools_of(body)
    made = [item for item in since if str(item.get("type", "")).endswith("_call")]
    forced = _forced(body, tools)
    if forced is not None and not made:
        return [forced.call(query=prompt, input=prompt, text=prompt)]
    if (structured := _named(tools, "StructuredOutput")) and not made:
        return [Call(structured.name, sample(structured.schema, "", _title(prompt)), structured.namespace)]
    plan = plan_for(prompt, tools, _folder(body, items))
    if plan is None:
        return [Say(_after(since) if made else _chat(prompt))]
    if len(made) < len(plan.steps) and not _failed(since):
        step = plan.steps[len(made)]
        if isinstance(step, Call):
            return [Say("Let me do that."), step] if not made else [step]
        return [step, *_tell(plan.done, step)]
    if _failed(since):
        return [Say(f"That did not work. The tool said: {_output(since)[:300]}")]
    return [Say(plan.done.replace("{output}", _output(since).strip()[:2000]))]


def _tell(done: str, step: Part) -> list[Part]:
    if isinstance(step, Search):
        link = (f"{step.query} (simulated result)", "https://example.com/simulated-result")
        return [Say(f"{done} See {link[1]} for what a real search would find.", (link,))]
    return [Say(done)]


# What was said.

_WRAPPED: Final = re.compile(
    r"<(system-reminder|environment_context|user_instructions|local-command-[a-z]+|command-[a-z]+)\b[^>]*>.*?</\1>",
    re.DOTALL,
)


def last_prompt(items: list[Json]) -> tuple[str, list[Json]]:
    """What the person last said, and what was done about it since: items behind it that are no developer's messages."""
    for index in range(len(items) - 1, -1, -1):
        item = items[index]
        if item.get("role") == "user":
            text = _WRAPPED.sub("", text_of(item.get("content"))).strip()
            if text:
                return text, [item for item in items[index + 1 :] if item.get("role") not in ("developer", "user")]
    return "", []


def text_of(content: object) -> str:
    """The text in a content."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))


def _output(since: list[Json]) -> str:
    for item in reversed(since):
        if str(item.get("type", "")).endswith("_output"):
            text = text_of(item.get("output"))
            return re.sub(r"^REMINDER:.*\Z", "", text, flags=re.MULTILINE | re.DOTALL).strip()
    return ""


def _failed(since: list[Json]) -> bool:
    text = _output(since).lower()
    return text.startswith(("error", "<tool_use_error>", "[error", "tool error", "failed"))


def _after(since: list[Json]) -> str:
    text = _output(since).strip()
    return f"Done. The tool answered:\n\n{text[:2000]}" if text else "Done."


def _folder(body: Json, items: list[Json]) -> str:
    """The folder that the client works in; empty when it does not say."""
    texts = [text_of(item.get("content")) for item in items if item.get("role") in ("developer", "user")]
    for text in (*reversed(texts), str(body.get("instructions") or "")):
        match = re.search(r"[Ww]orking directory:\s*`?([^\s`]+)", text) or re.search(r"<cwd>([^<]+)</cwd>", text)
        if match:
            return match[1]
    return ""


# The client's tools.


def tools_of(body: Json) -> list[Tool]:
    """Every tool in a request, those in namespaces and in an ``additional_tools`` item as well."""
    found = list(_tools(body.get("tools") or [], None))
    for item in body["input"]:
        if isinstance(item, dict) and item.get("type") == "additional_tools":
            found.extend(_tools(item.get("tools") or [], None))
    return found


def _tools(tools: list[Json], namespace: str | None) -> Iterator[Tool]:
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from _tools(tool.get("tools") or [], str(tool.get("name")))
        else:
            kind = str(tool.get("type"))
            yield Tool(str(tool.get("name") or kind), kind, tool.get("parameters") or {}, namespace)


def _named(tools: list[Tool], *names: str) -> Tool | None:
    for name in names:
        for tool in tools:
            if tool.name.lower() == name.lower():
                return tool
    return None


def _forced(body: Json, tools: list[Tool]) -> Tool | None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        return _named(tools, str(choice.get("name")))
    if choice == "required":
        return next((tool for tool in tools if tool.kind == "function"), None)
    return None


def run_call(tools: list[Tool], command: str) -> Call | None:
    """A call that runs a command, when there is a tool for that."""
    tool = _named(tools, "Bash", "exec_command", "shell_command", "shell", "run_command", "run_shell_command")
    if tool is None:
        return None
    fields = tool.schema.get("properties") or {}
    if (fields.get("command") or {}).get("type") == "array":
        return tool.call(command=["bash", "-lc", command])
    return tool.call(command=command, cmd=command, description=f"Run {command[:60]}")


def example_calls(tools: list[Tool], count: int) -> list[Call]:
    """Harmless calls for scenarios that show tool calls; of tools that the client has, if it has any."""
    ran = [run_call(tools, f"echo rotom {number}") for number in range(1, count + 1)]
    if ran and ran[0] is not None:
        return [call for call in ran if call is not None]
    functions = [tool for tool in tools if tool.kind == "function"]
    if functions:
        return [functions[number % len(functions)].call() for number in range(count)]
    cities = ("Paris", "Oslo", "Rome", "Lima")
    return [Call("get_weather", {"city": cities[number % len(cities)]}) for number in range(count)]


# Plans.

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
    if tool := _named(tools, "Write", "write_file", "create_file", "write", "save_file"):
        call = tool.call(file_path=whole, path=whole, filename=whole, content=body, contents=body, text=body)
        return Plan((call,), done)
    if tool := _named(tools, "apply_patch"):
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
    edit, read = _named(tools, "Edit", "edit_file", "str_replace"), _named(tools, "Read", "read_file")
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
    tool = _named(tools, "Read", "read_file")
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
    if tool := _named(tools, "WebSearch", "web_search"):
        calls: tuple[Part, ...] = (tool.call(query=query),)
        if _named(tools, "ToolSearch"):
            calls = (_named(tools, "ToolSearch").call(query="select:WebSearch", max_results=1), *calls)  # type: ignore[union-attr]
        return Plan(calls, found)
    if tool := _named(tools, "ToolSearch"):  # Claude Code keeps WebSearch back until it is asked for
        return Plan((tool.call(query="select:WebSearch", max_results=1),), "I could not find a tool for that.")
    return _no_tool("search the web")


def _plan_draw(match: re.Match[str], tools: list[Tool], folder: str) -> Plan | None:
    if any(tool.kind == "image_generation" for tool in tools):
        return Plan((Draw(match["what"].strip()),), "Here it is: one pixel, for this is a demonstration.")
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


# Words.


def _chat(prompt: str) -> str:
    word = re.search(
        r"\b(?:reply|respond|answer|say)\b[^.\n]{0,40}?\b(?:single|one|only the|exact|just the)\s+word:?\s*"
        r"[`'\"“]?([\w-]+)",
        prompt,
        re.IGNORECASE,
    ) or re.match(
        r"\s*(?:please\s+)?(?:just\s+)?(?:reply|respond|answer|say)\s+(?:only\s+|just\s+|exactly\s+)?(?:with\b\s*)?"
        r"(?:(?:only|just|exactly)\b\s*)?:?\s*[`'\"“]?([^`'\"”\n]{1,60}?)[`'\"”]?[.!]?\s*$",
        prompt,
        re.IGNORECASE,
    )
    if word:
        return word[1]
    asked = " ".join(prompt.split())
    asked = asked if len(asked) <= 200 else asked[:199] + "…"
    quoted = f" You wrote: “{asked}”" if asked else ""
    return (
        f"Hello! This is rotom's demonstration: no model is behind it, and nothing left this computer.{quoted} "
        "I can create, read and change files, run commands and search, all for show; "
        "write demo:list to see what else there is. To talk to a real model, stop this and run: rotom login"
    )


def _summary(items: list[Json]) -> str:
    said = [_WRAPPED.sub("", text_of(item.get("content"))).strip() for item in items if item.get("role") == "user"]
    lines = "\n".join(f"- {' '.join(text.split())[:160]}" for text in said[:-1] if text)
    return (
        "<analysis>A simulated look back at the conversation.</analysis>\n"
        f"<summary>\n1. What the user asked for, in order:\n{lines or '- nothing yet'}\n"
        "2. This summary was made by rotom's demonstration.\n</summary>"
    )


def _title(prompt: str) -> str:
    inner = re.search(r"<session>\s*(.*?)\s*</session>", prompt, re.DOTALL)
    words = (inner[1] if inner else prompt).split()
    return " ".join(words[:6])[:60] or "Rotom demonstration"


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] in "`'\"“‘" and text[-1] in "`'\"”’":
        return text[1:-1]
    return text


def _sed(text: str) -> str:
    return re.sub(r"([\\/&.*\[\]^$])", r"\\\1", text)
