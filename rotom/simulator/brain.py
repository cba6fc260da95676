"""The demo's brain: answers that make sense to a person who tries rotom without a login. Pure.

It is no model. It looks at what the person last said (reminders that programs put around it are skipped), at the tools
there are, and at how many tool calls were made since; so every decision is a function of the request alone, and a tool loop
ends by itself: a *plan* is a list of calls and a closing sentence, and each request carries out the next step of it.

What it can do: repeat a word, create, read and change files, run commands, search the web, draw, fill a JSON schema,
summarise; with the tools of Claude Code, of Codex CLI, or any that look like them. To everything else it says what it is.
"""

from __future__ import annotations

import re
from typing import Final

from rotom.simulator.brain_plans import plan_for
from rotom.simulator.brain_tools import Call, Compact, Part, Say, Search, forced, named, tools_of
from rotom.simulator.sample import sample
from rotom.sse import Json, dumps

CHARACTERS = 4
"""About as many make a token."""


def answer(body: Json) -> list[Part]:
    """The parts of the answer to a question."""
    items = [item for item in body["input"] if isinstance(item, dict)]
    if items and items[-1].get("type") == "compaction_trigger":
        return [Compact()]
    parts = _answer(body, items)
    limits = [rule.get("compact_threshold") for rule in body.get("context_management") or ()]
    long = any(isinstance(limit, int) and len(dumps(items)) // CHARACTERS > limit for limit in limits)
    return [Compact(), *parts] if long else parts


def _answer(body: Json, items: list[Json]) -> list[Part]:
    prompt, since = last_prompt(items)
    form = (body.get("text") or {}).get("format") or {}
    if schema := form.get("schema"):
        return [Say(dumps(sample(schema, "", _title(prompt))).decode())]
    if form.get("type") == "json_object":
        return [Say(dumps({"answer": _chat(prompt)}).decode())]
    if "<summary>" in prompt:
        return [Say(_summary(items))]
    tools = tools_of(body)
    made = [item for item in since if str(item.get("type", "")).endswith("_call")]
    must = forced(body, tools)
    if must is not None and not made:
        return [must.call(query=prompt, input=prompt, text=prompt)]
    if (structured := named(tools, "StructuredOutput")) and not made:
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

BRIEFS: Final = ("system", "developer", "user")
"""Who tells the model something, rather than being it."""

_WRAPPED: Final = re.compile(
    r"<(system-reminder|environment_context|user_instructions|local-command-[a-z]+|command-[a-z]+)\b[^>]*>.*?</\1>",
    re.DOTALL,
)

_CONTINUED: Final = re.compile(
    r"This session is being continued from a previous conversation.*as if the break never happened\.", re.DOTALL
)
"""What Claude Code 2.1.330 puts before the next prompt once it has compacted a session (seen 2026-11)."""


def last_prompt(items: list[Json]) -> tuple[str, list[Json]]:
    """What the person last said, and what was done about it since: items behind it that are no developer's messages."""
    for index in range(len(items) - 1, -1, -1):
        item = items[index]
        if item.get("role") == "user":
            text = _WRAPPED.sub("", text_of(item.get("content"))).strip()
            text = _CONTINUED.sub("", text).strip() or text
            if text:
                return text, [item for item in items[index + 1 :] if item.get("role") not in BRIEFS]
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
    texts = [text_of(item.get("content")) for item in items if item.get("role") in BRIEFS]
    for text in (*reversed(texts), str(body.get("instructions") or "")):
        match = re.search(r"[Ww]orking directory:\s*`?([^\s`]+)", text) or re.search(r"<cwd>([^<]+)</cwd>", text)
        if match:
            return match[1]
    return ""


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
