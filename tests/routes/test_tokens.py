"""Counting tokens over HTTP, and where counts are told otherwise: the opening of a stream, and an overflow."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages import DIALECT
from rotom.problem import Kind, Problem
from rotom.simulator.play import Reply
from rotom.sse import Decoder, Event, encode
from rotom.tokens import estimate

COUNT = "/v1/messages/count_tokens"
ASK = {"model": "gpt-5.5", "max_tokens": 100}


async def counted(house: Any, messages: list[Any], **more: Any) -> tuple[int, str]:
    response = await house.client.post(COUNT, json={"model": "gpt-5.5", "messages": messages, **more})
    assert response.status_code == 200
    return response.json()["input_tokens"], response.headers["x-rotom-count"]


def read_of(usage: Any) -> int:
    """All that was read, as the provider reported it."""
    return int(usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"])


async def test_an_estimate(house: Any) -> None:
    tokens, how = await counted(house, [{"role": "user", "content": "How many tokens are these?"}])
    assert how == "estimated"
    assert 9 <= tokens <= 16
    assert house.simulator.questions() == []


@pytest.mark.parametrize("stream", [True, False])
async def test_a_conversation_that_was_answered_counts_exactly(house: Any, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "Reply with the single word OK"}]
    system = [{"type": "text", "text": "Be good."}]
    body = {**ASK, "messages": messages, "system": system, "stream": stream}
    response = await house.client.post("/v1/messages", json=body)
    if stream:
        frames = Decoder().feed(response.content)
        usage = next(frame.data["usage"] for frame in frames if frame.type == "message_delta")
        text = "".join(f.data["delta"].get("text", "") for f in frames if f.type == "content_block_delta")
        begun = next(frame.data["message"]["usage"] for frame in frames if frame.type == "message_start")
        assert 5 < begun["input_tokens"] < 40
    else:
        usage = response.json()["usage"]
        text = response.json()["content"][0]["text"]
    tokens = read_of(usage)
    assert await counted(house, messages, system=system) == (tokens, "exact")
    messages.append({"role": "assistant", "content": text})
    said = usage["output_tokens"] - usage.get("output_tokens_details", {}).get("thinking_tokens", 0)
    assert await counted(house, messages, system=system) == (tokens + said, "exact")
    messages.append({"role": "user", "content": "And now another one"})
    more, how = await counted(house, messages, system=system)
    assert how == "learned"
    assert tokens + said + 5 < more < tokens + said + 20
    answer = await house.client.post("/v1/messages", json={**body, "stream": False})
    assert await counted(house, messages, system=system) == (read_of(answer.json()["usage"]), "exact")


async def test_the_opening_of_a_stream_tells_what_is_known(house: Any) -> None:
    first = Decoder().feed((await house.ask("hello", stream=True)).content)
    again = Decoder().feed((await house.ask("hello", stream=True)).content)
    usage = next(frame.data["usage"] for frame in first if frame.type == "message_delta")
    assert again[0].data["message"]["usage"]["input_tokens"] == read_of(usage)


async def test_a_large_request_does_not_wait_for_its_count(house: Any) -> None:
    frames = Decoder().feed((await house.ask("word " * 40_000, stream=True)).content)
    assert frames[0].data["message"]["usage"]["input_tokens"] == 0
    tokens, how = await counted(house, [{"role": "user", "content": "word " * 80_000}])
    assert tokens > 50_000
    assert how == "learned"


async def test_a_model_that_nobody_has_is_counted_too(house: Any) -> None:
    tokens, how = await counted(house, [{"role": "user", "content": "hello"}], model="nobody-has-this")
    assert how == "estimated"
    assert tokens < 20


async def test_it_needs_no_login(build: Any) -> None:
    async with build(login=False) as house:
        assert (await counted(house, [{"role": "user", "content": "hello"}]))[1] == "estimated"


async def test_a_body_that_cannot_be_counted(house: Any) -> None:
    response = await house.client.post(COUNT, json={"model": "gpt-5.5"})
    assert response.status_code == 400
    assert response.json()["type"] == "error"
    assert "x-rotom-count" not in response.headers


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("scenario", ["http_400_context", "failed_context_length_exceeded"])
async def test_an_overflow_tells_both_numbers(house: Any, scenario: str, stream: bool) -> None:
    """Claude Code reads them and cuts as much as it must."""
    response = await house.ask(f"demo:{scenario}", stream=stream)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "prompt is too long: 272001 tokens > 272000 maximum"


async def test_an_overflow_of_what_was_counted(house: Any) -> None:
    text = "demo:http_400_context " + "word " * 500_000
    response = await house.ask(text)
    message = response.json()["error"]["message"]
    tokens = int(message.removeprefix("prompt is too long: ").split()[0])
    assert tokens == estimate({"input": [{"role": "user", "content": text}]}) > 300_000


async def test_numbers_of_the_provider_stay(house: Any) -> None:
    said = "This model's maximum context length is 1000 tokens. However, your messages resulted in 2000 tokens."
    error = {"error": {"message": said, "code": "context_length_exceeded", "type": "invalid_request_error"}}
    house.simulator.script(Reply(400, Event("", data=error).raw, (("content-type", "application/json"),)))
    response = await house.ask("hello")
    assert response.json()["error"]["message"] == "prompt is too long: 2000 tokens > 1000 maximum"


async def test_an_overflow_after_content(house: Any) -> None:
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "m", "delta": "hi"}
    error = {"code": "context_length_exceeded", "message": "Your input exceeds the context window of this model."}
    events = [
        Event("response.output_text.delta", data=delta),
        Event("response.failed", data={"type": "response.failed", "response": {"status": "failed", "error": error}}),
    ]
    house.simulator.script(Reply(200, encode(events), (("content-type", "text/event-stream"),)))
    frames = Decoder().feed((await house.ask("hello", stream=True)).content)
    assert frames[-1].data["error"]["message"] == "prompt is too long: 272001 tokens > 272000 maximum"


async def test_other_problems_have_no_limit(house: Any) -> None:
    house.simulator.script("http_403")
    turn = DIALECT.read({**ASK, "messages": [{"role": "user", "content": "hello"}]}, {})
    plan = await house.gateway.plan(turn)
    with pytest.raises(Problem) as caught:
        async with house.gateway.run(plan):
            pass
    assert caught.value.kind is Kind.FORBIDDEN
    assert caught.value.limit is None


async def test_a_large_body_is_counted_beside_the_loop(house: Any) -> None:
    body = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "x" * (5 << 20)}]}
    response = await house.client.post("/v1/messages/count_tokens", json=body)
    assert response.json()["input_tokens"] > 1_000_000
