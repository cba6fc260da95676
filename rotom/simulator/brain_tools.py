"""The demo's brain: the parts of an answer, and the tools that a client has for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rotom.simulator.sample import sample
from rotom.sse import Json


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


def named(tools: list[Tool], *names: str) -> Tool | None:
    """The tool with the first of these names that there is, whatever their case."""
    for name in names:
        for tool in tools:
            if tool.name.lower() == name.lower():
                return tool
    return None


def forced(body: Json, tools: list[Tool]) -> Tool | None:
    """The tool that must be called."""
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "function":
        return named(tools, str(choice.get("name")))
    if choice == "required":
        return next((tool for tool in tools if tool.kind == "function"), None)
    return None


def run_call(tools: list[Tool], command: str) -> Call | None:
    """A call that runs a command, when there is a tool for that."""
    tool = named(tools, "Bash", "exec_command", "shell_command", "shell", "run_command", "run_shell_command")
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
