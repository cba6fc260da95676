"""The batches of Anthropic's own Python SDK against the demonstration."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

pytestmark = pytest.mark.clients


@pytest.fixture
def client(demo: Any) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=demo.base, api_key="rotom", max_retries=0) as made:
        yield made


def request(name: str, text: str = "Reply with the single word OK", **more: Any) -> Any:
    params = {"model": "gpt-5.5", "max_tokens": 100, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": name, "params": params | more}


def ended(client: anthropic.Anthropic, name: str) -> Any:
    for _ in range(300):
        batch = client.messages.batches.retrieve(name)
        if batch.processing_status == "ended":
            return batch
        time.sleep(0.05)
    raise AssertionError(batch)


def test_from_creation_to_deletion(client: anthropic.Anthropic) -> None:
    batches = client.messages.batches
    made = batches.create(requests=[request("good"), request("bad", "demo:http_400_context")])
    assert made.processing_status == "in_progress"
    assert made.request_counts.processing == 2
    assert made.results_url is None
    assert made.rotom["total"] == 2  # type: ignore[attr-defined]
    end = ended(client, made.id)
    assert (end.request_counts.succeeded, end.request_counts.errored) == (1, 1)
    assert end.ended_at is not None
    found = {entry.custom_id: entry.result for entry in batches.results(made.id)}
    good, bad = found["good"], found["bad"]
    assert isinstance(good, anthropic.types.messages.MessageBatchSucceededResult)
    assert [block.text for block in good.message.content if block.type == "text"] == ["OK"]
    assert good.message.usage.output_tokens > 0
    assert isinstance(bad, anthropic.types.messages.MessageBatchErroredResult)
    assert isinstance(bad.error.error, anthropic.types.InvalidRequestError)
    deleted = batches.delete(made.id)
    assert (deleted.id, deleted.type) == (made.id, "message_batch_deleted")
    with pytest.raises(anthropic.NotFoundError):
        batches.retrieve(made.id)


def test_pages_are_followed(client: anthropic.Anthropic) -> None:
    made = [client.messages.batches.create(requests=[request("a")]).id for _ in range(5)]
    page = client.messages.batches.list(limit=2)
    assert page.has_more
    found = [batch.id for batch in page]
    assert [name for name in found if name in made] == made[::-1]
    before = client.messages.batches.list(limit=2, before_id=made[2])
    assert [batch.id for batch in before.data] == [made[4], made[3]]


def test_cancel(client: anthropic.Anthropic) -> None:
    made = client.messages.batches.create(requests=[request(str(n), "demo:long count=20") for n in range(50)])
    canceled = client.messages.batches.cancel(made.id)
    assert canceled.processing_status in ("canceling", "ended")
    assert canceled.cancel_initiated_at is not None
    end = ended(client, made.id)
    assert end.request_counts.canceled >= 45
    assert end.request_counts.canceled + end.request_counts.succeeded == 50
    kinds = [entry.result.type for entry in client.messages.batches.results(made.id)]
    assert kinds.count("canceled") == end.request_counts.canceled


def test_errors_are_the_sdks_own(client: anthropic.Anthropic) -> None:
    batches = client.messages.batches
    for requests, words in (
        ([], "at least 1 item"),
        ([request("a"), request("a")], "requests.1.custom_id"),
        ([request("no spaces")], "requests.0.custom_id"),
        ([request("a", stream=True)], "requests.0.params.stream"),
    ):
        with pytest.raises(anthropic.BadRequestError, match=words):
            batches.create(requests=requests)
    made = batches.create(requests=[request(str(n), "demo:long count=20") for n in range(9)])
    with pytest.raises(anthropic.AnthropicError, match="results_url"):
        batches.results(made.id)
    with pytest.raises(anthropic.BadRequestError, match="has not ended"):
        batches.delete(made.id)
    batches.cancel(made.id)
    for call in (batches.retrieve, batches.delete, batches.cancel):
        with pytest.raises(anthropic.NotFoundError):
            call("msgbatch_nothing")


async def test_the_async_client(demo: Any) -> None:
    async with anthropic.AsyncAnthropic(base_url=demo.base, api_key="rotom") as client:
        made = await client.messages.batches.create(requests=[request("a")])
        assert (await client.messages.batches.retrieve(made.id)).id == made.id
        assert made.id in [batch.id async for batch in await client.messages.batches.list(limit=100)]
