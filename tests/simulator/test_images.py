"""The simulator's native calls for images: strict in what they take, and as the real ones in what they give."""

import base64

import pytest

from rotom.simulator import IMAGE_EDITS, IMAGES
from rotom.simulator.images import scenario
from rotom.simulator.pictures import SIGNATURE, png_base64
from rotom.simulator.scenarios import listing

BODY = {"prompt": "a red fox", "background": "opaque", "model": "gpt-image-2", "quality": "auto", "size": "auto"}
PICTURE = {"image_url": "data:image/png;base64," + png_base64(8, 8, "x")}


async def post(client, body, path=IMAGES):
    answer = await client.http.post(client.simulator.issuer + path, json=body, headers=client.headers)
    return answer.status_code, answer.json()


async def test_an_image(client):
    status, value = await post(client, BODY)
    assert status == 200
    assert base64.b64decode(value["data"][0]["b64_json"]).startswith(SIGNATURE)
    assert (value["size"], value["quality"], value["background"]) == ("1024x1024", "medium", "opaque")
    assert client.simulator.requests[-1].scenario == "image"


async def test_one_image_and_png_whatever_is_asked_for(client):
    status, value = await post(client, {**BODY, "n": 4, "output_format": "jpeg"})
    assert (status, len(value["data"]), value["output_format"]) == (200, 1, "png")


async def test_an_edit(client):
    status, value = await post(client, {**BODY, "images": [PICTURE, PICTURE], "mask": PICTURE}, IMAGE_EDITS)
    assert status == 200
    assert value["usage"]["input_tokens_details"]["image_tokens"] == 170


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user": "u"}, "Unknown parameter: 'user'"),
        ({"stream": True}, "Unknown parameter: 'stream'"),
        ({"images": [PICTURE]}, "Unknown parameter: 'images'"),
        ({"prompt": ...}, "Missing required parameter: 'prompt'"),
        ({"prompt": ""}, "1 to 32000 characters"),
        ({"prompt": 7}, "expected a string"),
        ({"model": ...}, "Missing required parameter: 'model'"),
        ({"quality": "hd"}, "Invalid value: 'hd'"),
        ({"background": "red"}, "Invalid value: 'red'"),
        ({"output_format": "gif"}, "Invalid value: 'gif'"),
        ({"size": "1000x1000"}, "Invalid size '1000x1000'"),
        ({"size": 7}, "Invalid size '7'"),
        ({"n": 0}, "an integer from 1 to 10"),
    ],
)
async def test_what_is_refused(client, change, words):
    status, value = await post(client, {k: v for k, v in {**BODY, **change}.items() if v is not ...})
    assert status == 400
    assert words in value["error"]["message"]


@pytest.mark.parametrize(
    "images",
    [..., [], "x", [7], [{}], [{"image_url": "x"}], [{"image_url": "data:image/png;base64,!"}], [PICTURE] * 17],
)
async def test_edits_that_are_refused(client, images):
    body = {**BODY, "images": images} if images is not ... else BODY
    status, value = await post(client, body, IMAGE_EDITS)
    assert (status, value["error"]["type"]) == (400, "invalid_request_error")


async def test_who_asks(client):
    client.headers = {}
    assert (await post(client, BODY))[0] == 401


async def test_scenarios_of_images_and_of_questions(client):
    status, value = await post(client, {**BODY, "prompt": "demo:image_blocked"})
    assert (status, value["error"]["code"]) == (400, "moderation_blocked")
    status, value = await post(client, {**BODY, "prompt": "demo:image_other"})
    assert (value["size"], value["quality"]) == ("1254x1254", "low")
    status, value = await post(client, {**BODY, "prompt": "demo:usage_limit"})
    assert (status, value["error"]["type"]) == (429, "usage_limit_reached")
    client.simulator.script("image_none", path=IMAGES)
    assert (await post(client, BODY))[1]["data"] == []
    assert (await post(client, {**BODY, "prompt": "a transparent fox", "background": "transparent"}))[1][
        "background"
    ] == "transparent"


def test_a_person_can_find_them():
    lines = listing().partition("for an image")[2].splitlines()
    assert {line.split()[0] for line in lines if "demo:" in line} == {f"demo:{name}" for name in scenario}


async def test_the_hosted_tool(client, kit):
    def partial(events):
        return [e.data for e in events if e.type == "response.image_generation_call.partial_image"]

    tool = {"type": "image_generation", "partial_images": 3}
    events = await client.ask("draw a fox", tools=[tool], tool_choice={"type": "image_generation"})
    pictures = [one["partial_image_b64"] for one in partial(events)]
    (item,) = [
        e.data["item"]
        for e in events
        if e.type == "response.output_item.done" and e.data["item"]["type"] == "image_generation_call"
    ]
    assert len({*pictures, item["result"]}) == 4
    assert partial(await client.ask("draw a fox", tools=[{"type": "image_generation"}])) == []
    for bad in ({"background": "transparent"}, {"input_fidelity": "high"}, {"partial_images": 4}, {"odd": 1}):
        status, value = await client.ask("draw a fox", tools=[{**tool, **bad}])
        assert (status, bool(value["error"]["message"])) == (400, True)
