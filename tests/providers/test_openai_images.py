"""The Codex service's calls for images: exact requests. What is refused is in tests/dialects/images/test_table.py."""

import json

import pytest

from rotom.config import Config
from rotom.drawing import Drawing
from rotom.problem import Problem
from rotom.providers import Token
from rotom.providers.openai import make
from rotom.providers.openai_images import dress, take
from rotom.providers.openai_models import IMAGES

TOKEN = Token("secret", account_id="acc", extra={"fedramp": True})
PICTURE = {"image_url": "data:image/png;base64,QUJD"}


def test_the_body_of_the_vendors_client():
    body, receipt = take(Drawing({"prompt": "a red fox", "background": "opaque"}), IMAGES[0])
    # Captured of Codex CLI 0.169, 2026-11.
    captured = b'{"prompt":"a red fox","background":"opaque","model":"gpt-image-2","quality":"auto","size":"auto"}'
    out = dress(Config(), body, False, TOKEN)
    assert out.body == captured
    assert len(out.body) == 97
    assert receipt.header() is None
    assert (out.method, out.url) == ("POST", "https://chatgpt.com/backend-api/codex/images/generations")
    headers = dict(out.headers)
    assert headers["authorization"] == "Bearer secret"
    assert headers["chatgpt-account-id"] == "acc"
    assert headers["x-openai-fedramp"] == "true"
    assert headers["content-type"] == "application/json"
    assert headers.keys() >= {"version", "originator", "user-agent", "accept"}
    assert "secret" not in repr(out)


def test_an_edit():
    asked = {"prompt": "x", "images": [PICTURE], "mask": PICTURE, "output_format": "webp", "n": 3, "user": "u"}
    body, receipt = take(Drawing(asked, edit=True, count=3), IMAGES[0])
    assert receipt.header() is None
    out = dress(Config(), body, True, TOKEN)
    assert out.url.endswith("/images/edits")
    assert json.loads(out.body) == {
        "images": [PICTURE],
        "prompt": "x",
        "background": "auto",
        "model": "gpt-image-2",
        "quality": "auto",
        "size": "auto",
        "output_format": "webp",
        "mask": PICTURE,
    }


def test_nothing_but_what_is_known_leaves():
    asked = dict.fromkeys(("user", "safety_identifier", "stream", "seed", "model", "n", "images", "mask"), "secret")
    body, _ = take(Drawing({"prompt": "x", **asked}), IMAGES[0])
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize("size", ["auto", "1024x1024", "1536x864", "3840x1280", "1792x1024", "256x256"])
def test_good_sizes(size):
    body, receipt = take(Drawing({"prompt": "x", "size": size}), IMAGES[0])
    assert body["size"] == ("1024x1024" if size == "256x256" else size)
    assert bool(receipt.mapped) == (size == "256x256")


@pytest.mark.parametrize("size", ["1000x1024", "1024x1000", "3856x2000", "3088x1024", "1024x3088", "99999x99999"])
def test_bad_sizes(size):
    with pytest.raises(Problem) as caught:
        take(Drawing({"prompt": "x", "size": size}), IMAGES[0])
    assert (caught.value.code, caught.value.param) == ("invalid_value", "size")


def test_the_provider_has_them():
    images = make(Config()).images
    assert images is not None
    assert [model.id for model in images.models] == ["gpt-image-2"]
    assert all(model.draws and model.hidden for model in images.models)
    assert images.dress({}, False, TOKEN).url == "https://chatgpt.com/backend-api/codex/images/generations"
