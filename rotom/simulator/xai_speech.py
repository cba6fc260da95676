"""Text to speech of simulated xAI: silence of about the right length. Pure.

The fields and frames are those of xAI's SDK and of programs that use its WebSocket (2026); the texts of refusals are
guesses. A `Speech` is one connection of that WebSocket: frames in, frames out.
"""

from __future__ import annotations

import base64
import json
import struct
import uuid
from collections.abc import Mapping
from typing import Final

from rotom.simulator import scenarios
from rotom.simulator.play import Cut, Play, Refused, Reply, Stall, Wait, json_reply
from rotom.simulator.strict_forms import words
from rotom.simulator.xai_forms import NOT_FOUND, flat, invalid, unreadable, unsupported
from rotom.simulator.xai_scenarios import REFUSALS
from rotom.sse import Json

FIELDS: Final = words(
    "text voice_id language output_format speed replace text_normalization optimize_streaming_latency with_timestamps"
)
QUERY: Final = words(
    "voice language codec sample_rate bit_rate speed text_normalization optimize_streaming_latency with_timestamps"
)
VOICES: Final = ("ara", "eve", "leo", "rex", "sal")
CODECS: Final = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mulaw": "audio/basic",
    "alaw": "audio/alaw",
}
SAMPLE_RATES: Final = (8000, 16000, 22050, 24000, 44100, 48000)
PIECE: Final = 4096
LONGEST: Final = 15_000
SECONDS_PER_CHARACTER: Final = 0.06
MP3_FRAME: Final = b"\xff\xf3\x44\xc4" + bytes(140)
"""24 milliseconds of nothing: MPEG 2, layer III, 48 kbit/s, 24 kHz."""


def speech(body: Json) -> Reply:
    """``POST /tts``: audio, or audio and timestamps as JSON.

    Raises:
      Refused: with the answer.
    """
    for name in body:
        if name not in FIELDS:
            raise unsupported(name)
    text = body.get("text")
    if not isinstance(text, str) or not text.strip():
        raise unreadable("missing field `text`")
    if len(text) > LONGEST:
        raise invalid(f"The text is too long: {len(text)} characters, at most {LONGEST}.")
    if not isinstance(body.get("language"), str):
        raise unreadable("missing field `language`")
    form = body.get("output_format") or {}
    if not isinstance(form, dict) or not form.keys() <= {"codec", "sample_rate", "bit_rate"}:
        raise unreadable("output_format: unknown field")
    codec, rate = _form(form.get("codec"), form.get("sample_rate"))
    _check(body.get("voice_id"), body.get("speed"))
    sound, seconds = audio(text, codec, rate)
    if body.get("with_timestamps") is not True:
        return Reply(200, sound, (("content-type", CODECS[codec]),))
    times = [
        [round(at * SECONDS_PER_CHARACTER, 3), round((at + 1) * SECONDS_PER_CHARACTER, 3)] for at in range(len(text))
    ]
    return json_reply(
        200,
        {
            "audio": base64.b64encode(sound).decode(),
            "content_type": CODECS[codec],
            "duration": seconds,
            "audio_timestamps": {"graph_chars": list(text), "graph_times": times},
        },
    )


def spoken(reply: Reply, text: str) -> Play:
    """The steps of the answer: piece by piece, with the trouble that a scenario's name in the text asks for.

    Raises:
      Refused: the scenario is a refusal.
    """
    name, options = scenarios.find(text) or ("", {})
    if name in REFUSALS:
        raise Refused(REFUSALS[name][1])
    first, rest = reply.body[:PIECE], reply.body[PIECE:]
    return _pieces(first, rest, name, float(options.get("seconds", "15")))


def _pieces(first: bytes, rest: bytes, trouble: str, seconds: float) -> Play:
    if trouble == "mute":
        yield Stall()
    if trouble == "slow":
        yield Wait(seconds)
    yield first
    if trouble == "stall":
        yield Stall()
    if trouble == "cut":
        yield Cut()
    if trouble == "pause":
        yield Wait(seconds)
    yield from (rest[at : at + PIECE] for at in range(0, len(rest), PIECE))


def voices(name: str | None = None) -> Reply:
    """``GET /tts/voices``, and one of them.

    Raises:
      Refused: 404.
    """
    if name is None:
        return json_reply(200, {"voices": [_voice(one) for one in VOICES]})
    if name.lower() not in VOICES:
        raise Refused(flat(404, NOT_FOUND, f"Voice {name} not found."))
    return json_reply(200, _voice(name.lower()))


def audio(text: str, codec: str, rate: int) -> tuple[bytes, float]:
    """Silence for a text, and how many seconds of it."""
    seconds = round(len(text) * SECONDS_PER_CHARACTER, 3)
    samples = round(seconds * rate)
    match codec:
        case "mp3":
            return MP3_FRAME * max(1, int(seconds / 0.024)), seconds
        case "mulaw" | "alaw":
            return (b"\xff" if codec == "mulaw" else b"\xd5") * samples, seconds
        case "pcm":
            return bytes(2 * samples), seconds
    head = struct.pack(
        "<4sI8sIHHIIHH4sI",
        b"RIFF",
        36 + 2 * samples,
        b"WAVEfmt ",
        16,
        1,
        1,
        rate,
        2 * rate,
        2,
        16,
        b"data",
        2 * samples,
    )
    return head + bytes(2 * samples), seconds


class Speech:
    """One connection of the ``/tts`` WebSocket.

    Arguments:
      query: of its address.

    Attributes:
      over: it is time to hang up, for a scenario in the text says so.

    Raises:
      Refused: the query is not good, so that there is no connection.
    """

    def __init__(self, query: Mapping[str, str]) -> None:
        for name in query:
            if name not in QUERY:
                raise unsupported(name)
        if not query.get("language"):
            raise invalid("The language is missing.")
        rate = query.get("sample_rate")
        self._codec, self._rate = _form(query.get("codec"), int(rate) if rate is not None and rate.isdigit() else rate)
        _check(query.get("voice"), None)
        self._text = ""
        self.over = False

    def feed(self, frame: str | bytes) -> list[Json]:
        """What comes of a frame."""
        try:
            value = json.loads(frame)
        except ValueError:
            return [_error("The message is not JSON.")]
        match value:
            case {"type": "text.delta", "delta": str(delta)}:
                self._text += delta
                if len(self._text) > LONGEST:
                    self._text = ""
                    return [_error(f"The text is too long: at most {LONGEST} characters.")]
                *whole, self._text = self._text.rpartition(". ")
                return self._say("".join(whole))
            case {"type": "text.done"}:
                text, self._text = self._text, ""
                wish = scenarios.find(text)
                if wish is not None and wish[0] in ("cut", "error_event", "stall"):
                    self.over = wish[0] == "cut"
                    return [_error("The service failed.")] if wish[0] == "error_event" else []
                return [*self._say(text), {"type": "audio.done", "trace_id": str(uuid.uuid4())}]
            case {"type": "text.clear"}:
                self._text = ""
                return [{"type": "audio.clear"}]
            case {"type": "session.update", "replace": dict(replace)}:
                return [{"type": "session.updated", "replace": replace}]
        return [_error("The type of the message is not known.")]

    def _say(self, text: str) -> list[Json]:
        sound = audio(text, self._codec, self._rate)[0] if text.strip() else b""
        pieces = [sound[at : at + PIECE] for at in range(0, len(sound), PIECE)]
        return [{"type": "audio.delta", "delta": base64.b64encode(piece).decode()} for piece in pieces]


def _voice(name: str) -> Json:
    return {"voice_id": name, "name": name.title(), "language": "multilingual"}


def _form(codec: object, rate: object) -> tuple[str, int]:
    if codec not in (None, *CODECS):
        raise invalid(f"Invalid codec: {codec}. Supported: {', '.join(CODECS)}.")
    if rate not in (None, *SAMPLE_RATES):
        raise invalid(f"Invalid sample_rate: {rate}.")
    return str(codec or "mp3"), rate if isinstance(rate, int) else 24_000


def _check(voice: object, speed: object) -> None:
    if voice is not None and str(voice).lower() not in VOICES:
        raise Refused(flat(404, NOT_FOUND, f"Voice {voice} not found."))
    if speed is not None and not (isinstance(speed, int | float) and 0.7 <= speed <= 1.5):
        raise invalid(f"Invalid speed: {speed}. It must be between 0.7 and 1.5.")


def _error(message: str) -> Json:
    return {"type": "error", "message": message}
