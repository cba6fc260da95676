"""The simulator: a stand-in for the providers, for ``rotom serve --demo``, tests and measurements. OpenAI's login and the
Codex backend are played here, xAI in xai.py, under the same port.

It is strict: it refuses what the real backend refuses, in the real words, so that a gateway which works against it has a
fair chance to work. And it is scripted: what it does to a question is chosen by tests (`Simulator.script`) or by words in
the prompt (scenarios.py). It is not a model, and knows nothing that the real backend keeps to itself.

Theory of operation: `Simulator` is state (logins, limits, caches, the queue of scripts, what was received) and the
application of rotom's own server. A question goes through the checks in the backend's order (login, request, input, tools,
model), then a scenario makes a generator of steps and `perform` does them one after the other: sleeping, writing,
hanging, cutting. A hang-up of the client cancels that at any point and is noted with its time.

Questions on a WebSocket (sockets.py) go the same way.

Alone: ``python -m rotom.simulator`` (see __main__.py). What is not here: other endpoints, which answer 404 as they do for a
program that should live without them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.server import Limits, Refusal, listen
from rotom.server.drain import Drain
from rotom.server.exchange import Exchange
from rotom.server.routing import Route, Router
from rotom.server.websocket import wanted
from rotom.simulator import brain, images, models, scenarios, strict
from rotom.simulator.account import PromptCache, Quota, accounts_check
from rotom.simulator.oauth import Issuer
from rotom.simulator.oauth_claims import Account
from rotom.simulator.perform import perform, send_reply
from rotom.simulator.play import (
    Play,
    Received,
    Refused,
    Reply,
    detail,
    error,
    json_reply,
)
from rotom.simulator.scenarios_ask import Ask, Scenario
from rotom.simulator.seal import Seal
from rotom.simulator.siwc import QUESTIONS as SIWC_QUESTIONS
from rotom.simulator.siwc import Siwc
from rotom.simulator.sockets import serve_socket
from rotom.simulator.stream import Pen
from rotom.simulator.strict_images import check_drawing
from rotom.simulator.xai import QUESTIONS, Xai
from rotom.sse import Event, Json, dumps

RESPONSES: Final = "/backend-api/codex/responses"
HANDSHAKE: Final = "GET " + RESPONSES
IMAGES: Final = "/backend-api/codex/images/generations"
IMAGE_EDITS: Final = "/backend-api/codex/images/edits"
LITE: Final = "x-openai-internal-codex-responses-lite"
LITE_METADATA: Final = "ws_request_header_x_openai_internal_codex_responses_lite"
KEPT_REQUESTS: Final = 64
KEPT_ONCE: Final = 1024
HUMAN_PACE: Final = 0.02

Script = str | tuple[str, dict[str, Any]] | Reply | Callable[[Ask], Play]
"""A scenario's name, a name with options, a whole answer, or a generator function of one's own."""


class Simulator:
    """The backend.

    Arguments:
      clock: unix time; what tokens and windows are told in.
      pace: seconds between the deltas of an answer, so that a person can read along; 0 in tests.
      lenient: do not check questions (for measuring).
      keep: how many requests are kept for `requests`.

    Attributes:
      issuer_state: the login server, with everything about it that can be set (see `oauth.Issuer`).
      quota: the account's limits.
      websockets: whether turns may come on WebSockets; else a handshake is answered 426, as for some accounts.
      xai: the part that plays xAI. siwc: the part that plays Sign in with ChatGPT.
      requests: what was received, oldest first; only the latest are kept.
      bugs: tracebacks of exceptions in the simulator itself; a test may assert that there are none.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        pace: float = HUMAN_PACE,
        lenient: bool = False,
        account: Account | None = None,
        keep: int = KEPT_REQUESTS,
    ) -> None:
        self.clock = clock
        self.pace = pace
        self.lenient = lenient
        self.websockets = True
        self.issuer_state = Issuer(clock, account)
        self.quota = Quota()
        self.requests: deque[Received] = deque(maxlen=keep)
        self.bugs: list[str] = []
        self.port = 0
        self._open_streams = 0
        self._changed = trio.Event()
        self._cache = PromptCache()
        self._seal = Seal(clock)
        self._scripts: dict[str, deque[Script]] = {}
        self._once: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.xai = Xai(self)
        self.siwc = Siwc(self)
        backend = "/backend-api"
        self._router = Router(
            [
                Route("GET", "/", self._front),
                Route("GET", "/oauth/authorize", self._authorize),
                Route("GET", "/oauth/consent", self._consent_page),
                Route("POST", "/oauth/token", self._token),
                Route("POST", "/oauth/revoke", self._revoke),
                Route("GET", "/codex/device", self._device_page),
                Route("POST", "/api/accounts/deviceauth/usercode", self._device_start),
                Route("POST", "/api/accounts/deviceauth/token", self._device_poll),
                Route("GET", f"{backend}/codex/models", self._models),
                Route("GET", f"{backend}/wham/usage", self._usage),
                Route("GET", f"{backend}/wham/accounts/check", self._accounts_check),
                Route("POST", RESPONSES, self._responses),
                Route("POST", IMAGES, self._images),
                Route("POST", IMAGE_EDITS, self._images),
                Route("GET", RESPONSES, self._websocket),
                *self.xai.routes,
                *self.siwc.routes,
            ]
        )

    @property
    def issuer(self) -> str:
        """The origin: setting ``openai_issuer``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The backend: setting ``openai_base_url``."""
        return f"{self.issuer}/backend-api/codex"

    @property
    def open_streams(self) -> int:
        """How many questions are being answered."""
        return self._open_streams

    @property
    def plays(self) -> tuple[str, ...]:
        """The names of the providers that are played here."""
        return ("openai", "chatgpt", "grok")

    def environment(self) -> dict[str, str]:
        """The settings that make rotom use this simulator for everything it plays, as environment variables."""
        return {
            "ROTOM_OPENAI_BASE_URL": self.base_url,
            "ROTOM_OPENAI_ISSUER": self.issuer,
            "ROTOM_CHATGPT_BASE_URL": self.siwc.base_url,
            "ROTOM_CHATGPT_ISSUER": self.siwc.issuer,
            "ROTOM_GROK_BASE_URL": self.xai.base_url,
            "ROTOM_GROK_PROXY_URL": self.xai.proxy_url,
            "ROTOM_GROK_ISSUER": self.xai.issuer,
        }

    def consent(self, url: str, *, allow: bool = True) -> str:
        """What a browser is redirected to after a person consented (or not) at this authorize URL."""
        if url.startswith(f"{self.xai.issuer}/"):
            return self.xai.consent(url, allow=allow)
        if url.startswith(f"{self.siwc.issuer}/"):
            return self.siwc.consent(url, allow=allow)
        return self.issuer_state.consent(url, allow=allow)

    def approve(self, user_code: str) -> bool:
        """A person types a device code. Returns whether it was one."""
        return self.issuer_state.approve(user_code) or self.xai.approve(user_code)

    def script(self, *what: Script, path: str = RESPONSES) -> None:
        """Queue what the next requests to `path` get; when the queue is empty, things take their usual course.

        A script of another path than questions may be a `Reply`, or a scenario that only waits, refuses or cuts;
        `HANDSHAKE` stands for handshakes of WebSockets.
        """
        self._scripts.setdefault(path, deque()).extend(what)

    def questions(self) -> list[Received]:
        """The questions to the Codex backend's models that were received; `xai` knows its own."""
        return [received for received in self.requests if received.path == RESPONSES and received.method != "GET"]

    async def quiet(self) -> None:
        """Wait until no question is being answered."""
        while self._open_streams:
            await self._changed.wait()

    async def received(self, count: int, path: str = RESPONSES) -> Received:
        """Wait until `count` requests to `path` came; the last of these."""
        while True:
            found = self.questions() if path == RESPONSES else [one for one in self.requests if one.path == path]
            if len(found) >= count:
                return found[count - 1]
            await self._changed.wait()

    # What the server asks for.

    async def handle(self, exchange: Exchange) -> None:
        """Answer one exchange."""
        received = Received(
            exchange.method, exchange.path, exchange.query, dict(exchange.headers), at=trio.current_time()
        )
        self.requests.append(received)
        self._change()
        exchange.log["received"] = received
        try:
            route, exchange.params = self._router.find(exchange.method, exchange.path)
            received.body = _body(exchange.headers.get("content-type", ""), await exchange.body())
            path = HANDSHAKE if (exchange.method, exchange.path) == ("GET", RESPONSES) else exchange.path
            scripts = self._scripts.get(path)
            if scripts and path not in (RESPONSES, SIWC_QUESTIONS, *QUESTIONS):
                async with exchange.attended():
                    await perform(exchange, self._scripted(scripts.popleft(), received))
            else:
                await route.handler(exchange)
        except Refused as refused:
            await send_reply(exchange, refused.reply)

    def refusal(self, exchange: Exchange | None, problem: Problem, request_id: str) -> Refusal:
        """Problems of the server, in the backend's first form."""
        if exchange is not None and exchange.path.startswith("/xai"):
            reply = self.xai.not_there(exchange.path, int(problem.kind), problem.message)
            return Refusal(reply.status, [*reply.headers], reply.body)
        text = "Not Found" if problem.kind == Kind.NOT_FOUND else problem.message
        return Refusal(int(problem.kind), [("content-type", "application/json")], dumps({"detail": text}))

    def bug(self, exc: Exception, request_id: str) -> None:
        """Keep it for the test, and tell a person at once."""
        self.bugs.append("".join(traceback.format_exception(exc)))
        print(f"simulator: {self.bugs[-1]}", flush=True)

    def done(self, exchange: Exchange) -> None:
        """Note how it ended."""
        received: Received = exchange.log["received"]
        received.status = exchange.status
        received.gone = exchange.gone
        received.ended_at = trio.current_time() if received.ended_at is None else received.ended_at
        self._change()

    def refused(self, problem: Problem, request_id: str, peer: str) -> None:
        """A request that was no HTTP: nothing to note."""

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # Login.

    async def _front(self, exchange: Exchange) -> None:
        page = "<!doctype html><title>rotom simulator</title><p>This is rotom's simulator of a provider.</p>"
        await send_reply(exchange, Reply(200, page.encode(), (("content-type", "text/html; charset=utf-8"),)))

    async def _authorize(self, exchange: Exchange) -> None:
        await send_reply(exchange, self.issuer_state.authorize(exchange.query))

    async def _consent_page(self, exchange: Exchange) -> None:
        await send_reply(exchange, self.issuer_state.consent_page(exchange.query))

    async def _token(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._issuer().token(_fields(exchange)))

    async def _revoke(self, exchange: Exchange) -> None:
        await send_reply(exchange, self.issuer_state.revoke(_fields(exchange)))

    async def _device_page(self, exchange: Exchange) -> None:
        await send_reply(exchange, self.issuer_state.device_page(exchange.query))

    async def _device_start(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._issuer().device_start(_fields(exchange)))

    async def _device_poll(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._issuer().device_poll(_fields(exchange)))

    def _issuer(self) -> Issuer:
        self.issuer_state.base = self.issuer
        return self.issuer_state

    # The backend.

    def _account(self, exchange: Exchange) -> Account:
        """Whose request it is, when its headers are in order."""
        account = self.issuer_state.check(exchange.headers.get("authorization"))
        named = exchange.headers.get("chatgpt-account-id")
        if named != account.account_id:
            # The words are a guess: only that requests without the header fail was reported.
            raise Refused(detail(403, "Missing or wrong chatgpt-account-id" if named else "Missing chatgpt-account-id"))
        if account.fedramp and exchange.headers.get("x-openai-fedramp") != "true":
            raise Refused(detail(403, "This workspace requires x-openai-fedramp"))
        return account

    async def _models(self, exchange: Exchange) -> None:
        self._account(exchange)
        value, etag = models.listing(exchange.query.get("client_version"))
        await send_reply(exchange, json_reply(200, value, ("etag", etag)))

    async def _usage(self, exchange: Exchange) -> None:
        account = self._account(exchange)
        await send_reply(exchange, json_reply(200, self.quota.usage(account, self.clock())))

    async def _accounts_check(self, exchange: Exchange) -> None:
        await send_reply(exchange, json_reply(200, accounts_check(self._account(exchange))))

    async def _websocket(self, exchange: Exchange) -> None:
        """Questions to models, on a connection of their own."""
        account = self._account(exchange)
        if not self.websockets or not wanted(exchange):
            raise Refused(error(426, "Upgrade Required", headers=(("upgrade", "websocket"),)))
        if not exchange.headers.get("openai-beta", "").startswith("responses_websockets="):
            # A guess: every client that was seen names the version.
            raise Refused(error(400, "Missing required header: 'OpenAI-Beta'.", "missing_required_parameter"))

        def answer(received: Received, body: Json) -> tuple[Play, list[Event]]:
            if received.body is not None and received.body.get("generate") is False:
                self._check(exchange, body, account)
                received.scenario = "warm_up"
                pen = Pen(body, str(body["model"]), self.clock(), str, 0, 0)
                return iter([*pen.opening(), pen.completed(self.clock())]), []
            steps, model = self._answer(exchange, body, account, received)
            head = {name: text for name, text in self._head(exchange, account, model) if name != "content-type"}
            metadata = Event("", data={"type": "codex.response.metadata", "headers": head})
            return steps, [metadata, Event("", data=self.quota.event(account, self.clock()))]

        def note(received: Received) -> None:
            if received.ended_at is None:
                self.requests.append(received)
                self._open_streams += 1
            else:
                self._open_streams -= 1
            self._change()

        head = [("x-models-etag", models.listing(exchange.headers.get("version"))[1])]
        await serve_socket(exchange, [*head, *self.quota.headers(account, self.clock())], answer, note, self.pace)

    async def _images(self, exchange: Exchange) -> None:
        """Images: the scenario that the prompt names, of those for images or of those that refuse a question."""
        account = self._account(exchange)
        body = exchange.log["received"].body
        if body is None or exchange.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refused(detail(400, "Bad Request"))
        if not self.lenient:
            check_drawing(body, exchange.path == IMAGE_EDITS)
        name, options = scenarios.find(body["prompt"]) or ("image", {})
        if account.plan == "free":
            name = "image_not_included"
        exchange.log["received"].scenario = name
        ask = self._asked(options, body)
        self.quota.used()
        async with exchange.attended():
            await perform(exchange, images.play(name, ask) or scenarios.play(name, ask))

    async def _responses(self, exchange: Exchange) -> None:
        """A question to a model."""
        async with self.answering(exchange) as received:
            account = self._account(exchange)
            if received.body is None:
                raise Refused(detail(400, "Bad Request"))
            if exchange.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                raise Refused(detail(415, "Unsupported Media Type"))
            steps, model = self._answer(exchange, received.body, account, received)
            async with exchange.attended():
                await perform(exchange, steps, self._head(exchange, account, model), self.pace)

    @asynccontextmanager
    async def answering(self, exchange: Exchange) -> AsyncIterator[Received]:
        """The time in which a question is being answered."""
        self._open_streams += 1
        received: Received = exchange.log["received"]
        try:
            yield received
        finally:
            received.ended_at, received.status, received.gone = trio.current_time(), exchange.status, exchange.gone
            self._open_streams -= 1
            self._change()

    def _answer(self, exchange: Exchange, body: Json, account: Account, received: Received) -> tuple[Play, str]:
        """The steps of the answer to a question that is in order, and the model that gives it."""
        model = self._check(exchange, body, account)
        prompt, since = brain.last_prompt([item for item in body["input"] if isinstance(item, dict)])
        tokens, cached = self._cache.measure(body)
        pen = Pen(body, model.slug, self.clock(), partial(self._seal.make, account.account_id), tokens, cached)
        ask = Ask(body, prompt, pen, account, self.quota, self.clock, since=since)
        if tokens > model.max_context and not self._scripts.get(RESPONSES):
            received.scenario = "failed_context_length_exceeded"
            return scenarios.play(received.scenario, ask), model.slug
        return self.choose(ask, received), model.slug

    def _check(self, exchange: Exchange, body: Json, account: Account) -> models.SimulatedModel:
        """The model for a question, when everything about it is in order."""
        if account.routing != "NO_CONSTRAINT":
            override = exchange.headers.get("x-openai-account-routing-override")
            if override != account.routing:
                raise Refused(detail(403, "This workspace requires x-openai-account-routing-override"))
        if self.lenient:
            return models.BY_SLUG.get(str(body.get("model")), models.DEMO_MODEL)
        strict.check_request(body)
        strict.check_input(body["input"], partial(self._seal.good, owner=account.account_id))
        strict.check_tools(body)
        name = body["model"]
        model = models.DEMO_MODEL if name.startswith("demo-") else models.serve_model(name, exchange.headers)
        metadata = body.get("client_metadata")
        lite = LITE in exchange.headers or (isinstance(metadata, dict) and LITE_METADATA in metadata)
        strict.check_limits(body, model, lite)
        return model

    def _head(self, exchange: Exchange, account: Account, model: str) -> list[tuple[str, str]]:
        """The headers of a stream."""
        self.quota.used()
        return [
            ("content-type", "text/event-stream; charset=utf-8"),
            *self.quota.headers(account, self.clock()),
            ("x-models-etag", models.listing(exchange.headers.get("version"))[1]),
            ("openai-model", model),
            ("openai-processing-ms", "120"),
            ("x-reasoning-included", "true"),
            ("x-codex-turn-state", "simulated-turn-state"),
            ("x-oai-request-id", secrets.token_hex(16)),
        ]

    def choose(self, ask: Ask, received: Received, table: Mapping[str, Scenario] = scenarios.SCENARIOS) -> Play:
        """The steps for a question: of the script, of words in the prompt, of the model's name, or the brain's.

        Arguments:
          table: the scenarios that the provider in question can play.
        """
        scripts = self._scripts.get(received.path)
        if scripts:
            return self._scripted(scripts.popleft(), received, ask, table)
        received.scenario, ask.options = self._wish(ask, table) or ("answer", {})
        return scenarios.play(received.scenario, ask, table)

    def _wish(self, ask: Ask, table: Mapping[str, Scenario]) -> tuple[str, dict[str, str]] | None:
        """The scenario that a person asked for. Not again when its tools have run, and not by Claude Code's titles."""
        if ask.since or ask.prompt.startswith("<session>"):
            return None
        model = str(ask.body.get("model"))
        wish = scenarios.find(f"demo:{model[5:]}" if model.startswith("demo-") else ask.prompt)
        if wish is None or wish[0] in table or not wish[0].endswith("_once"):
            return wish
        name = wish[0].removesuffix("_once")
        key = (name, hashlib.sha256(ask.prompt.encode("utf-8", "replace")).hexdigest())
        if key in self._once:
            return None
        self._once[key] = None
        if len(self._once) > KEPT_ONCE:
            self._once.popitem(last=False)
        return name, wish[1]

    def _scripted(
        self,
        what: Script,
        received: Received,
        ask: Ask | None = None,
        table: Mapping[str, Scenario] = scenarios.SCENARIOS,
    ) -> Play:
        if isinstance(what, Reply):
            received.scenario = f"reply {what.status}"
            return iter([what])
        ask = ask or self._asked({}, received.body)
        if callable(what):
            received.scenario = getattr(what, "__name__", "script")
            return what(ask)
        received.scenario, options = what if isinstance(what, tuple) else (what, {})
        ask.options = {name: str(value) for name, value in options.items()}
        if received.path in (IMAGES, IMAGE_EDITS) and (steps := images.play(received.scenario, ask)) is not None:
            return steps
        if received.scenario not in table:
            raise ValueError(f"there is no scenario {received.scenario!r}")
        return scenarios.play(received.scenario, ask, table)

    def _asked(self, options: dict[str, str], body: Json | None) -> Ask:
        """What is asked without being a question to a model."""
        pen = Pen({}, "none", self.clock(), self._seal.make, 0, 0)
        return Ask({"input": [], **(body or {})}, "", pen, self.issuer_state.account, self.quota, self.clock, options)


async def serve(
    simulator: Simulator,
    port: int = 0,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on 127.0.0.1 until cancelled; reports its base URL when it is ready."""
    listeners = await listen.open_listeners([listen.Address("127.0.0.1", port)])
    simulator.port = listen.bound(listeners)[0].port
    limits = Limits(keepalive_seconds=3600, connections=8192)
    async with helpers() as nursery:
        await nursery.start(listen.serve, listeners, simulator, limits, Drain(), 0.0)
        task_status.started(simulator.base_url)
        await trio.sleep_forever()


def _body(kind: str, raw: bytes) -> Json | None:
    """The JSON object or the form in a request."""
    if kind.partition(";")[0].strip() == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _fields(exchange: Exchange) -> Json:
    received: Received = exchange.log["received"]
    if received.body is None:
        raise Refused(json_reply(400, {"error": "invalid_request", "error_description": "The body is not readable."}))
    return received.body


__all__ = ["Account", "Ask", "Event", "Received", "Reply", "Simulator", "serve"]
