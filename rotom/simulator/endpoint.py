"""A stand-in for somebody's own Responses endpoint: a server on this machine, a vendor's public API, a gateway.

It is what such servers have in common and where they differ from a vendor's service for its own clients: a key instead of
a login or none at all, a list of models, no sequence numbers, no encrypted reasoning, the output in the terminal event,
``[DONE]`` at the end. It says back what it was told, and calls the first tool when it is told to ``call``.

What is not here: strictness about fields; people's servers skip what they do not know.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import trio

from rotom.plain import helpers
from rotom.problem import Problem
from rotom.server import Limits, Refusal, listen
from rotom.server.drain import Drain
from rotom.server.exchange import Exchange
from rotom.server.routing import Route, Router
from rotom.sse import Event, Json, dumps, encode


class Endpoint:
    """The server.

    Arguments:
      key: the API key that it wants; None: none.
      models: the ids of what it serves; None: it lists nothing.

    Attributes:
      asked: the bodies of the questions that were received. reply: (status, body), instead of the next answer.
    """

    def __init__(self, key: str | None = None, models: tuple[str, ...] | None = ("local-model",)) -> None:
        self.key = key
        self.models = models
        self.asked: list[Json] = []
        self.reply: tuple[int, Json] | None = None
        self.port = 0
        self._router = Router(
            [Route("GET", "/v1/models", self._models), Route("POST", "/v1/responses", self._responses)]
        )

    @property
    def base_url(self) -> str:
        """The address for the setting ``endpoints``."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, exchange: Exchange) -> None:
        """Answer one exchange."""
        route, _ = self._router.find(exchange.method, exchange.path)
        body = await exchange.body()
        given = exchange.headers.get("authorization", "")
        if given != ("" if self.key is None else f"Bearer {self.key}"):
            error = {"message": f"Incorrect API key provided: {given[-4:]}", "code": "invalid_api_key"}
            await exchange.json(401, {"error": error})
            return
        exchange.log["body"] = body
        await route.handler(exchange)

    def refusal(self, exchange: Exchange | None, problem: Problem, request_id: str) -> Refusal:
        """Problems of the server."""
        return Refusal(int(problem.kind), [("content-type", "application/json")], dumps({"error": problem.message}))

    def bug(self, exc: Exception, request_id: str) -> None:
        """A bug in here is the test's own failure."""
        raise exc

    def done(self, exchange: Exchange) -> None:
        """Nothing is noted."""

    def refused(self, problem: Problem, request_id: str, peer: str) -> None:
        """Nothing is noted."""

    async def _models(self, exchange: Exchange) -> None:
        if self.models is None:
            await exchange.json(404, {"error": {"message": "Not Found"}})
            return
        data = [{"id": name, "object": "model", "max_model_len": 32768} for name in self.models]
        await exchange.json(200, {"object": "list", "data": data})

    async def _responses(self, exchange: Exchange) -> None:
        body: Json = json.loads(exchange.log["body"])
        self.asked.append(body)
        if self.reply is not None:
            (status, answer), self.reply = self.reply, None
            await exchange.json(status, answer)
            return
        exchange.start(200, [("content-type", "text/event-stream")])
        for event in answered(body):
            await exchange.send(encode([event]))
        await exchange.send(b"data: [DONE]\n\n")
        await exchange.finish()


def answered(body: Json) -> Iterator[Event]:
    """The events of an answer."""
    told = next((item for item in reversed(body["input"]) if item.get("role") == "user"), {"content": ""})
    content = told["content"]
    text = content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)
    response: Json = {
        "id": f"resp_{secrets.token_hex(8)}",
        "object": "response",
        "created_at": 1,
        "model": body["model"],
        "status": "in_progress",
        "output": [],
    }
    yield _event("response.created", response=response)
    if body.get("tools") and "call" in text and body["input"][-1].get("type") != "function_call_output":
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": body["tools"][0]["name"]}
        yield _event("response.output_item.added", output_index=0, item={**item, "arguments": ""})
        yield _event("response.function_call_arguments.delta", output_index=0, item_id="fc_1", delta='{"a":1}')
        item["arguments"] = '{"a":1}'
    else:
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
        yield _event("response.output_item.added", output_index=0, item=item)
        for word in f"You said: {text}".split(" "):
            delta = word if word == "You" else f" {word}"
            yield _event("response.output_text.delta", output_index=0, content_index=0, item_id="msg_1", delta=delta)
        part = {"type": "output_text", "text": f"You said: {text}", "annotations": []}
        item = {**item, "status": "completed", "content": [part]}
    yield _event("response.output_item.done", output_index=0, item=item)
    usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
    yield _event("response.completed", response={**response, "status": "completed", "output": [item], "usage": usage})


def _event(kind: str, **data: object) -> Event:
    return Event(kind, data={"type": kind, **data})


async def serve(endpoint: Endpoint, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve on a port of 127.0.0.1 until cancelled."""
    listeners = await listen.open_listeners([listen.Address("127.0.0.1", 0)])
    endpoint.port = listen.bound(listeners)[0].port
    async with helpers() as nursery:
        await nursery.start(listen.serve, listeners, endpoint, Limits(), Drain(), 0.0)
        task_status.started()
        await trio.sleep_forever()
