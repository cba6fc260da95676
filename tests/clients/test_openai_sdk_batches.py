"""The files and batches of OpenAI's own Python SDK against the demonstration."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import trio

pytestmark = pytest.mark.clients

DAY = 24 * 3600


@pytest.fixture
def client(demo: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{demo.base}/v1", api_key="rotom", max_retries=0) as made:
        yield made


def request(name: str, text: str = "Reply with the single word OK", **more: Any) -> dict[str, Any]:
    body = {"model": "gpt-5.5", "input": text} | more
    return {"custom_id": name, "method": "POST", "url": "/v1/responses", "body": body}


def document(*requests: dict[str, Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in requests).encode()


def upload(client: openai.OpenAI, *requests: dict[str, Any]) -> Any:
    return client.files.create(file=("requests.jsonl", document(*requests)), purpose="batch")


def batch_of(client: openai.OpenAI, *requests: dict[str, Any], **more: Any) -> Any:
    file = upload(client, *requests)
    return client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h", **more)


def over(client: openai.OpenAI, name: str) -> Any:
    for _ in range(300):
        batch = client.batches.retrieve(name)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.05)
    raise AssertionError(batch)


def lines(client: openai.OpenAI, file: str) -> dict[str, Any]:
    found = [json.loads(line) for line in client.files.content(file).text.splitlines()]
    return {line["custom_id"]: line for line in found}


def test_files_from_upload_to_deletion(client: openai.OpenAI) -> None:
    content = document(request("a"))
    made = client.files.create(
        file=("ä requests.jsonl", io.BytesIO(content)),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 7200},
    )
    assert made.id.startswith("file-")
    assert (made.object, made.purpose, made.status) == ("file", "batch", "processed")
    assert (made.filename, made.bytes) == ("ä requests.jsonl", len(content))
    assert made.expires_at is not None
    assert 7199 <= made.expires_at - made.created_at <= 7200
    assert client.files.retrieve(made.id) == made
    assert client.files.wait_for_processing(made.id) == made
    assert client.files.content(made.id).read() == content
    with client.files.with_streaming_response.content(made.id) as response:
        assert b"".join(response.iter_bytes(10)) == content
    assert client.files.list().data[0] == made
    deleted = client.files.delete(made.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (made.id, "file", True)
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match=f"No such File object: {made.id}"):
            call(made.id)
    kept = client.files.create(file=content, purpose="batch")
    assert kept.expires_at is not None
    assert 30 * DAY - 1 <= kept.expires_at - kept.created_at <= 30 * DAY


def test_files_in_pages(client: openai.OpenAI) -> None:
    made = [upload(client, request(str(number))).id for number in range(5)]
    page = client.files.list(limit=2, purpose="batch")
    assert page.has_more
    assert [file.id for file in page if file.id in made] == made[::-1], "pages are followed"
    after = client.files.list(limit=2, order="asc", after=made[1])
    assert [file.id for file in after.data] == made[2:4]
    assert client.files.list(purpose="vision").data == []


def test_a_batch_from_its_file_to_its_results(client: openai.OpenAI) -> None:
    made = batch_of(client, request("good"), request("bad", "demo:http_400_context"), metadata={"of": "a test"})
    assert made.id.startswith("batch_")
    assert (made.object, made.status, made.endpoint) == ("batch", "validating", "/v1/responses")
    assert (made.completion_window, made.metadata) == ("24h", {"of": "a test"})
    assert made.expires_at is not None
    assert made.expires_at - made.created_at == DAY
    assert made.rotom["waits"] == []
    end = over(client, made.id)
    assert (end.status, end.model, end.errors) == ("completed", "gpt-5.5", None)
    assert end.created_at <= end.in_progress_at <= end.finalizing_at <= end.completed_at
    assert (end.failed_at, end.expired_at, end.cancelling_at, end.cancelled_at) == (None, None, None, None)
    assert end.request_counts.model_dump() == {"total": 2, "completed": 1, "failed": 1}
    good, bad = lines(client, end.output_file_id)["good"], lines(client, end.error_file_id)["bad"]
    assert good["id"].startswith("batch_req_")
    assert good["error"] is None
    assert good["response"]["status_code"] == 200
    assert good["response"]["request_id"].startswith("req_")
    answer = openai.types.responses.Response.construct(**good["response"]["body"])
    assert answer.output_text == "OK"
    assert answer.usage is not None
    assert end.usage.total_tokens == answer.usage.total_tokens > 0
    assert end.usage.output_tokens_details.reasoning_tokens == answer.usage.output_tokens_details.reasoning_tokens
    assert bad["response"]["status_code"] == 400
    assert bad["response"]["body"]["error"]["code"] == "context_length_exceeded"
    assert bad["error"] is None
    output = client.files.retrieve(end.output_file_id)
    assert (output.purpose, output.filename) == ("batch_output", f"{made.id}_output.jsonl")
    assert output.bytes == len(client.files.content(output.id).read())
    assert {end.output_file_id, end.error_file_id} <= {file.id for file in client.files.list(purpose="batch_output")}
    client.files.delete(end.output_file_id)
    assert client.batches.retrieve(made.id).output_file_id == end.output_file_id
    with pytest.raises(openai.NotFoundError):
        client.files.content(end.output_file_id)
    assert client.files.content(end.error_file_id).read()


def test_a_batch_of_chat_completions(client: openai.OpenAI) -> None:
    body = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Reply with the single word OK"}]}
    url = "/v1/chat/completions"
    file = upload(client, {"custom_id": "a", "method": "POST", "url": url, "body": body})
    made = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        output_expires_after={"anchor": "created_at", "seconds": 3600},
    )
    end = over(client, made.id)
    assert (end.status, end.endpoint, end.error_file_id) == ("completed", "/v1/chat/completions", None)
    answer = lines(client, end.output_file_id)["a"]["response"]["body"]
    completion = openai.types.chat.ChatCompletion.model_validate(answer)
    assert completion.choices[0].message.content == "OK"
    output = client.files.retrieve(end.output_file_id)
    assert output.expires_at is not None
    assert 3599 <= output.expires_at - output.created_at <= 3600


def test_a_file_that_is_not_good_fails_the_batch_with_its_lines(client: openai.OpenAI) -> None:
    file = client.files.create(
        file=("wrong.jsonl", document(request("a"), request("a")) + b"{\n" + document({"custom_id": "b"})),
        purpose="batch",
    )
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    end = over(client, made.id)
    assert (end.status, end.output_file_id, end.error_file_id) == ("failed", None, None)
    assert end.failed_at is not None
    assert end.errors.object == "list"
    assert [(error.line, error.code, error.param) for error in end.errors.data] == [
        (2, "duplicate_custom_id", "custom_id"),
        (3, "invalid_json_line", None),
        (4, "missing_required_parameter", "method"),
    ]


def test_batches_in_pages(client: openai.OpenAI) -> None:
    made = [batch_of(client, request("a")).id for _ in range(5)]
    page = client.batches.list(limit=2)
    assert page.has_more
    assert [batch.id for batch in page if batch.id in made] == made[::-1]
    assert [batch.id for batch in client.batches.list(limit=2, after=made[3]).data] == [made[2], made[1]]


def test_cancel(client: openai.OpenAI) -> None:
    made = batch_of(client, *(request(str(number), "demo:long count=20") for number in range(50)))
    for _ in range(200):
        if client.batches.retrieve(made.id).status != "validating":
            break
        time.sleep(0.01)
    canceled = client.batches.cancel(made.id)
    assert canceled.status in ("cancelling", "cancelled")
    assert canceled.cancelling_at is not None
    end = over(client, made.id)
    assert end.status == "cancelled"
    assert end.cancelled_at is not None
    assert end.request_counts.failed >= 45
    assert end.request_counts.failed + end.request_counts.completed == 50
    unrun = lines(client, end.error_file_id)
    assert len(unrun) == end.request_counts.failed
    assert {line["error"]["code"] for line in unrun.values()} == {"batch_cancelled"}
    assert client.files.retrieve(end.error_file_id).bytes == len(client.files.content(end.error_file_id).read())
    if end.output_file_id is not None:
        assert len(lines(client, end.output_file_id)) == end.request_counts.completed
    with pytest.raises(openai.ConflictError, match="Cannot cancel a batch with status 'cancelled'"):
        client.batches.cancel(made.id)


def test_errors_are_the_sdks_own(client: openai.OpenAI) -> None:
    create: Any = client.batches.create
    good = {"input_file_id": upload(client, request("a")).id, "endpoint": "/v1/responses", "completion_window": "24h"}
    for wrong, param in (
        ({"input_file_id": "file-nothing"}, "input_file_id"),
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"endpoint": "/v1/messages"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 1}}, "output_expires_after[seconds]"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            create(**good | wrong)
        assert caught.value.param == param
        assert caught.value.type == "invalid_request_error"
    end = over(client, create(**good).id)
    with pytest.raises(openai.BadRequestError, match="purpose"):
        create(**good | {"input_file_id": end.output_file_id})
    for call in (client.batches.retrieve, client.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            call("batch_nothing")
    files: Any = client.files.create
    for purpose in ("assistants", "vision", "nothing"):
        with pytest.raises(openai.BadRequestError) as caught:
            files(file=b"{}", purpose=purpose)
        assert caught.value.param == "purpose"
    with pytest.raises(openai.BadRequestError, match="between 3600"):
        files(file=b"{}", purpose="batch", expires_after={"anchor": "created_at", "seconds": 1})


async def test_the_async_client(demo: Any) -> None:
    async with openai.AsyncOpenAI(base_url=f"{demo.base}/v1", api_key="rotom") as client:
        file = await client.files.create(file=("a.jsonl", document(request("a"))), purpose="batch")
        made = await client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
        for _ in range(300):
            end = await client.batches.retrieve(made.id)
            if end.status == "completed":
                break
            await trio.sleep(0.05)
        assert made.id in [batch.id async for batch in client.batches.list(limit=100)]
        assert file.id in [one.id async for one in client.files.list()]
        assert end.output_file_id is not None
        content = await client.files.content(end.output_file_id)
        assert json.loads(content.text)["custom_id"] == "a"
        assert (await client.files.delete(file.id)).deleted
