"""Images through the whole of rotom: the application on a socket, the gateway, and the strict simulator."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
import trio

from rotom.dialects.images import pictures
from rotom.simulator import IMAGE_EDITS, IMAGES
from rotom.simulator.pictures import SIGNATURE, png, png_base64
from rotom.simulator.play import At, Play, Reply
from rotom.simulator.scenarios_ask import Ask
from rotom.sse import Decoder
from rotom.tokens.media import image_size

MAKE, EDIT = "/v1/images/generations", "/v1/images/edits"
PNG = png(64, 64, "a client's own")
PNG_URL = "data:image/png;base64," + png_base64(64, 64, "a client's own")
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 60
WEBP = b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 60


async def make(house: Any, prompt: str = "a red fox", **more: Any) -> httpx.Response:
    return await house.client.post(MAKE, json={"prompt": prompt, **more})


def sent(house: Any, path: str = IMAGES) -> list[Any]:
    """The bodies that reached the provider."""
    return [received.body for received in house.simulator.requests if received.path == path]


def error(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()["error"]
    assert set(found) >= {"message", "type", "param", "code"}
    return found


# Generations ------------------------------------------------------------------------------------------------------------


async def test_an_image(house: Any) -> None:
    response = await make(house, model="gpt-image-2", size="1536x1024", quality="high", user="u1")
    assert response.status_code == 200, response.text
    assert "x-rotom-receipt" not in response.headers
    body = response.json()
    assert image_size("data:image/png;base64," + body["data"][0]["b64_json"]) == (1536, 1024)
    assert (body["size"], body["quality"], body["output_format"], body["background"]) == (
        *("1536x1024", "high", "png"),
        "opaque",
    )
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + body["usage"]["output_tokens"]
    assert isinstance(body["created"], int)
    assert body["safety_identifier"] == "u1"
    assert sent(house) == [
        {"prompt": "a red fox", "background": "auto", "model": "gpt-image-2", "quality": "high", "size": "1536x1024"}
    ]
    received = house.simulator.requests[-1]
    assert received.headers["chatgpt-account-id"] == "11111111-2222-4333-8444-555555555555"
    assert received.headers["originator"] == "rotom"
    line = await house.logged(MAKE)
    assert (line["dialect"], line["provider"], line["model"]) == ("images", "openai", "gpt-image-2")
    assert line["output"] == body["usage"]["output_tokens"]
    assert house.gateway.limits["openai"].windows


async def test_several_images_are_as_many_calls(house: Any) -> None:
    response = await make(house, n=5)
    body = response.json()
    assert len(body["data"]) == 5
    assert body["usage"]["output_tokens"] == 5 * 1056
    assert [received["prompt"] for received in sent(house)] == ["a red fox"] * 5
    assert all("n" not in received for received in sent(house))


async def test_calls_side_by_side_and_within_the_places(build: Any, quick_clock: Any) -> None:
    running, most = 0, 0

    def counting(ask: Ask) -> Play:
        nonlocal running, most
        running += 1
        most = max(most, running)
        yield At(0)
        yield At(1)
        running -= 1
        yield from slow(ask)

    def slow(ask: Ask) -> Play:
        yield Reply(200, json.dumps({"data": [{"b64_json": "QQ=="}]}).encode())

    async with build() as house:
        house.simulator.script(*[counting] * 10, path=IMAGES)
        assert len((await make(house, n=10)).json()["data"]) == 10
    assert most == 4
    most = 0
    async with build(provider_concurrency="2") as house:
        house.simulator.script(*[counting] * 4, path=IMAGES)
        assert len((await make(house, n=4)).json()["data"]) == 4
    assert most == 2


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"model": "dall-e-3"}, "mapped=dall-e-3>gpt-image-2"),
        ({"model": "gpt-image-2.5-flare"}, "mapped=gpt-image-2.5-flare>gpt-image-2"),
        ({"quality": "hd", "size": "256x256"}, "mapped=quality:hd>high,size:256x256>1024x1024"),
        ({"style": "vivid", "seed": 7, "moderation": "low"}, "dropped=seed,moderation,style"),
        (
            {"output_format": "webp", "output_compression": 50},
            "dropped=output_compression; mapped=output_format:webp>png",
        ),
        ({"moderation": "auto", "output_compression": 100, "response_format": "b64_json", "n": None}, None),
        ({"partial_images": 2, "safety_identifier": "x"}, None),
    ],
)
async def test_what_is_not_honoured_is_told(house: Any, asked: dict[str, Any], told: str | None) -> None:
    response = await make(house, **asked)
    assert response.status_code == 200, response.text
    assert response.headers.get("x-rotom-receipt") == told or _words(response) == _split(told or "")


def _split(told: str) -> set[str]:
    return {f"{part.split('=')[0]}={word}" for part in told.split("; ") for word in part.partition("=")[2].split(",")}


def _words(response: httpx.Response) -> set[str]:
    return _split(response.headers["x-rotom-receipt"])


async def test_what_is_drawn_otherwise_is_told(house: Any) -> None:
    response = await make(house, "demo:image_other", size="1536x1024", quality="high", n=2)
    assert response.headers["x-rotom-receipt"] == "mapped=size:1536x1024>1254x1254,quality:high>low" or _words(
        response
    ) == {"mapped=size:1536x1024>1254x1254", "mapped=quality:high>low"}
    assert (response.json()["size"], response.json()["quality"]) == ("1254x1254", "low")
    response = await make(house, "demo:image_other")
    assert "x-rotom-receipt" not in response.headers


async def test_strict_refuses_what_would_be_dropped(build: Any) -> None:
    async with build(strict="yes") as house:
        found = error(await make(house, style="vivid"), 400)
        assert (found["code"], found["param"]) == ("not_honoured", "style")
        assert (await make(house, size="1024x1024")).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "prompt"),
        ({"prompt": None}, "missing_required_parameter", "prompt"),
        ({"prompt": ""}, "empty_string", "prompt"),
        ({"prompt": 7}, "invalid_type", "prompt"),
        ({"prompt": "x", "n": 0}, "integer_below_min_value", "n"),
        ({"prompt": "x", "n": 11}, "integer_above_max_value", "n"),
        ({"prompt": "x", "n": "2"}, "invalid_type", "n"),
        ({"prompt": "x", "n": True}, "invalid_type", "n"),
        ({"prompt": "x", "n": 10**400}, "integer_above_max_value", "n"),
        ({"prompt": "x", "size": "big"}, "invalid_value", "size"),
        ({"prompt": "x", "size": "1000x1000"}, "invalid_value", "size"),
        ({"prompt": "x", "size": "1024x4096"}, "invalid_value", "size"),
        ({"prompt": "x", "size": "4096x2048"}, "invalid_value", "size"),
        ({"prompt": "x", "quality": "best"}, "invalid_value", "quality"),
        ({"prompt": "x", "background": []}, "invalid_type", "background"),
        ({"prompt": "x", "background": "transparent", "output_format": "jpeg"}, "invalid_value", "background"),
        ({"prompt": "x", "output_format": "bmp"}, "invalid_value", "output_format"),
        ({"prompt": "x", "output_format": "gif"}, "unsupported_value", "output_format"),
        ({"prompt": "x", "svg": {"model": "m"}}, "unsupported_parameter", "svg"),
        ({"prompt": "x", "response_format": "url"}, "unsupported_value", "response_format"),
        ({"prompt": "x", "stream": "yes"}, "invalid_type", "stream"),
        ({"prompt": "x", "partial_images": 4, "stream": True}, "integer_above_max_value", "partial_images"),
        ({"prompt": "x", "model": "gpt-5.5"}, "model_not_found", "model"),
        ({"prompt": "x", "model": "claude-sonnet-5"}, "model_not_found", "model"),
        ({"prompt": "x", "model": 5}, "invalid_type", "model"),
        ({"prompt": "x" * 40_000}, "invalid_value", "prompt"),
    ],
)
async def test_bad_input_is_refused_by_name(house: Any, body: dict[str, Any], code: str, param: str) -> None:
    found = error(await house.client.post(MAKE, json=body), 404 if code == "model_not_found" else 400)
    assert (found["code"], found["param"], found["type"]) == (code, param, "invalid_request_error")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"prompt": NaN}', b"[" * 100_000])
async def test_a_body_that_is_no_json(house: Any, raw: bytes) -> None:
    for path in (MAKE, EDIT):
        response = await house.client.post(path, content=raw, headers={"content-type": "application/json"})
        assert error(response, 400)["code"] == "invalid_json"


async def test_other_types_of_bodies_and_other_methods(house: Any) -> None:
    assert error(await house.client.post(MAKE, files={"image": PNG}), 415)["code"] == "unsupported_media_type"
    assert error(await house.client.post(EDIT, data={"prompt": "x"}), 415)["code"] == "unsupported_media_type"
    assert (await house.client.get(MAKE)).status_code == 405
    found = error(await house.client.post("/v1/images/variations", files={"image": PNG}), 404)
    assert "/v1/images/edits" in found["message"]


async def test_without_a_login(build: Any) -> None:
    async with build(login=False) as house:
        assert error(await make(house), 401)["code"] == "not_logged_in"


# What the provider does -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "status", "code"),
    [
        ("image_blocked", 400, "moderation_blocked"),
        ("image_unreadable", 400, "invalid_image_file"),
        ("image_not_included", 403, "usage_not_included"),
        ("usage_limit", 429, "usage_limit_reached"),
        ("cloudflare", 502, "cloudflare"),
        ("http_400", 400, None),
        ("http_500", 502, "server_error"),
        ("image_none", 502, "no_image"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_refusals_keep_their_words_and_are_not_repeated(
    house: Any, scenario: str, status: int, code: str | None, stream: bool
) -> None:
    response = await make(house, f"demo:{scenario}", stream=stream)
    assert error(response, status)["code"] == code
    assert len(sent(house)) == 1
    if scenario == "image_blocked":
        assert "safety system" in response.json()["error"]["message"]


async def test_a_call_that_surely_drew_nothing_is_repeated(house: Any, quick_clock: Any) -> None:
    house.simulator.script("overloaded", ("rate_limited", {"retry_after": "1"}), path=IMAGES)
    assert (await make(house)).status_code == 200
    assert len(sent(house)) == 3


async def test_not_when_the_client_repeats_by_itself(house: Any) -> None:
    house.simulator.script("overloaded", path=IMAGES)
    headers = {"x-stainless-retry-count": "1"}
    response = await house.client.post(MAKE, json={"prompt": "x"}, headers=headers)
    assert error(response, 503)["code"] == "server_is_overloaded"
    assert len(sent(house)) == 1


@pytest.mark.parametrize("scenario", ["cut_at_once", "eof_at_once"])
async def test_a_call_that_may_have_drawn_is_not_repeated(house: Any, scenario: str) -> None:
    house.simulator.script(scenario, path=IMAGES)
    assert (await make(house)).status_code == 502
    assert len(sent(house)) == 1


async def test_a_token_that_is_refused_is_renewed_once(house: Any) -> None:
    house.simulator.script("http_401", path=IMAGES)
    assert (await make(house)).status_code == 200
    house.simulator.script("http_401", "http_401", path=IMAGES)
    assert error(await make(house), 401)["code"] == "login_over"


async def test_one_that_fails_fails_all(house: Any) -> None:
    house.simulator.script("image", "image_blocked", "image_slow", path=IMAGES)
    with trio.fail_after(5):
        assert error(await make(house, n=3), 400)["code"] == "moderation_blocked"


async def test_the_time_to_draw_is_the_limit_for_the_first_byte(build: Any, quick_clock: Any) -> None:
    async with build(first_byte_timeout="60") as house:
        assert (await make(house, "demo:image_slow seconds=50")).status_code == 200
        response = await make(house, "demo:image_slow seconds=70")
        assert error(response, 504)["code"] == "timeout"
        assert response.headers["x-should-retry"] == "false"
        assert len(sent(house)) == 2


async def test_who_hangs_up_stops_the_provider(house: Any) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(make, house, "demo:image_slow")
        received = await house.simulator.received(1, IMAGES)
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        while not received.gone:
            await trio.lowlevel.checkpoint()
    assert house.gateway.places["openai"].busy == 0


async def test_a_plan_without_images(build: Any) -> None:
    async with build() as house:
        state = house.simulator.issuer_state
        state.account = type(state.account)(plan="free")
        await house.log_in()
        assert error(await make(house), 403)["code"] == "usage_not_included"


# Streams ----------------------------------------------------------------------------------------------------------------


async def test_a_stream_is_an_event_for_each_image(house: Any) -> None:
    response = await make(house, stream=True, partial_images=2, n=2, quality="low", safety_identifier="s")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = Decoder().feed(response.content)
    assert [event.type for event in events] == ["image_generation.completed"] * 2
    for event in events:
        assert event.data["type"] == event.type
        assert base64.b64decode(event.data["b64_json"]).startswith(SIGNATURE)
        assert {name: event.data[name] for name in ("background", "output_format", "quality", "size")} == {
            "background": "opaque",
            "output_format": "png",
            "quality": "low",
            "size": "1024x1024",
        }
        assert event.data["usage"]["output_tokens"] == 272
        assert event.data["safety_identifier"] == "s"


async def test_a_silence_is_filled_with_comments(build: Any, quick_clock: Any) -> None:
    async with build(ping_interval="10") as house:
        response = await make(house, "demo:image_slow seconds=35", stream=True)
        assert response.content.count(b": keep-alive\n\n") == 3
        assert [event.type for event in Decoder().feed(response.content)] == ["image_generation.completed"]


async def test_an_error_in_a_stream_that_has_begun(build: Any, quick_clock: Any) -> None:
    def late(ask: Ask) -> Play:
        yield At(0)
        yield At(15)
        yield Reply(500, b'{"error":{"message":"broken","code":"server_error"}}')

    async with build(ping_interval="10") as house:
        house.simulator.script(late, path=IMAGES)
        response = await make(house, stream=True)
        (event,) = Decoder().feed(response.content)
        assert event.type == event.data["type"] == "error"
        assert event.data["error"]["code"] == "server_error"
        assert (await house.logged(MAKE))["code"] == "server_error"


# Edits ------------------------------------------------------------------------------------------------------------------


async def test_an_edit_as_json(house: Any) -> None:
    body = {"prompt": "make it blue", "images": [{"image_url": PNG_URL}], "mask": {"image_url": PNG_URL}}
    response = await house.client.post(EDIT, json={**body, "background": "transparent"})
    assert response.status_code == 200, response.text
    assert response.json()["background"] == "transparent"
    (received,) = sent(house, IMAGE_EDITS)
    assert received == {
        "images": [{"image_url": PNG_URL}],
        "prompt": "make it blue",
        "background": "transparent",
        "model": "gpt-image-2",
        "quality": "auto",
        "size": "auto",
        "mask": {"image_url": PNG_URL},
    }


async def test_an_edit_as_a_form(house: Any) -> None:
    files = [
        ("image[]", ("a.png", PNG, "image/png")),
        ("image[]", ("b.jpg", JPEG, "application/octet-stream")),
        ("image[]", ("c", WEBP, "image/webp")),
        ("mask", ("m.png", PNG, "image/png")),
    ]
    data = {"prompt": "both", "n": "2", "size": "1024x1536", "quality": "", "model": "gpt-image-1.5"}
    response = await house.client.post(EDIT, data=data, files=files)
    assert response.status_code == 200, response.text
    assert response.headers["x-rotom-receipt"] == "mapped=gpt-image-1.5>gpt-image-2"
    assert len(response.json()["data"]) == 2
    received, _ = sent(house, IMAGE_EDITS)
    kinds = [image["image_url"].partition(";")[0] for image in received["images"]]
    assert kinds == ["data:image/png", "data:image/jpeg", "data:image/webp"]
    assert received["images"][0] == received["mask"] == {"image_url": PNG_URL}
    assert (received["size"], received["quality"]) == ("1024x1536", "auto")


async def test_an_edit_as_a_stream(house: Any) -> None:
    response = await house.client.post(EDIT, data={"prompt": "x", "stream": "true"}, files={"image": ("a.png", PNG)})
    (event,) = Decoder().feed(response.content)
    assert event.type == event.data["type"] == "image_edit.completed"
    assert event.data["usage"]["input_tokens_details"]["image_tokens"] == 85


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"images": [{"image_url": PNG_URL}]}, "missing_required_parameter", "prompt"),
        ({"prompt": "x"}, "missing_required_parameter", "image"),
        ({"prompt": "x", "images": []}, "empty_array", "images"),
        ({"prompt": "x", "images": [{"image_url": PNG_URL}] * 17}, "array_above_max_length", "images"),
        ({"prompt": "x", "images": "x"}, "invalid_type", "images"),
        ({"prompt": "x", "images": [7]}, "invalid_type", "images[0]"),
        ({"prompt": "x", "images": [{}]}, "missing_required_parameter", "images[0].image_url"),
        ({"prompt": "x", "images": [{"file_id": "f"}]}, "unsupported_parameter", "images[0].file_id"),
        ({"prompt": "x", "images": [{"image_url": "ftp://x"}]}, "invalid_image_url", "images[0].image_url"),
        ({"prompt": "x", "images": [{"image_url": "data:image/png,abc"}]}, "invalid_image_url", "images[0].image_url"),
        (
            {"prompt": "x", "image": "data:image/png;base64,!!!!"},
            "invalid_base64_image",
            "images[0].image_url",
        ),
        ({"prompt": "x", "image": PNG_URL[:-3]}, "invalid_base64_image", "images[0].image_url"),
        ({"prompt": "x", "image": "data:image/png;base64,"}, "empty_image_file", "images[0].image_url"),
        (
            {"prompt": "x", "image": ["data:image/gif;base64,R0lGODlh"]},
            "unsupported_image_media_type",
            "images[0].image_url",
        ),
        (
            {"prompt": "x", "image": PNG_URL, "mask": "data:image/jpeg;base64,/9j/4AAA"},
            "unsupported_image_media_type",
            "mask.image_url",
        ),
        ({"prompt": "x", "image": PNG_URL, "markup": PNG_URL}, "unsupported_parameter", "markup"),
    ],
)
async def test_bad_edits_are_refused_by_name(house: Any, body: dict[str, Any], code: str, param: str) -> None:
    found = error(await house.client.post(EDIT, json=body), 400)
    assert (found["code"], found["param"]) == (code, param)
    assert sent(house, IMAGE_EDITS) == []


@pytest.mark.parametrize(
    ("data", "files", "code", "param"),
    [
        ({"prompt": "x"}, {"other": b"x"}, "missing_required_parameter", "image"),
        ({}, {"image": PNG}, "missing_required_parameter", "prompt"),
        ({"prompt": ""}, {"image": PNG}, "empty_string", "prompt"),
        ({"prompt": "x"}, {"image": b"plain"}, "unsupported_image_media_type", "image"),
        ({"prompt": "x"}, {"image": b""}, "empty_image_file", "image"),
        ({"prompt": "x"}, {"image": PNG, "mask": JPEG}, "unsupported_image_media_type", "mask"),
        ({"prompt": "x", "n": "two"}, {"image": PNG}, "invalid_type", "n"),
        ({"prompt": "x", "stream": "maybe"}, {"image": PNG}, "invalid_type", "stream"),
        ({"prompt": ["x", "y"]}, {"image": PNG}, "duplicate_parameter", "prompt"),
        ({"prompt": "x", "svg[model]": "m"}, {"image": PNG}, "unsupported_parameter", "svg"),
        ({"prompt": "x"}, {"image": PNG, "markup": PNG}, "unsupported_parameter", "markup"),
    ],
)
async def test_bad_forms_are_refused_by_name(
    house: Any, data: dict[str, Any], files: dict[str, bytes], code: str, param: str
) -> None:
    found = error(await house.client.post(EDIT, data=data, files=files), 400)
    assert (found["code"], found["param"]) == (code, param)


async def test_a_broken_form(house: Any) -> None:
    for content in (b"", b"--x\r\n", b"{}"):
        headers = {"content-type": "multipart/form-data; boundary=x"}
        found = error(await house.client.post(EDIT, content=content, headers=headers), 400)
        assert found["code"] == "invalid_multipart"


async def test_a_large_image_passes_and_one_that_is_too_large_does_not(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = PNG + bytes(20 << 20)
    response = await house.client.post(EDIT, data={"prompt": "x"}, files={"image": large})
    assert response.status_code == 200, response.text
    (received,) = sent(house, IMAGE_EDITS)
    assert base64.b64decode(received["images"][0]["image_url"].partition(",")[2]) == large
    monkeypatch.setattr(pictures, "MOST_BYTES", 1 << 20)
    response = await house.client.post(EDIT, data={"prompt": "x"}, files={"image": PNG + bytes(1 << 20)})
    assert error(response, 400)["code"] == "image_file_too_large"
    response = await house.client.post(EDIT, data={"prompt": "x"}, files={"image": PNG + bytes(65 << 20)})
    assert error(response, 413)["code"] == "request_too_large"


async def test_a_page_cannot_send_a_form(house: Any) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    response = await house.client.post(EDIT, data={"prompt": "x"}, files={"image": PNG}, headers=headers)
    assert error(response, 403)["code"] == "origin_not_allowed"
    assert sent(house, IMAGE_EDITS) == []


# Names ------------------------------------------------------------------------------------------------------------------


async def test_models_for_images_have_names_and_are_not_listed(house: Any) -> None:
    listed = [model["id"] for model in (await house.client.get("/v1/models")).json()["data"]]
    assert listed
    assert not any("image" in name for name in listed)
    assert (await house.client.get("/v1/models/gpt-image-2")).json()["id"] == "gpt-image-2"


async def test_models_for_images_answer_no_questions(house: Any) -> None:
    found = error(await house.ask("hi", path="/v1/responses", model="gpt-image-2"), 400)
    assert (found["code"], found["param"]) == ("model_not_supported", "model")
    assert "/v1/images/generations" in found["message"]


async def test_an_alias_may_mean_a_model_for_images(build: Any) -> None:
    async with build(model_aliases="flux-*=gpt-image-2") as house:
        response = await make(house, model="flux-pro")
        assert response.headers["x-rotom-receipt"] == "mapped=flux-pro>gpt-image-2"
