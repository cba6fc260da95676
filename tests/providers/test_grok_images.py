"""Images of xAI: its bodies, and what of a request is not in them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rotom.config import Config
from rotom.drawing import Drawing
from rotom.problem import Kind, Problem
from rotom.providers import Token, grok
from rotom.providers.grok_images import RATIOS, nearest, read, take
from rotom.providers.grok_models import IMAGES

TOKEN = Token("secret", account_id="a")
MODEL, QUALITY = IMAGES[0], IMAGES[2]
URL = "data:image/png;base64,AAAA"


def drawing(edit: bool = False, **body: Any) -> Drawing:
    return Drawing({"prompt": "a cat", **body}, edit=edit)


def test_the_least_request() -> None:
    body, receipt = take(drawing(), MODEL)
    assert body == {
        "model": "grok-imagine-image",
        "prompt": "a cat",
        "n": 1,
        "response_format": "b64_json",
        "aspect_ratio": "auto",
    }
    assert receipt.header() is None


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ("1024x1024", "1:1", "1k"),
        ("1536x1024", "3:2", "1k"),
        ("1024x1536", "2:3", "1k"),
        ("1792x1024", "16:9", "1k"),
        ("1024x1792", "9:16", "1k"),
        ("2048x2048", "1:1", "2k"),
        ("3000x1000", "2:1", "2k"),
    ],
)
def test_a_size_becomes_a_ratio(size: str, ratio: str, resolution: str) -> None:
    body, receipt = take(drawing(size=size), MODEL)
    assert (body["aspect_ratio"], body["resolution"]) == (ratio, resolution)
    assert receipt.mapped == ((f"size:{size}", ratio),)
    assert nearest(*(int(edge) for edge in ratio.split(":"))) == ratio
    assert ratio in RATIOS


def test_what_xai_does_not_have_is_told() -> None:
    asked = {
        "background": "transparent",
        "output_format": "png",
        "style": "vivid",
        "moderation": "low",
        "quality": "high",
    }
    body, receipt = take(replace(drawing(**asked), dropped=("seed",)), MODEL)
    assert body.keys() == take(drawing(), MODEL)[0].keys()
    assert set(receipt.dropped) == {"seed", *asked}
    nothing = {"background": "auto", "output_format": "jpeg", "moderation": "auto", "quality": "auto", "user": "u"}
    assert take(drawing(**nothing), MODEL)[1].header() is None


def test_only_one_model_has_qualities() -> None:
    body, receipt = take(drawing(quality="hd"), QUALITY)
    assert (body["quality"], receipt.mapped) == ("medium", (("quality:hd", "medium"),))
    assert take(drawing(quality="low"), QUALITY)[0]["quality"] == "low"
    assert "quality" not in take(drawing(quality="auto"), QUALITY)[0]


def test_edits() -> None:
    one = {"image_url": URL}
    assert take(drawing(True, images=[one]), MODEL)[0]["image"] == {"url": URL}
    assert take(drawing(True, images=[one, one]), MODEL)[0]["images"] == [{"url": URL}] * 2
    with pytest.raises(Problem, match="edits whole images") as caught:
        take(drawing(True, images=[one], mask=one), MODEL)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, "mask")


@pytest.mark.parametrize(
    ("origin", "base"), [("api", "https://api.x.ai/v1"), ("proxy", "https://cli-chat-proxy.grok.com/v1")]
)
def test_requests(origin: str, base: str) -> None:
    images = grok.make(replace(Config(), grok_origin=origin)).images
    assert images is not None
    sent = images.dress(take(drawing(), MODEL)[0], False, TOKEN)
    assert (sent.method, sent.url) == ("POST", f"{base}/images/generations")
    assert json.loads(sent.body)["prompt"] == "a cat"
    assert ("x-xai-token-auth" in dict(sent.headers)) == (origin == "proxy")
    assert images.dress({}, True, TOKEN).url == f"{base}/images/edits"


def test_answers() -> None:
    answer = {"data": [{"b64_json": "AAAA", "mime_type": "image/jpeg"}], "usage": {"cost_in_usd_ticks": 5}}
    assert read(answer) == {"data": answer["data"], "output_format": "jpeg"}
    tokens = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert read({"data": [], "usage": tokens}) == {"data": [], "usage": tokens}
    assert read({"data": "x"}) == {"data": "x"}
