"""The routes: where server, dialects and gateway meet.

`Application` is what the server serves: the guard first, then the route, then its handler; and it knows in whose words a
Problem is told: in those of the dialect whose endpoint it concerns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import trio

from rotom.batching import Batching
from rotom.dialects import Dialect
from rotom.dialects.chat import DIALECT as CHAT
from rotom.dialects.images import EDITS, GENERATIONS, VARIATIONS
from rotom.dialects.messages import DIALECT as MESSAGES
from rotom.dialects.responses import DIALECT as RESPONSES
from rotom.gateway import Gateway
from rotom.log import Log
from rotom.problem import Kind, Problem
from rotom.routes import health
from rotom.routes.guard import Rules, check, from_origin, media_type
from rotom.routes.later import Later
from rotom.seldom import UPGRADED, Seldom
from rotom.server import Refusal
from rotom.server.exchange import Exchange
from rotom.server.routing import FORM, JSON, Handler, Route, Router
from rotom.sse import dumps

if TYPE_CHECKING:
    from rotom.dialects.responses import problems
    from rotom.routes import (
        account,
        batches,
        files,
        generate,
        images,
        models,
        openai_batches,
        responses,
        speech,
        tokens,
        websocket,
    )
else:
    problems = Seldom("rotom.dialects.responses.problems")
    account = Seldom("rotom.routes.account")
    batches = Seldom("rotom.routes.batches")
    files = Seldom("rotom.routes.files")
    generate = Seldom("rotom.routes.generate")
    images = Seldom("rotom.routes.images")
    models = Seldom("rotom.routes.models")
    openai_batches = Seldom("rotom.routes.openai_batches")
    responses = Seldom("rotom.routes.responses")
    speech = Seldom("rotom.routes.speech")
    tokens = Seldom("rotom.routes.tokens")
    websocket = Seldom("rotom.routes.websocket")

DIALECTS: tuple[Dialect, ...] = (MESSAGES, CHAT, RESPONSES)
"""Every client-side API that can be asked."""

OTHERS = replace(RESPONSES, status=lambda problem: problems.status(problem))
"""In whose words problems are told at endpoints of OpenAI's that have no dialect."""

PREFIX = "/v1"
"""What may be left out of a path: some programs want the address of the API with it, some without."""

FILES, FILE_LIMIT = "/v1/files", (200 << 20) + (1 << 20)
"""Where OpenAI's clients put the input of batches, and how long such a body may be: a file of 200 MiB and its form."""

OPENAI_BATCHES = "/v1/batches"

BATCHES, BATCH_LIMIT = MESSAGES.endpoint + "/batches", 256 << 20
"""Anthropic's, whose requests are in the body."""

SMALL = 64 << 10
MOST_TEXT = 1 << 20
"""The longest body with a text to speak; a provider takes much less."""


def routes(gateway: Gateway, batching: Batching) -> tuple[Route, ...]:
    """The route table. rotom-api(7) describes each of them; a test holds the two together."""

    def asked(dialect: Dialect) -> Handler:
        return lambda exchange: generate.generate(dialect, gateway)(exchange)

    logins, listed = Later(lambda: account.Account(gateway)), Later(lambda: models.Models(gateway))
    stored = Later(lambda: responses.Responses(gateway))
    bundles, jobs = (
        Later(lambda: batches.MessageBatches(batching)),
        Later(lambda: openai_batches.OpenAIBatches(batching)),
    )
    kept, drawn = Later(lambda: files.Files(batching)), Later(lambda: images.Images(gateway))
    socket, spoken = Later(lambda: websocket.ResponseSocket(RESPONSES, gateway)), Later(lambda: speech.Speech(gateway))
    return (
        *(Route("POST", dialect.endpoint, asked(dialect), JSON) for dialect in DIALECTS),
        Route("GET", RESPONSES.endpoint, socket.respond),
        Route("POST", "/v1/messages/count_tokens", lambda exchange: tokens.count_tokens(gateway)(exchange), JSON),
        Route("POST", BATCHES, bundles.create, JSON, BATCH_LIMIT),
        Route("GET", BATCHES, bundles.list),
        Route("GET", BATCHES + "/{id}", bundles.get),
        Route("DELETE", BATCHES + "/{id}", bundles.delete),
        Route("POST", BATCHES + "/{id}/cancel", bundles.cancel, body_limit=SMALL),
        Route("GET", BATCHES + "/{id}/results", bundles.results),
        Route("POST", FILES, openai_only(kept.create), FORM, FILE_LIMIT),
        Route("GET", FILES, openai_only(kept.list)),
        Route("GET", FILES + "/{id}", openai_only(kept.get)),
        Route("GET", FILES + "/{id}/content", openai_only(kept.content)),
        Route("DELETE", FILES + "/{id}", openai_only(kept.delete)),
        Route("POST", OPENAI_BATCHES, openai_only(jobs.create), JSON, SMALL),
        Route("GET", OPENAI_BATCHES, openai_only(jobs.list)),
        Route("GET", OPENAI_BATCHES + "/{id}", openai_only(jobs.get)),
        Route("POST", OPENAI_BATCHES + "/{id}/cancel", openai_only(jobs.cancel), body_limit=SMALL),
        Route("POST", RESPONSES.endpoint + "/compact", stored.compact, JSON),
        Route("POST", RESPONSES.endpoint + "/input_tokens", stored.input_tokens, JSON),
        Route("GET", RESPONSES.endpoint + "/{id}", stored.get),
        Route("DELETE", RESPONSES.endpoint + "/{id}", stored.delete, body_limit=SMALL),
        Route("GET", RESPONSES.endpoint + "/{id}/input_items", stored.input_items),
        Route("POST", RESPONSES.endpoint + "/{id}/cancel", stored.cancel, body_limit=SMALL),
        Route("POST", GENERATIONS, drawn.generations, JSON),
        Route("POST", EDITS, drawn.edits, (*JSON, *FORM)),
        Route("POST", VARIATIONS, drawn.variations),
        Route("GET", "/v1/models", listed.list),
        Route("GET", "/v1/models/{id...}", listed.one),
        Route("POST", "/v1/tts", spoken.say, JSON, MOST_TEXT),
        Route("GET", "/v1/tts", spoken.talk),
        Route("GET", "/v1/tts/voices", spoken.voices),
        Route("GET", "/v1/tts/voices/{voice}", spoken.voices),
        Route("GET", "/v1/status", logins.status),
        Route("POST", "/v1/auth/refresh", logins.refresh, body_limit=SMALL),
        Route("GET", "/health", health.health),
        Route("GET", "/", health.root),
    )


def openai_only(handler: Handler) -> Handler:
    """A handler for OpenAI's clients: Anthropic's have other files under this path, and no batches."""

    async def only(exchange: Exchange) -> None:
        if "anthropic-version" in exchange.headers:
            path = exchange.path[:100]
            message = f"{path} is here for OpenAI's clients only: rotom keeps no files for Anthropic's API"
            raise Problem(Kind.NOT_FOUND, message, code="not_found")
        await handler(exchange)

    return only


def is_anthropic(exchange: Exchange) -> bool:
    """Whether the client speaks to us as to Anthropic."""
    path, endpoint = PREFIX + exchange.path.removeprefix(PREFIX), MESSAGES.endpoint
    return path == endpoint or path.startswith(endpoint + "/") or "anthropic-version" in exchange.headers


def dialect_of(exchange: Exchange) -> Dialect:
    """The dialect in whose words a client is told of a problem; Responses stands for all of OpenAI's."""
    if is_anthropic(exchange):
        return MESSAGES
    if exchange.path.endswith("/chat/completions"):
        return CHAT
    return RESPONSES if "/responses" in exchange.path else OTHERS


class Application:
    """What `rotom serve` serves.

    Arguments:
      rules: the guard's; may be replaced while it runs (a reload).

    Attributes:
      running: how many exchanges are under way; `served`: how many are over.
      upgraded: set when somebody needed what another version of rotom has taken away (seldom.py).
    """

    def __init__(self, gateway: Gateway, batching: Batching, rules: Rules, log: Log) -> None:
        self.gateway = gateway
        self.rules = rules
        self.log = log
        self.running = self.served = 0
        self.upgraded = trio.Event()
        self.router = Router(routes(gateway, batching), PREFIX)

    async def handle(self, exchange: Exchange) -> None:
        """Count, and answer."""
        self.running += 1
        try:
            await self._handle(exchange)
        finally:
            self.running -= 1
            self.served += 1

    async def _handle(self, exchange: Exchange) -> None:
        """Guard, find, check the body's type, handle."""
        if is_anthropic(exchange):
            exchange.extra_headers.append(("request-id", exchange.id))
        try:
            cors = check(self.rules, exchange.method, exchange.path, exchange.headers, exchange.local)
        except Problem as problem:
            if problem.kind is Kind.UNAUTHENTICATED:  # a page that may ask may also read that its key is wrong
                exchange.extra_headers += from_origin(self.rules, exchange.headers)
            raise
        exchange.extra_headers += cors
        preflight = any(name == "access-control-allow-methods" for name, _ in exchange.extra_headers)
        if preflight and exchange.method == "OPTIONS":
            await exchange.answer(204)  # a preflight from an origin that the person allowed
            return
        if (methods := self.router.methods(exchange.path)) and exchange.method not in (*methods, "HEAD"):
            exchange.extra_headers.append(("allow", ", ".join(methods)))
        route, exchange.params = self.router.find(exchange.method, exchange.path)
        media_type(route.accepts, exchange.headers)
        exchange.body_limit = route.body_limit
        try:
            await route.handler(exchange)
        except RecursionError as exc:  # the body was read, but what came of it could not be gone through
            if exchange.started:
                raise
            raise Problem(Kind.INVALID, "the body's JSON is nested too deeply", code="invalid_json") from exc

    def refusal(self, exchange: Exchange | None, problem: Problem, request_id: str) -> Refusal:
        """The problem in the words of the dialect that the client speaks; in OpenAI's form where that is not known."""
        try:
            return self._in_words(exchange, problem, request_id)
        except Problem as worse:  # those words are not to be had: see seldom.py
            error = {"type": "api_error", "message": worse.message, "param": None, "code": worse.code}
            body = {"type": "error", "error": error, "request_id": request_id}
            headers = [("content-type", "application/json"), *_last_words(worse), *_retry_after(worse)]
            return Refusal(int(worse.kind), headers, dumps(body))

    def _in_words(self, exchange: Exchange | None, problem: Problem, request_id: str) -> Refusal:
        dialect = dialect_of(exchange) if exchange is not None else RESPONSES
        headers = [("content-type", "application/json"), *dialect.headers(problem)]
        if dialect.vendor:
            headers += problem.told
        headers += [*_last_words(problem), *_retry_after(problem)]
        return Refusal(dialect.status(problem), headers, dumps(dialect.problem(problem, request_id)))

    def bug(self, exc: Exception, request_id: str) -> None:
        """Log it."""
        self.log.bug(exc, request_id)

    def done(self, exchange: Exchange) -> None:
        """The log line of an exchange."""
        if exchange.log.get("code") == UPGRADED:
            self.upgraded.set()
        facts: dict[str, Any] = {
            **exchange.log,
            "id": exchange.id,
            "method": exchange.method,
            "path": exchange.path,
            "status": 499 if exchange.gone and not exchange.started else exchange.status,
            "total": trio.current_time() - exchange.begun_at,
            "gone": exchange.gone,
        }
        self.log.exchange(facts)

    def part(self, exchange: Exchange, facts: Mapping[str, Any]) -> None:
        """The log line of a turn on a WebSocket."""
        if facts.get("code") == UPGRADED:
            self.upgraded.set()
        self.log.exchange({"method": "WS", "path": exchange.path, **facts})

    def refused(self, problem: Problem, request_id: str, peer: str) -> None:
        """The log line of a connection that never became an exchange."""
        self.log.exchange({"id": request_id, "peer": peer, "status": int(problem.kind), "code": problem.code})


def _last_words(problem: Problem) -> list[tuple[str, str]]:
    """A server that was upgraded is about to end: a client's next request must not meet the end of this connection."""
    return [("connection", "close")] if problem.code == UPGRADED else []


def _retry_after(problem: Problem) -> list[tuple[str, str]]:
    return [] if problem.retry_after is None else [("retry-after", str(max(0, math.ceil(problem.retry_after))))]
