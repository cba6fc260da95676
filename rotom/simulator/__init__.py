"""The simulator: a stand-in for the providers, for ``rotom serve --demo``, tests and measurements. Each of them is a part
of it: OpenAI's Codex service (codex.py), xAI (xai.py), Sign in with ChatGPT (siwc.py), under the same port.

It is strict: it refuses what the real backend refuses, in the real words, so that a gateway which works against it has a
fair chance to work. And it is scripted: what it does to a question is chosen by tests (`Simulator.script`) or by words in
the prompt (scenarios.py). It is not a model, and knows nothing that the real backend keeps to itself.

Theory of operation: `Simulator` is the stage, on which the parts play: it is the application of rotom's own server, and
keeps what they share (the account and its limits, the queue of scripts, what was received). A part checks a question in its
backend's order; then a scenario makes a generator of steps and `perform` does them one after the other: sleeping, writing,
hanging, cutting. A hang-up of the client cancels that at any point and is noted with its time.

Alone: ``python -m rotom.simulator`` (see __main__.py).
"""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qsl

import trio

from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.server import Limits, Refusal, listen
from rotom.server.drain import Drain
from rotom.server.exchange import Exchange
from rotom.server.routing import Router
from rotom.simulator import images, scenarios
from rotom.simulator.account import Quota
from rotom.simulator.codex import HANDSHAKE, IMAGE_EDITS, IMAGES, RESPONSES, Codex
from rotom.simulator.oauth import Issuer
from rotom.simulator.oauth_claims import Account
from rotom.simulator.perform import perform, send_reply
from rotom.simulator.play import Play, Received, Refused, Reply
from rotom.simulator.scenarios_ask import Ask, Scenario
from rotom.simulator.siwc import QUESTIONS as SIWC_QUESTIONS
from rotom.simulator.siwc import Siwc
from rotom.simulator.xai import QUESTIONS, Xai
from rotom.sse import Event, Json, dumps

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
      codex, xai, siwc: the parts.
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
        self._scripts: dict[str, deque[Script]] = {}
        self._once: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.xai = Xai(self)
        self.codex = Codex(self)
        self.siwc = Siwc(self)
        self._router = Router([*self.codex.routes, *self.xai.routes, *self.siwc.routes])

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

    def note(self, received: Received) -> None:
        """A question on a WebSocket begins, or has ended."""
        if received.ended_at is None:
            self.requests.append(received)
            self._open_streams += 1
        else:
            self._open_streams -= 1
        self._change()

    def scripted(self, path: str) -> bool:
        """Whether something is scripted for the next question there."""
        return bool(self._scripts.get(path))

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

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
        ask = ask or self.codex.asked({}, received.body)
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


__all__ = [
    "HANDSHAKE",
    "IMAGES",
    "IMAGE_EDITS",
    "RESPONSES",
    "Account",
    "Ask",
    "Event",
    "Received",
    "Reply",
    "Simulator",
    "serve",
]
