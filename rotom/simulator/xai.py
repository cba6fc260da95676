"""xAI as a part of the simulator: its issuer, its API and the origin that its own CLI asks, under one port.

Three addresses stand for three hosts: ``/xai`` for auth.x.ai, ``/xai-api/v1`` for api.x.ai/v1, ``/xai-proxy/v1`` for
cli-chat-proxy.grok.com/v1. A login of the first is good at both others, as in life; what an origin has, wants in headers,
and refuses is its own.

Theory of operation: `enter` is what every request passes: the second origin's gate of headers, the bearer, the scopes.
What is behind it is a pure function of the body (xai_native.py, xai_speech.py, xai_account.py, xai_models.py) or a question
to a model, which goes through checks and then a scenario, as in the Codex part, with the same machinery.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from rotom.fold import TERMINAL
from rotom.server.exchange import Exchange
from rotom.server.routing import Route
from rotom.server.websocket import wanted, websocket
from rotom.simulator import brain, xai_account, xai_models, xai_native, xai_scenarios, xai_speech, xai_strict
from rotom.simulator.account import PromptCache
from rotom.simulator.perform import perform, perform_whole, send_reply
from rotom.simulator.play import Play, Received, Refused, Reply, json_reply
from rotom.simulator.scenarios_ask import Ask
from rotom.simulator.seal import BareSeal
from rotom.simulator.xai_account import Pool
from rotom.simulator.xai_claims import XaiAccount
from rotom.simulator.xai_forms import INVALID, flat, unreadable
from rotom.simulator.xai_login import XaiIssuer
from rotom.simulator.xai_models import XaiModel
from rotom.simulator.xai_pen import XaiPen
from rotom.simulator.xai_scenarios import CHAT_DENIED, OUTDATED, REFUSALS
from rotom.sse import Event, Json, dumps

if TYPE_CHECKING:
    from rotom.simulator import Simulator

ISSUER: Final = "/xai"
BASES: Final = {"api": "/xai-api/v1", "proxy": "/xai-proxy/v1"}
QUESTIONS: Final = {f"{base}/responses": origin for origin, base in BASES.items()}
"""Where questions to models go, and the origin that is."""

CLI_MARK: Final = "xai-grok-cli"
OLDEST: Final = (0, 1, 202)
DONE: Final = b"data: [DONE]\n\n"

Handler = Callable[[Exchange], Awaitable[None]]
Pure = Callable[[XaiAccount, Json, Exchange], Reply]


class Xai:
    """xAI.

    Arguments:
      stage: the simulator that it is a part of.

    Attributes:
      issuer_state: the login server, with everything about it that can be set.
      pool: how much of the subscription is used.
      refusing: origin -> the name of the refusal (xai_scenarios.REFUSALS) that everything there which costs gets.
    """

    def __init__(self, stage: Simulator, account: XaiAccount | None = None) -> None:
        self._stage = stage
        self.issuer_state = XaiIssuer(stage.clock, trio.current_time, account)
        self.pool = Pool()
        self.refusing: dict[str, str] = {}
        self._cache = PromptCache()
        self._seal = BareSeal(stage.clock)
        self.routes = (*self._login_routes(), *self._api_routes(), *self._proxy_routes())

    @property
    def issuer(self) -> str:
        """Setting ``grok_issuer``."""
        return f"{self._stage.issuer}{ISSUER}"

    @property
    def base_url(self) -> str:
        """Setting ``grok_base_url``."""
        return f"{self._stage.issuer}{BASES['api']}"

    @property
    def proxy_url(self) -> str:
        """Setting ``grok_proxy_url``."""
        return f"{self._stage.issuer}{BASES['proxy']}"

    def consent(self, url: str, *, allow: bool = True) -> str:
        """What a browser is redirected to after a person consented (or not) at this authorize URL."""
        return self._issuer().consent(url, allow=allow)

    def approve(self, user_code: str, *, allow: bool = True) -> bool:
        """A person types a device code. Returns whether it was one."""
        return self.issuer_state.approve(user_code, allow=allow)

    def questions(self, origin: str | None = None) -> list[Received]:
        """The questions to models that were received, at one origin or at both."""
        paths = [path for path, there in QUESTIONS.items() if origin in (None, there)]
        return [received for received in self._stage.requests if received.path in paths]

    def not_there(self, path: str, status: int, message: str) -> Reply:
        """What a path or a method gets that is not served."""
        if path.startswith(BASES["proxy"]) and status == 404:
            return flat(404, None, "Access denied")
        return flat(status, None, "Not Found" if status == 404 else message)

    # Login.

    def _login_routes(self) -> list[Route]:
        return [
            Route("GET", f"{ISSUER}/.well-known/openid-configuration", self._login(lambda i, e: i.discovery())),
            Route("GET", f"{ISSUER}/.well-known/jwks.json", self._login(lambda i, e: i.jwks())),
            Route("GET", f"{ISSUER}/oauth2/authorize", self._login(_authorize)),
            Route("GET", f"{ISSUER}/oauth2/consent", self._login(lambda i, e: i.consent_page(e.query))),
            Route("POST", f"{ISSUER}/oauth2/token", self._login(lambda i, e: i.token(_body(e)))),
            Route("POST", f"{ISSUER}/oauth2/device/code", self._login(lambda i, e: i.device_start(_body(e)))),
            Route("GET", f"{ISSUER}/device", self._login(lambda i, e: i.device_page(e.query))),
        ]

    def _login(self, answer: Callable[[XaiIssuer, Exchange], Reply]) -> Handler:
        async def handler(exchange: Exchange) -> None:
            await send_reply(exchange, answer(self._issuer(), exchange))

        return handler

    def _issuer(self) -> XaiIssuer:
        self.issuer_state.base = self.issuer
        return self.issuer_state

    # The two origins.

    def _api_routes(self) -> list[Route]:
        base = BASES["api"]
        free, costly = self._plain("api"), self._plain("api", costs=True)
        return [
            Route("GET", f"{base}/models", free(lambda a, b, e: self._models(e, "api"))),
            Route(
                "GET", f"{base}/language-models", free(lambda a, b, e: json_reply(200, xai_models.language_models()))
            ),
            Route(
                "GET",
                f"{base}/image-generation-models",
                free(lambda a, b, e: json_reply(200, xai_models.image_models())),
            ),
            Route("GET", f"{base}/me", free(lambda a, b, e: json_reply(200, xai_account.me(a)))),
            Route("POST", f"{base}/responses", self._responses),
            Route(
                "POST",
                f"{base}/responses/compact",
                costly(lambda a, b, e: self._compact(a, b)),
            ),
            Route("POST", f"{base}/tokenize-text", free(lambda a, b, e: xai_native.tokenize(b))),
            Route("POST", f"{base}/images/generations", costly(lambda a, b, e: xai_native.image(b))),
            Route("POST", f"{base}/images/edits", costly(lambda a, b, e: xai_native.image(b, edit=True))),
            Route("POST", f"{base}/tts", self._speech),
            Route("GET", f"{base}/tts", self._speech_socket),
            Route("GET", f"{base}/tts/voices", free(lambda a, b, e: xai_speech.voices())),
            Route("GET", f"{base}/tts/voices/{{voice}}", free(lambda a, b, e: xai_speech.voices(e.params["voice"]))),
        ]

    def _proxy_routes(self) -> list[Route]:
        base, now = BASES["proxy"], self._stage.clock
        free, costly = self._plain("proxy"), self._plain("proxy", costs=True)
        return [
            Route("GET", f"{base}/models", free(lambda a, b, e: self._models(e, "proxy"))),
            Route(
                "GET", f"{base}/user", free(lambda a, b, e: json_reply(200, xai_account.user(a, "include" in e.query)))
            ),
            Route("GET", f"{base}/settings", free(lambda a, b, e: json_reply(200, xai_account.settings(a)))),
            Route("GET", f"{base}/billing", free(lambda a, b, e: json_reply(200, self._billing(e, now())))),
            Route("GET", f"{base}/auto-topup-rule", free(lambda a, b, e: json_reply(200, xai_account.topup_rule()))),
            Route("POST", f"{base}/responses", self._responses),
            Route("POST", f"{base}/images/generations", costly(lambda a, b, e: xai_native.image(b))),
            Route("POST", f"{base}/images/edits", costly(lambda a, b, e: xai_native.image(b, edit=True))),
        ]

    def _plain(self, origin: str, *, costs: bool = False) -> Callable[[Pure], Handler]:
        """Handlers that enter and answer with what a pure function says."""

        def make(answer: Pure) -> Handler:
            async def handler(exchange: Exchange) -> None:
                account = self.enter(exchange, origin, costs=costs)
                body = _json(exchange) if exchange.method == "POST" else {}
                await send_reply(exchange, answer(account, body, exchange))

            return handler

        return make

    def enter(self, exchange: Exchange, origin: str, *, costs: bool = False) -> XaiAccount:
        """Whose request it is, when headers, bearer and scopes are in order, and, where it costs, there is something left.

        Raises:
          Refused: with the answer.
        """
        if origin == "proxy":
            _gate(exchange)
        account, scopes = self.issuer_state.check(exchange.headers.get("authorization"))
        # Told of questions only; whether what tells of the account needs these scopes is not known.
        if origin == "proxy" and costs and not {"conversations:read", "conversations:write"} <= scopes:
            raise Refused(REFUSALS["access_denied"][1])
        if costs and (refusal := self.refusing.get(origin)) is not None:
            raise Refused(REFUSALS[refusal][1])
        return account

    def _models(self, exchange: Exchange, origin: str) -> Reply:
        value, etag = xai_models.listing(origin)
        return json_reply(200, value, *([("etag", etag)] if origin == "proxy" else []))

    def _compact(self, account: XaiAccount, body: Json) -> Reply:
        make, good = (
            partial(self._seal.make, account.principal_id),
            partial(self._seal.good, owner=account.principal_id),
        )
        return xai_native.compact(body, self._stage.clock(), make, good)

    def _billing(self, exchange: Exchange, now: float) -> Json:
        return self.pool.credits(now) if exchange.query.get("format") == "credits" else self.pool.legacy(now)

    async def _speech(self, exchange: Exchange) -> None:
        """A text to speak."""
        async with self._stage.answering(exchange):
            self.enter(exchange, "api", costs=True)
            body = _json(exchange)
            reply = xai_speech.speech(body)
            async with exchange.attended():
                await perform(exchange, xai_speech.spoken(reply, body["text"]), [*reply.headers])

    async def _speech_socket(self, exchange: Exchange) -> None:
        """Texts to speak, on a connection of their own. What the client said is kept as the body, message by message."""
        async with self._stage.answering(exchange) as received:
            self.enter(exchange, "api", costs=True)
            if not wanted(exchange):
                raise Refused(flat(426, None, "Upgrade Required"))
            session = xai_speech.Speech(exchange.query)
            received.body = {"messages": (messages := list[object]())}
            async with websocket(exchange) as socket:
                async for message in socket:
                    messages.append(json.loads(message))
                    await socket.send(*(dumps(frame).decode() for frame in session.feed(message)))
                    if session.over:
                        return

    # Questions.

    async def _responses(self, exchange: Exchange) -> None:
        origin = QUESTIONS[exchange.path]
        async with self._stage.answering(exchange) as received:
            account = self.enter(exchange, origin, costs=True)
            body = _json(exchange)
            model = self._check(exchange, body, origin, account)
            if isinstance(body["input"], str):
                body = {**body, "input": [{"type": "message", "role": "user", "content": body["input"]}]}
            pen, ask = self._ask(exchange, body, model, origin, account)
            if pen.input_tokens > model.context:
                raise Refused(_too_long(model, pen.input_tokens))
            steps = self._stage.choose(ask, received, xai_scenarios.SCENARIOS)
            self.pool.used()
            async with exchange.attended():
                if body.get("stream") is True:
                    await perform(exchange, _framed(steps, origin), self._head(model, origin), self._stage.pace)
                else:
                    await perform_whole(exchange, steps, pen.output, self.pool.headers())

    def _check(self, exchange: Exchange, body: Json, origin: str, account: XaiAccount) -> XaiModel:
        """The model for a question, when everything about it is in order."""
        # The bundled documents of Grok's CLI 1.0.41 say that its origin goes by the header and not by the body.
        name = body.get("model") if origin == "api" else exchange.headers.get("x-grok-model-override")
        demo = str(name).startswith("demo-") or (name is None and origin == "proxy")
        if self._stage.lenient:
            body.setdefault("input", [])
            return next((model for model in xai_models.MODELS if model.id == name), xai_models.DEMO_MODEL)
        xai_strict.check_request(body, origin)
        xai_strict.check_input(body["input"], partial(self._seal.good, owner=account.principal_id))
        xai_strict.check_tools(body)
        model = xai_models.DEMO_MODEL if demo else xai_models.find(name, origin)
        xai_strict.check_limits(body, model, str(name))
        return model

    def _ask(
        self, exchange: Exchange, body: Json, model: XaiModel, origin: str, account: XaiAccount
    ) -> tuple[XaiPen, Ask]:
        key = body.get("prompt_cache_key") or exchange.headers.get("x-grok-conv-id")
        tokens, cached = self._cache.measure({**body, "prompt_cache_key": key})
        served = model.backend if origin == "proxy" and model.backend else model.id
        seal = partial(self._seal.make, account.principal_id)
        pen = XaiPen(
            *(body, served, self._stage.clock(), seal, tokens, cached),
            origin=origin,
            effort=model.default_effort,
        )
        pen.reasoning_text = model.reasoning_text
        prompt, since = brain.last_prompt([item for item in body["input"] if isinstance(item, dict)])
        stage = self._stage
        return pen, Ask(body, prompt, pen, stage.issuer_state.account, stage.quota, stage.clock, since=since)

    def _head(self, model: XaiModel, origin: str) -> list[tuple[str, str]]:
        """The headers of a stream."""
        head = [("content-type", "text/event-stream; charset=utf-8"), *self.pool.headers()]
        if origin == "proxy":
            head += [
                ("x-models-etag", xai_models.listing(origin)[1]),
                ("x-grok-context-window", str(model.context)),
                ("x-grok-max-completion-tokens", "128000"),
            ]
        return head


def _framed(steps: Play, origin: str) -> Play:
    """The steps as an origin sends them: the API ends its streams with ``[DONE]``."""
    for step in steps:
        yield step
        events = step if isinstance(step, list) else [step]
        if origin == "api" and any(isinstance(e, Event) and _kind(e) in TERMINAL for e in events):
            yield DONE


def _kind(event: Event) -> str:
    return event.type or str(event.data.get("type"))


def _too_long(model: XaiModel, tokens: int) -> Reply:
    text = f"This model's maximum prompt length is {model.context} but the request contains {tokens} tokens."
    return flat(400, INVALID, text)


def _gate(exchange: Exchange) -> None:
    """The headers without which the CLI's origin answers nobody (reports of 2026)."""
    if exchange.headers.get("x-xai-token-auth") != CLI_MARK:
        if exchange.method == "POST":
            raise Refused(flat(403, "permission-denied", CHAT_DENIED))
        raise Refused(flat(404, None, "Access denied"))
    version = exchange.headers.get("x-grok-client-version")
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:[-+].*)?", version or "")
    if match is None or tuple(map(int, match.groups())) < OLDEST:
        raise Refused(flat(426, None, OUTDATED.format(version or "none"), ("x-should-retry", "false")))


def _authorize(issuer: XaiIssuer, exchange: Exchange) -> Reply:
    return issuer.authorize(exchange.query, person="text/html" in exchange.headers.get("accept", ""))


def _body(exchange: Exchange) -> Json:
    received: Received = exchange.log["received"]
    if received.body is None:
        raise Refused(json_reply(400, {"error": "invalid_request", "error_description": "The body is not readable."}))
    return received.body


def _json(exchange: Exchange) -> Json:
    received: Received = exchange.log["received"]
    if exchange.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused(flat(415, None, "Expected request with `Content-Type: application/json`"))
    if received.body is None:
        raise unreadable("EOF while parsing a value")
    return received.body
