"""The openai package's images against a real server: blocking and async, whole and as a stream, and its errors."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import trio
from openai import AsyncOpenAI, OpenAI

from rotom.simulator.pictures import SIGNATURE, png

pytestmark = pytest.mark.clients

PNG = png(64, 64, "a client's own")
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 60


@pytest.fixture
def client(demo: Any) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{demo.base}/v1", api_key="rotom", max_retries=0, timeout=30) as sdk:
        yield sdk


def image(value: Any) -> bytes:
    data = base64.b64decode(value.b64_json)
    assert data.startswith(SIGNATURE)
    return data


def test_an_image(client: OpenAI) -> None:
    made = client.images.generate(model="gpt-image-2", prompt="a red fox", size="1536x1024", quality="low", user="u")
    (one,) = made.data or ()
    assert image(one)[16:24] == (1536).to_bytes(4, "big") + (1024).to_bytes(4, "big")
    assert (made.size, made.quality, made.output_format, made.background) == ("1536x1024", "low", "png", "opaque")
    assert made.safety_identifier == "u"
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert made.usage.input_tokens_details.image_tokens == 0
    assert made._request_id


def test_several_images_and_the_receipt(client: OpenAI) -> None:
    raw = client.images.with_raw_response.generate(model="dall-e-3", prompt="a fox", n=3, style="vivid")
    assert raw.headers["x-rotom-receipt"] == "dropped=style; mapped=dall-e-3>gpt-image-2"
    assert len(raw.parse().data or ()) == 3


def test_edits_of_one_image_and_of_several_with_a_mask(client: OpenAI) -> None:
    made = client.images.edit(image=io.BytesIO(PNG), prompt="bluer")
    image((made.data or ())[0])
    assert made.usage is not None
    assert made.usage.input_tokens_details.image_tokens == 85
    made = client.images.edit(
        model="gpt-image-2",
        image=[("a.png", PNG, "image/png"), ("b.jpg", JPEG, "image/jpeg")],
        mask=("mask.png", PNG, "image/png"),
        prompt="both",
        n=2,
        size="1024x1536",
        background="transparent",
        input_fidelity="low",
    )
    assert len(made.data or ()) == 2
    assert (made.size, made.background) == ("1024x1536", "transparent")
    assert made.usage is not None
    assert made.usage.input_tokens_details.image_tokens == 2 * 2 * 85


def test_streams(client: OpenAI) -> None:
    with client.images.generate(model="gpt-image-2", prompt="a fox", stream=True, partial_images=2) as stream:
        events = list(stream)
    assert [event.type for event in events] == ["image_generation.completed"]
    image(events[0])
    assert events[0].type == "image_generation.completed"
    assert (events[0].size, events[0].quality, events[0].usage.output_tokens) == ("1024x1024", "medium", 1056)
    with client.images.edit(image=PNG, prompt="bluer", stream=True) as edits:
        edited = list(edits)
    assert [event.type for event in edited] == ["image_edit.completed"]
    image(edited[0])


@pytest.mark.parametrize("stream", [False, True])
def test_errors(client: OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as blocked:
        client.images.generate(prompt="demo:image_blocked", stream=stream)
    assert (blocked.value.code, blocked.value.type) == ("moderation_blocked", "image_generation_user_error")
    with pytest.raises(openai.BadRequestError) as bad:
        client.images.generate(prompt="x", size="1000x1000", stream=stream)
    assert (bad.value.code, bad.value.param) == ("invalid_value", "size")
    with pytest.raises(openai.NotFoundError) as unknown:
        client.images.generate(prompt="x", model="flux", stream=stream)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.RateLimitError) as limited:
        client.images.generate(prompt="demo:usage_limit", stream=stream)
    assert limited.value.code == "usage_limit_reached"
    with pytest.raises(openai.PermissionDeniedError):
        client.images.generate(prompt="demo:image_not_included", stream=stream)
    with pytest.raises(openai.BadRequestError) as text:
        client.images.edit(image=b"no image", prompt="x", stream=stream)
    assert (text.value.code, text.value.param) == ("unsupported_image_media_type", "image")
    with pytest.raises(openai.BadRequestError) as url:
        client.images.generate(prompt="x", response_format="url", stream=stream)
    assert url.value.param == "response_format"


def test_variations_are_gone(client: OpenAI) -> None:
    with (
        pytest.raises(openai.NotFoundError, match="images/edits"),
        pytest.warns(DeprecationWarning, match="deprecated"),
    ):
        client.images.create_variation(image=PNG)


def test_the_tool_of_responses_with_partial_images(client: OpenAI) -> None:
    tool: Any = {"type": "image_generation", "partial_images": 2}
    asked: Any = {"model": "gpt-5.5", "input": "draw a red fox", "tools": [tool], "tool_choice": {"type": tool["type"]}}
    partial, final = [], None
    for event in client.responses.create(**asked, stream=True):
        if event.type == "response.image_generation_call.partial_image":
            assert event.partial_image_index == len(partial)
            partial.append(base64.b64decode(event.partial_image_b64))
        if event.type == "response.completed":
            final = event.response
    assert len(partial) == 2
    assert final is not None
    assert final.status == "completed"
    (call,) = [item for item in final.output if item.type == "image_generation_call"]
    assert base64.b64decode(call.result or "").startswith(SIGNATURE)
    whole = client.responses.create(**asked)
    (same,) = [item for item in whole.output if item.type == "image_generation_call"]
    assert same.result == call.result
    # What came goes back with the next question, as the SDK's users do it.
    back: Any = [*whole.output, {"role": "user", "content": "now say: thanks"}]
    assert client.responses.create(model="gpt-5.5", input=back, tools=[tool]).status == "completed"


def test_what_the_tool_does_not_take_is_told(client: OpenAI) -> None:
    tool: Any = {"type": "image_generation", "background": "transparent"}
    with pytest.raises(openai.BadRequestError, match="Transparent background"):
        client.responses.create(model="gpt-5.5", input="draw a red fox", tools=[tool])


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,!!!!",
        "data:image/png;base64,",
        "data:text/plain;base64,aGk=",
        "data:image/png,abc",
        "nonsense",
    ],
)
def test_broken_images_in_questions_are_refused(client: OpenAI, url: str) -> None:
    content: Any = [{"type": "input_image", "image_url": url, "detail": "auto"}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt-5.5", input=[{"role": "user", "content": content}])
    assert caught.value.param == "input[0].content[0].image_url"


async def test_all_of_it_async(demo: Any) -> None:
    async with AsyncOpenAI(base_url=f"{demo.base}/v1", api_key="rotom", max_retries=0, timeout=30) as sdk:
        made = await sdk.images.generate(prompt="a red fox", n=2)
        assert len(made.data or ()) == 2
        made = await sdk.images.edit(image=[PNG, PNG], prompt="both")
        image((made.data or ())[0])
        stream = await sdk.images.generate(prompt="a fox", stream=True)
        assert [event.type async for event in stream] == ["image_generation.completed"]
        edits = await sdk.images.edit(image=PNG, prompt="bluer", stream=True)
        assert [event.type async for event in edits] == ["image_edit.completed"]
        with pytest.raises(openai.BadRequestError):
            await sdk.images.generate(prompt="demo:image_blocked")
        with trio.move_on_after(0.5) as impatience:
            await sdk.images.generate(prompt="demo:image_slow")
        assert impatience.cancelled_caught
