"""xAI's text to speech: what is sent, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rotom.problem import Kind, Problem
from rotom.providers import Token
from rotom.providers.grok_speech import speech

TOKEN = Token("secret-access")
SPEECH = speech("https://api.x.ai/v1/", lambda token: (("authorization", f"Bearer {token.access}"),))
WHOLE = {
    "text": "Hello",
    "language": "en",
    "voice_id": "eve",
    "output_format": {"codec": "mp3", "sample_rate": 24000, "bit_rate": 128000},
    "speed": 1.1,
    "replace": {"nginx": "engine x"},
    "text_normalization": True,
    "optimize_streaming_latency": 1,
    "with_timestamps": False,
}


def test_what_is_known_goes_as_it_is() -> None:
    outgoing = SPEECH.say(WHOLE, TOKEN)
    assert (outgoing.method, outgoing.url) == ("POST", "https://api.x.ai/v1/tts")
    assert json.loads(outgoing.body) == WHOLE
    assert dict(outgoing.headers)["authorization"] == "Bearer secret-access"
    assert "secret" not in repr(outgoing)
    assert json.loads(SPEECH.say({**WHOLE, "speed": None}, TOKEN).body).keys() == WHOLE.keys() - {"speed"}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"text": None}, "text"),
        ({"text": "  "}, "text"),
        ({"text": ["Hello"]}, "text"),
        ({"model": "tts-1"}, "model"),
        ({"x" * 5000: 1}, "x" * 100),
        ({"output_format": "mp3"}, "output_format"),
        ({"output_format": {"codec": "mp3", "key": 1}}, "output_format.key"),
        ({"replace": ["a"]}, "replace"),
        ({"replace": {"a": 1}}, "replace"),
    ],
)
def test_what_is_not_is_refused_by_name(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(Problem) as caught:
        SPEECH.say({**WHOLE, **changes}, TOKEN)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID, param)
    assert len(caught.value.message) < 600


def test_voices_and_names_that_would_be_paths() -> None:
    assert SPEECH.voices(None, TOKEN).url == "https://api.x.ai/v1/tts/voices"
    assert SPEECH.voices("eve", TOKEN).url == "https://api.x.ai/v1/tts/voices/eve"
    assert SPEECH.voices("../../me?x=1", TOKEN).url == "https://api.x.ai/v1/tts/voices/..%2F..%2Fme%3Fx%3D1"


def test_a_connection() -> None:
    assert SPEECH.connect({}, TOKEN).url == "https://api.x.ai/v1/tts"
    outgoing = SPEECH.connect({"language": "en", "voice": "a b&c"}, TOKEN)
    assert outgoing.url == "https://api.x.ai/v1/tts?language=en&voice=a+b%26c"
    with pytest.raises(Problem):
        SPEECH.connect({"api_key": "x"}, TOKEN)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "text.delta", "delta": "Hel"},
        {"type": "text.done"},
        {"type": "text.clear"},
        {"type": "session.update", "replace": {}},
        {"type": "session.update", "replace": {"a": "b"}},
    ],
)
def test_messages_that_go(message: dict[str, Any]) -> None:
    assert SPEECH.frame(message) == message


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": 1},
        {"type": "audio.delta", "delta": ""},
        {"type": "text.delta"},
        {"type": "text.delta", "delta": 1},
        {"type": "text.done", "key": "x"},
        {"type": "session.update"},
        {"type": "session.update", "replace": {"a": 1}},
    ],
)
def test_messages_that_do_not(message: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        SPEECH.frame(message)
    assert caught.value.kind is Kind.INVALID
