"""xAI's pictures, compaction and tokens, as simulated."""

import base64

import pytest

BODY = {"model": "grok-imagine-image", "prompt": "a fox"}


@pytest.mark.parametrize("origin", ["api", "proxy"])
async def test_pictures(grok, origin):
    wanted = {"n": 2, "aspect_ratio": "3:2", "resolution": "1k", "response_format": "b64_json"}
    made = (await grok.post("/images/generations", {**BODY, **wanted}, origin)).json()
    assert [sorted(one) for one in made["data"]] == [["b64_json", "mime_type"]] * 2
    head = base64.b64decode(made["data"][0]["b64_json"])[16:24]
    assert (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) == (1024, 683)
    assert made["usage"]["cost_in_usd_ticks"] > 0
    assert "created" not in made
    edited = (await grok.post("/images/edits", {**BODY, "image": {"url": "data:image/png;base64,AA=="}}, origin)).json()
    assert edited["data"][0]["url"].startswith("data:image/png")


@pytest.mark.parametrize(
    ("path", "changes", "status", "words"),
    [
        ("generations", {"size": "1024x1024"}, 400, "Argument not supported: size"),
        ("generations", {"style": "vivid"}, 400, "style"),
        ("generations", {"image": {"url": "x"}}, 400, "image"),
        ("generations", {"prompt": ""}, 422, "`prompt`"),
        ("generations", {"model": "grok-4.6"}, 404, "grok-4.6"),
        ("generations", {"n": 11}, 400, "between 1 and 10"),
        ("generations", {"n": "2"}, 400, "between 1 and 10"),
        ("generations", {"aspect_ratio": "1024x1024"}, 400, "aspect_ratio"),
        ("generations", {"resolution": "4k"}, 400, "resolution"),
        ("generations", {"quality": "low"}, 400, "quality"),
        ("generations", {"response_format": "png"}, 400, "response_format"),
        ("generations", {"prompt": "demo:policy"}, 403, "usage guidelines"),
        ("edits", {}, 400, "An image is needed"),
        ("edits", {"images": [{"b64": "x"}]}, 422, "`url`"),
        ("edits", {"images": "x"}, 400, "image"),
    ],
)
async def test_pictures_that_are_refused(grok, path, changes, status, words):
    answer = await grok.post(f"/images/{path}", {**BODY, **changes})
    assert answer.status_code == status
    assert words in answer.json()["error"]


async def test_compaction_gives_an_item_that_may_be_sent_back(grok, kit):
    made = (await grok.post("/responses/compact", {"model": "grok-4.3", "input": [kit.user("hi")]})).json()
    assert made["object"] == "response.compaction"
    assert made["usage"]["dropped_message_count"] == 0
    assert isinstance(await grok.ask(*made["output"], "and now?"), list)
    for changes, status in (
        ({"stream": True}, 400),
        ({"tools": []}, 400),
        ({"input": "hi"}, 422),
        ({"model": "x"}, 404),
    ):
        body = {"model": "grok-4.3", "input": [kit.user("hi")], **changes}
        assert (await grok.post("/responses/compact", body)).status_code == status, changes


async def test_tokens_of_a_text(grok):
    made = (await grok.post("/tokenize-text", {"model": "grok-4.6", "text": "Grüße, world"})).json()["token_ids"]
    assert "".join(one["string_token"] for one in made) == "Grüße, world"
    assert bytes(byte for one in made for byte in one["token_bytes"]).decode() == "Grüße, world"
    assert (await grok.post("/tokenize-text", {"model": "grok-4.6"})).status_code == 422
    assert (await grok.post("/tokenize-text", {"model": "grok-4.6", "text": "", "n": 1})).status_code == 400
