"""OpenAI as a part of the simulator: the Codex backend, and the login server in front of it, under one port.

Theory of operation: a question goes through the checks in the backend's order (login, request, input, tools, model), then
the stage chooses a scenario, whose steps are performed. Questions on a WebSocket (sockets.py) go the same way.

What is not here: the login itself (oauth.py), what is refused (strict.py), and other endpoints, which answer 404 as they do
for a program that should live without them.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

from rotom.server.exchange import Exchange
from rotom.server.routing import Route
from rotom.server.websocket import wanted
from rotom.simulator import brain, images, models, scenarios, strict
from rotom.simulator.account import PromptCache, accounts_check
from rotom.simulator.oauth import Issuer
from rotom.simulator.oauth_claims import Account
from rotom.simulator.perform import perform, send_reply
from rotom.simulator.play import Play, Received, Refused, Reply, detail, error, json_reply
from rotom.simulator.scenarios_ask import Ask
from rotom.simulator.seal import Seal
from rotom.simulator.sockets import serve_socket
from rotom.simulator.stream import Pen
from rotom.simulator.strict_images import check_drawing
from rotom.sse import Event, Json

if TYPE_CHECKING:
    from rotom.simulator import Simulator

BACKEND: Final = "/backend-api"
RESPONSES: Final = BACKEND + "/codex/responses"
HANDSHAKE: Final = "GET " + RESPONSES
IMAGES: Final = BACKEND + "/codex/images/generations"
IMAGE_EDITS: Final = BACKEND + "/codex/images/edits"
LITE: Final = "x-openai-internal-codex-responses-lite"
LITE_METADATA: Final = "ws_request_header_x_openai_internal_codex_responses_lite"


class Codex:
    """The backend and its login server.

    Arguments:
      stage: the simulator that it is a part of.
    """

    def __init__(self, stage: Simulator) -> None:
        self._stage = stage
        self._cache = PromptCache()
        self._seal = Seal(stage.clock)
        self.routes = (
            Route("GET", "/", self._front),
            Route("GET", "/oauth/authorize", self._authorize),
            Route("GET", "/oauth/consent", self._consent_page),
            Route("POST", "/oauth/token", self._token),
            Route("POST", "/oauth/revoke", self._revoke),
            Route("GET", "/codex/device", self._device_page),
            Route("POST", "/api/accounts/deviceauth/usercode", self._device_start),
            Route("POST", "/api/accounts/deviceauth/token", self._device_poll),
            Route("GET", f"{BACKEND}/codex/models", self._models),
            Route("GET", f"{BACKEND}/wham/usage", self._usage),
            Route("GET", f"{BACKEND}/wham/accounts/check", self._accounts_check),
            Route("POST", RESPONSES, self._responses),
            Route("POST", IMAGES, self._images),
            Route("POST", IMAGE_EDITS, self._images),
            Route("GET", RESPONSES, self._websocket),
        )

    async def _front(self, exchange: Exchange) -> None:
        page = "<!doctype html><title>rotom simulator</title><p>This is rotom's simulator of a provider.</p>"
        await send_reply(exchange, Reply(200, page.encode(), (("content-type", "text/html; charset=utf-8"),)))

    async def _authorize(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._stage.issuer_state.authorize(exchange.query))

    async def _consent_page(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._stage.issuer_state.consent_page(exchange.query))

    async def _token(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._issuer().token(_fields(exchange)))

    async def _revoke(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._stage.issuer_state.revoke(_fields(exchange)))

    async def _device_page(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._stage.issuer_state.device_page(exchange.query))

    async def _device_start(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._issuer().device_start(_fields(exchange)))

    async def _device_poll(self, exchange: Exchange) -> None:
        await send_reply(exchange, self._issuer().device_poll(_fields(exchange)))

    def _issuer(self) -> Issuer:
        self._stage.issuer_state.base = self._stage.issuer
        return self._stage.issuer_state

    def _account(self, exchange: Exchange) -> Account:
        """Whose request it is, when its headers are in order."""
        account = self._stage.issuer_state.check(exchange.headers.get("authorization"))
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
        await send_reply(exchange, json_reply(200, self._stage.quota.usage(account, self._stage.clock())))

    async def _accounts_check(self, exchange: Exchange) -> None:
        await send_reply(exchange, json_reply(200, accounts_check(self._account(exchange))))

    async def _websocket(self, exchange: Exchange) -> None:
        """Questions to models, on a connection of their own."""
        account = self._account(exchange)
        if not self._stage.websockets or not wanted(exchange):
            raise Refused(error(426, "Upgrade Required", headers=(("upgrade", "websocket"),)))
        if not exchange.headers.get("openai-beta", "").startswith("responses_websockets="):
            # A guess: every client that was seen names the version.
            raise Refused(error(400, "Missing required header: 'OpenAI-Beta'.", "missing_required_parameter"))

        def answer(received: Received, body: Json) -> tuple[Play, list[Event]]:
            if received.body is not None and received.body.get("generate") is False:
                self._check(exchange, body, account)
                received.scenario = "warm_up"
                pen = Pen(body, str(body["model"]), self._stage.clock(), str, 0, 0)
                return iter([*pen.opening(), pen.completed(self._stage.clock())]), []
            steps, model = self._answer(exchange, body, account, received)
            head = {name: text for name, text in self._head(exchange, account, model) if name != "content-type"}
            metadata = Event("", data={"type": "codex.response.metadata", "headers": head})
            return steps, [metadata, Event("", data=self._stage.quota.event(account, self._stage.clock()))]

        head = [("x-models-etag", models.listing(exchange.headers.get("version"))[1])]
        await serve_socket(
            exchange,
            [*head, *self._stage.quota.headers(account, self._stage.clock())],
            answer,
            self._stage.note,
            self._stage.pace,
        )

    async def _images(self, exchange: Exchange) -> None:
        """Images: the scenario that the prompt names, of those for images or of those that refuse a question."""
        account = self._account(exchange)
        body = exchange.log["received"].body
        if body is None or exchange.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refused(detail(400, "Bad Request"))
        if not self._stage.lenient:
            check_drawing(body, exchange.path == IMAGE_EDITS)
        name, options = scenarios.find(body["prompt"]) or ("image", {})
        if account.plan == "free":
            name = "image_not_included"
        exchange.log["received"].scenario = name
        ask = self.asked(options, body)
        self._stage.quota.used()
        async with exchange.attended():
            await perform(exchange, images.play(name, ask) or scenarios.play(name, ask))

    async def _responses(self, exchange: Exchange) -> None:
        """A question to a model."""
        async with self._stage.answering(exchange) as received:
            account = self._account(exchange)
            if received.body is None:
                raise Refused(detail(400, "Bad Request"))
            if exchange.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                raise Refused(detail(415, "Unsupported Media Type"))
            steps, model = self._answer(exchange, received.body, account, received)
            async with exchange.attended():
                await perform(exchange, steps, self._head(exchange, account, model), self._stage.pace)

    def _answer(self, exchange: Exchange, body: Json, account: Account, received: Received) -> tuple[Play, str]:
        """The steps of the answer to a question that is in order, and the model that gives it."""
        model = self._check(exchange, body, account)
        prompt, since = brain.last_prompt([item for item in body["input"] if isinstance(item, dict)])
        tokens, cached = self._cache.measure(body)
        pen = Pen(body, model.slug, self._stage.clock(), partial(self._seal.make, account.account_id), tokens, cached)
        ask = Ask(body, prompt, pen, account, self._stage.quota, self._stage.clock, since=since)
        if tokens > model.max_context and not self._stage.scripted(RESPONSES):
            received.scenario = "failed_context_length_exceeded"
            return scenarios.play(received.scenario, ask), model.slug
        return self._stage.choose(ask, received), model.slug

    def _check(self, exchange: Exchange, body: Json, account: Account) -> models.SimulatedModel:
        """The model for a question, when everything about it is in order."""
        if account.routing != "NO_CONSTRAINT":
            override = exchange.headers.get("x-openai-account-routing-override")
            if override != account.routing:
                raise Refused(detail(403, "This workspace requires x-openai-account-routing-override"))
        if self._stage.lenient:
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
        self._stage.quota.used()
        return [
            ("content-type", "text/event-stream; charset=utf-8"),
            *self._stage.quota.headers(account, self._stage.clock()),
            ("x-models-etag", models.listing(exchange.headers.get("version"))[1]),
            ("openai-model", model),
            ("openai-processing-ms", "120"),
            ("x-reasoning-included", "true"),
            ("x-codex-turn-state", "simulated-turn-state"),
            ("x-oai-request-id", secrets.token_hex(16)),
        ]

    def asked(self, options: dict[str, str], body: Json | None) -> Ask:
        """What is asked without being a question to a model."""
        stage = self._stage
        pen = Pen({}, "none", stage.clock(), self._seal.make, 0, 0)
        body = {"input": [], **(body or {})}
        return Ask(body, "", pen, stage.issuer_state.account, stage.quota, stage.clock, options)


def _fields(exchange: Exchange) -> Json:
    received: Received = exchange.log["received"]
    if received.body is None:
        raise Refused(json_reply(400, {"error": "invalid_request", "error_description": "The body is not readable."}))
    return received.body
