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
from rotom.dialects import Dialect, chat, messages, responses
from rotom.dialects.images import EDITS, GENERATIONS, VARIATIONS
from rotom.dialects.messages.batches import MOST_BYTES
from rotom.dialects.responses.problems import status
from rotom.gateway import Gateway
from rotom.log import Log
from rotom.problem import Kind, Problem
from rotom.routes.account import Account
from rotom.routes.batches import ENDPOINT as BATCHES
from rotom.routes.batches import MessageBatches
from rotom.routes.generate import generate
from rotom.routes.guard import Rules, check, from_origin, media_type
from rotom.routes.later import Later
from rotom.routes.models import Models
from rotom.routes.responses import ENDPOINT as RESPONSES
from rotom.routes.responses import Responses
from rotom.routes.tokens import count_tokens
from rotom.server import Refusal
from rotom.server.exchange import Exchange
from rotom.server.routing import FORM, JSON, Handler, Route, Router
from rotom.sse import dumps

if TYPE_CHECKING:
    from rotom.routes.files import Files
    from rotom.routes.images import Images
    from rotom.routes.openai_batches import OpenAIBatches
    from rotom.routes.speech import Speech
    from rotom.routes.websocket import ResponseSocket

DIALECTS: tuple[Dialect, ...] = (messages.DIALECT, chat.DIALECT, responses.DIALECT)
"""Every client-side API that can be asked."""

OTHERS = replace(responses.DIALECT, status=status)
"""In whose words problems are told at endpoints of OpenAI's that have no dialect."""

PREFIX = "/v1"
"""What may be left out of a path: some programs want the address of the API with it, some without."""

FILES, FILE_LIMIT = "/v1/files", (200 << 20) + (1 << 20)
"""Where OpenAI's clients put the input of batches, and how long such a body may be: a file of 200 MiB and its form."""

OPENAI_BATCHES = "/v1/batches"

SMALL = 64 << 10
MOST_TEXT = 1 << 20
"""The longest body with a text to speak; a provider takes much less."""


def routes(gateway: Gateway, batching: Batching) -> tuple[Route, ...]:
    """The route table. rotom-api(7) describes each of them; a test holds the two together."""
    account, models, batches = Account(gateway), Models(gateway), MessageBatches(batching)
    files, jobs = Later(lambda: _files(batching)), Later(lambda: _jobs(batching))
    images, socket = Later(lambda: _images(gateway)), Later(lambda: _socket(gateway))
    stored = Responses(gateway)
    speech = Later(lambda: _speech(gateway))
    return (
        *(Route("POST", dialect.endpoint, generate(dialect, gateway), JSON) for dialect in DIALECTS),
        Route("GET", responses.DIALECT.endpoint, socket.respond),
        Route("POST", "/v1/messages/count_tokens", count_tokens(gateway), JSON),
        Route("POST", BATCHES, batches.create, JSON, MOST_BYTES),
        Route("GET", BATCHES, batches.list),
        Route("GET", BATCHES + "/{id}", batches.get),
        Route("DELETE", BATCHES + "/{id}", batches.delete),
        Route("POST", BATCHES + "/{id}/cancel", batches.cancel, body_limit=SMALL),
        Route("GET", BATCHES + "/{id}/results", batches.results),
        Route("POST", FILES, openai_only(files.create), FORM, FILE_LIMIT),
        Route("GET", FILES, openai_only(files.list)),
        Route("GET", FILES + "/{id}", openai_only(files.get)),
        Route("GET", FILES + "/{id}/content", openai_only(files.content)),
        Route("DELETE", FILES + "/{id}", openai_only(files.delete)),
        Route("POST", OPENAI_BATCHES, openai_only(jobs.create), JSON, SMALL),
        Route("GET", OPENAI_BATCHES, openai_only(jobs.list)),
        Route("GET", OPENAI_BATCHES + "/{id}", openai_only(jobs.get)),
        Route("POST", OPENAI_BATCHES + "/{id}/cancel", openai_only(jobs.cancel), body_limit=SMALL),
        Route("POST", RESPONSES + "/compact", stored.compact, JSON),
        Route("POST", RESPONSES + "/input_tokens", stored.input_tokens, JSON),
        Route("GET", RESPONSES + "/{id}", stored.get),
        Route("DELETE", RESPONSES + "/{id}", stored.delete, body_limit=SMALL),
        Route("GET", RESPONSES + "/{id}/input_items", stored.input_items),
        Route("POST", RESPONSES + "/{id}/cancel", stored.cancel, body_limit=SMALL),
        Route("POST", GENERATIONS, images.generations, JSON),
        Route("POST", EDITS, images.edits, (*JSON, *FORM)),
        Route("POST", VARIATIONS, images.variations),
        Route("GET", "/v1/models", models.list),
        Route("GET", "/v1/models/{id...}", models.one),
        Route("POST", "/v1/tts", speech.say, JSON, MOST_TEXT),
        Route("GET", "/v1/tts", speech.talk),
        Route("GET", "/v1/tts/voices", speech.voices),
        Route("GET", "/v1/tts/voices/{voice}", speech.voices),
        Route("GET", "/v1/status", account.status),
        Route("POST", "/v1/auth/refresh", account.refresh, body_limit=SMALL),
        Route("GET", "/health", account.health),
        Route("GET", "/", account.root),
    )


def _files(batching: Batching) -> Files:
    from rotom.routes.files import Files

    return Files(batching)


def _jobs(batching: Batching) -> OpenAIBatches:
    from rotom.routes.openai_batches import OpenAIBatches

    return OpenAIBatches(batching)


def _images(gateway: Gateway) -> Images:
    from rotom.routes.images import Images

    return Images(gateway)


def _speech(gateway: Gateway) -> Speech:
    from rotom.routes.speech import Speech

    return Speech(gateway)


def _socket(gateway: Gateway) -> ResponseSocket:
    from rotom.routes.websocket import ResponseSocket

    return ResponseSocket(responses.DIALECT, gateway)


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
    path, endpoint = PREFIX + exchange.path.removeprefix(PREFIX), messages.DIALECT.endpoint
    return path == endpoint or path.startswith(endpoint + "/") or "anthropic-version" in exchange.headers


def dialect_of(exchange: Exchange) -> Dialect:
    """The dialect in whose words a client is told of a problem; Responses stands for all of OpenAI's."""
    if is_anthropic(exchange):
        return messages.DIALECT
    if exchange.path.endswith("/chat/completions"):
        return chat.DIALECT
    return responses.DIALECT if "/responses" in exchange.path else OTHERS


class Application:
    """What `rotom serve` serves.

    Arguments:
      rules: the guard's; may be replaced while it runs (a reload).

    Attributes:
      running: how many exchanges are under way; `served`: how many are over.
    """

    def __init__(self, gateway: Gateway, batching: Batching, rules: Rules, log: Log) -> None:
        self.gateway = gateway
        self.rules = rules
        self.log = log
        self.running = self.served = 0
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
        dialect = dialect_of(exchange) if exchange is not None else responses.DIALECT
        headers = [("content-type", "application/json"), *dialect.headers(problem)]
        if dialect.vendor:
            headers += problem.told
        if problem.retry_after is not None:
            headers.append(("retry-after", str(max(0, math.ceil(problem.retry_after)))))
        return Refusal(dialect.status(problem), headers, dumps(dialect.problem(problem, request_id)))

    def bug(self, exc: Exception, request_id: str) -> None:
        """Log it."""
        self.log.bug(exc, request_id)

    def done(self, exchange: Exchange) -> None:
        """The log line of an exchange."""
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
        self.log.exchange({"method": "WS", "path": exchange.path, **facts})

    def refused(self, problem: Problem, request_id: str, peer: str) -> None:
        """The log line of a connection that never became an exchange."""
        self.log.exchange({"id": request_id, "peer": peer, "status": int(problem.kind), "code": problem.code})
