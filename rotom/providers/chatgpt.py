"""Sign in with ChatGPT: the public Responses API on a person's own plan. Built from OpenAI's public documentation and what
independent implementations report (2026-10); never tried against the real service.

What a request may hold is what the Codex service takes (openai_dress.py), without what only that has: images, tool search
and metadata of its clients. What is different is told before anything is sent.

What is not here: the login (chatgpt_login.py), and what refusals mean (chatgpt_refusals.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rotom.catalogue import Model
from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Outgoing, Provider, Reply, Token, Usage
from rotom.providers.loose import number, object_of
from rotom.providers.openai import PRIVATE
from rotom.providers.openai_models import BUILTIN, read_models
from rotom.receipt import Receipt
from rotom.seldom import Seldom
from rotom.sse import dumps
from rotom.turn import Turn

if TYPE_CHECKING:
    from rotom.providers import chatgpt_login, chatgpt_refusals, custom_models, openai_dress, openai_receipt
else:
    chatgpt_login = Seldom("rotom.providers.chatgpt_login")
    chatgpt_refusals = Seldom("rotom.providers.chatgpt_refusals")
    custom_models = Seldom("rotom.providers.custom_models")
    openai_dress = Seldom("rotom.providers.openai_dress")
    openai_receipt = Seldom("rotom.providers.openai_receipt")

NAME = "chatgpt"

UNSUPPORTED_TOOLS = frozenset({"image_generation", "tool_search"})
"""Tools that the plan cannot be used for by this way (``subscription_sharing_unsupported_capability``)."""

COMPACTION = "compaction_trigger"
"""What the last item is when a conversation is to be compacted; there is no way to that here."""

MANAGEMENT = "context_management"
"""How the public API compacts a conversation: within an answer, once it is longer than the client says here."""

_TALKS = ("gpt-", "o1", "o3", "o4", "codex", "chatgpt-")
_OTHER = ("audio", "image", "realtime", "transcribe", "tts", "embedding", "moderation")


def make(config: Config) -> Provider:
    """The provider as configured."""
    return Provider(
        name=NAME,
        title="ChatGPT (Sign in with ChatGPT)",
        about="OpenAI's own way for local programs, on Plus and Pro, within a limit that you set there; no images",
        login=lambda redirect: chatgpt_login.login(config)(redirect),
        login_device=None,
        renew=lambda token, reason: chatgpt_login.renew(config)(token, reason),
        revoke=lambda token: chatgpt_login.revoke(config)(token),
        renewable_at=renewable_at,
        models=models(config),
        usage=_no_usage,
        builtin=tuple(replace(model, provider=NAME, tiers=()) for model in BUILTIN if not model.retired),
        dress=lambda turn, model, token: dress(config, turn, model, token),
        receipt=receipt,
        refusal=lambda status, headers, body: chatgpt_refusals.refusal(status, headers, body),
        failure=lambda event: chatgpt_refusals.failure(event),
        windows=lambda _headers: (),
        private=lambda kind: kind.startswith(PRIVATE),
        callback_ports=(1455,),
    )


def identity(token: Token) -> tuple[tuple[str, str], ...]:
    """The headers that say who asks."""
    return (("authorization", f"Bearer {token.access}"),)


def renewable_at(token: Token) -> float:
    """Unix seconds by this machine's clock before which the refresh token would be refused and spent."""
    return number(token.extra.get("renewable_at")) or 0.0


def dress(config: Config, turn: Turn, model: Model, token: Token) -> Outgoing:
    """The exact request.

    Raises:
      Problem: INVALID for a tool that cannot be had this way.
    """
    for index, tool in enumerate(turn.body.get("tools") or ()):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind in UNSUPPORTED_TOOLS:
            raise _cannot(f"the tool {kind!r}", "leave it out", f"tools[{index}]")
    items = turn.body.get("input")
    if isinstance(items, list) and items and isinstance(items[-1], dict) and items[-1].get("type") == COMPACTION:
        raise _cannot("compacting a conversation at once", f"set {MANAGEMENT}", f"input[{len(items) - 1}]")
    body = openai_dress.body_of(turn, model, openai_dress.session_id(turn))
    body.pop("client_metadata", None)
    if MANAGEMENT in turn.body:
        body[MANAGEMENT] = turn.body[MANAGEMENT]
    headers = (
        *identity(token),
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
    )
    return Outgoing("POST", f"{config.chatgpt_base_url}/responses", headers, dumps(body))


def _cannot(what: str, instead: str, param: str) -> Problem:
    return Problem(
        Kind.INVALID,
        f"a login by Sign in with ChatGPT cannot be used for {what}: {instead}, or log in to the Codex service, which "
        "has it: rotom login --provider openai",
        code="unsupported_capability",
        param=param,
        retry=False,
    )


def receipt(turn: Turn, model: Model) -> Receipt:
    """What is left out or changed: the same as at the Codex service, but for what only the public API has."""
    found = openai_receipt.receipt(turn, model)
    return replace(found, dropped=tuple(name for name in found.dropped if name != MANAGEMENT))


def models(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that returns (models, etag). The client version decides how new the models are that are shown."""

    def flow(token: Token) -> Flow:
        url = f"{config.chatgpt_base_url}/models?client_version={config.openai_client_version}"
        reply: Reply = yield Outgoing.get(url, (*identity(token), ("accept", "application/json")))
        if reply.status != 200:
            raise chatgpt_refusals.refusal(reply.status, reply.headers, reply.body)
        answer = object_of(reply)
        entries = answer.get("models")
        if isinstance(entries, list):  # in the form of the Codex service
            return [replace(model, provider=NAME, tiers=()) for model in read_models(entries)], reply.headers.get(
                "etag"
            )
        known = {model.id: replace(model, provider=NAME, tiers=()) for model in BUILTIN}
        found = [known.get(model.id, model) for model in custom_models.read_models(answer, NAME)]
        return [replace(model, hidden=model.hidden or not _talks(model.id)) for model in found], reply.headers.get(
            "etag"
        )

    return flow


def _talks(model: str) -> bool:
    """Whether a name of the public API's list is a model that answers in words."""
    return model.startswith(_TALKS) and not any(word in model for word in _OTHER)


def _no_usage(token: Token) -> Flow:
    """No endpoint tells it; the person sets and sees it at chatgpt.com/settings/usage."""
    return Usage(plan=token.plan, email=token.email, account_id=token.account_id)
    yield  # a flow is a generator
