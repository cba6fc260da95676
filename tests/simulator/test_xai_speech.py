"""xAI's text to speech, as simulated."""

import base64
import io
import json
import wave

import httpx
import pytest
import trio
import trio.testing

from rotom.simulator.play import Refused
from rotom.simulator.xai_speech import CODECS, Speech

BODY = {"text": "Hello there", "language": "en"}


@pytest.mark.parametrize("codec", CODECS)
async def test_each_codec(grok, codec):
    answer = await grok.post(
        "/tts", {**BODY, "voice_id": "Eve", "output_format": {"codec": codec, "sample_rate": 8000}}
    )
    assert answer.headers["content-type"] == CODECS[codec]
    assert len(answer.content) > 1000
    if codec == "wav":
        with wave.open(io.BytesIO(answer.content)) as sound:
            assert (sound.getframerate(), sound.getnframes()) == (8000, 5280)


async def test_timestamps(grok):
    made = (await grok.post("/tts", {**BODY, "with_timestamps": True})).json()
    assert base64.b64decode(made["audio"])
    assert made["content_type"] == "audio/mpeg"
    assert "".join(made["audio_timestamps"]["graph_chars"]) == BODY["text"]
    assert made["audio_timestamps"]["graph_times"][-1][1] == pytest.approx(made["duration"])


async def test_voices(grok):
    names = [one["voice_id"] for one in (await grok.get("/tts/voices")).json()["voices"]]
    assert "eve" in names
    assert (await grok.get("/tts/voices/eve")).json()["name"] == "Eve"
    assert (await grok.get("/tts/voices/nobody")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"text": " "}, 422, "`text`"),
        ({"text": "x" * 15_001}, 400, "too long"),
        ({"language": None}, 422, "`language`"),
        ({"voice_id": "nobody"}, 404, "nobody"),
        ({"model": "tts-1"}, 400, "model"),
        ({"speed": 2}, 400, "speed"),
        ({"output_format": "mp3"}, 422, "output_format"),
        ({"output_format": {"codec": "flac"}}, 400, "codec"),
        ({"output_format": {"sample_rate": 1}}, 400, "sample_rate"),
    ],
)
async def test_what_is_refused(grok, changes, status, words):
    answer = await grok.post("/tts", {**BODY, **changes})
    assert answer.status_code == status
    assert words in answer.json()["error"]


def say(speech, **frame):
    return speech.feed(json.dumps(frame))


def test_a_connection():
    speech = Speech({"language": "en", "voice": "eve", "codec": "pcm", "sample_rate": "8000"})
    assert say(speech, type="text.delta", delta="One sentence") == []
    sound = say(speech, type="text.delta", delta=" here. And")
    assert sum(len(base64.b64decode(frame["delta"])) for frame in sound) == 2 * 8000 * 19 * 0.06
    *_, last = say(speech, type="text.done")
    assert last["type"] == "audio.done"
    assert last["trace_id"]
    assert say(speech, type="session.update", replace={"a": "b"}) == [
        {"type": "session.updated", "replace": {"a": "b"}}
    ]
    say(speech, type="text.delta", delta="gone")
    assert say(speech, type="text.clear") == [{"type": "audio.clear"}]
    assert [one["type"] for one in say(speech, type="text.done")] == ["audio.done"]


def test_frames_that_are_wrong():
    speech = Speech({"language": "en"})
    for frame in ("{", json.dumps({"type": "text.delta"}), json.dumps([]), json.dumps({"type": "audio.done"})):
        (answer,) = speech.feed(frame)
        assert answer["type"] == "error"
    assert say(speech, type="text.delta", delta="x" * 15_001)[0]["type"] == "error"


@pytest.mark.parametrize(
    "query",
    [{}, {"language": "en", "codec": "flac"}, {"language": "en", "model": "x"}, {"language": "en", "voice": "x"}],
)
def test_connections_that_never_are(query):
    with pytest.raises(Refused):
        Speech(query)


@pytest.mark.parametrize("name", ["stall", "cut", "mute"])
async def test_troubles_on_the_way(grok, simulator, name):
    async def listen():
        with pytest.raises(httpx.RemoteProtocolError):
            await grok.post("/tts", {**BODY, "text": f"demo:{name} " + "and so on " * 30})

    if name == "cut":
        await listen()
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await simulator.received(1, path="/xai-api/v1/tts")
        await trio.testing.wait_all_tasks_blocked(0.1)
        assert simulator.open_streams == 1
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        await simulator.quiet()


async def test_time_on_the_way(grok, autojump_clock):
    for name in ("slow", "pause"):
        begun = trio.current_time()
        text = f"demo:{name} seconds=4 " + "and so on " * 30
        assert len((await grok.post("/tts", {**BODY, "text": text})).content) > 4096
        assert 4 <= trio.current_time() - begun < 5
    assert (await grok.post("/tts", {**BODY, "text": "demo:spending_limit"})).status_code == 403
