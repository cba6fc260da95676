"""Text to speech through the whole of rotom, with the simulator as xAI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from rotom.config import Config
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import Flow, Outgoing, Provider, Reply, Token, grok_speech, openai, registry
from rotom.simulator import play
from rotom.simulator.oauth import s256
from rotom.simulator.xai_claims import CLIENT_ID
from rotom.simulator.xai_login import SCOPES

TTS = "/xai-api/v1/tts"
BODY = {"text": "Hello there", "language": "en"}
LONG = {**BODY, "text": "and so on " * 60}


def make_grok(config: Config) -> Provider:
    """As much of a provider as speech needs."""
    issuer, base = f"{config.openai_issuer}/xai", f"{config.openai_issuer}/xai-api/v1"

    def tokens(reply: Reply) -> Token:
        value = json.loads(reply.body)
        return Token(value["access_token"], value["refresh_token"], account_id="a", expires_at=4e9)

    def login(redirect: str) -> Flow:
        pair = {"client_id": CLIENT_ID, "redirect_uri": redirect}
        asked = {"response_type": "code", "scope": " ".join(SCOPES), "state": "s" * 20, "plan": "generic"}
        proof = {"code_challenge": s256("v" * 43), "code_challenge_method": "S256", "referrer": "rotom"}
        reply = yield Outgoing.get(str(httpx.URL(f"{issuer}/oauth2/authorize", params={**pair, **asked, **proof})))
        code = httpx.URL(reply.headers["location"]).params["code"]
        form = {**pair, "grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43}
        return tokens((yield Outgoing.form(f"{issuer}/oauth2/token", form)))

    def renew(token: Token, reason: str) -> Flow:
        form = {"grant_type": "refresh_token", "refresh_token": str(token.refresh), "client_id": CLIENT_ID}
        return tokens((yield Outgoing.form(f"{issuer}/oauth2/token", form)))

    def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
        said = body.decode()
        dead = "bad-credentials" in said
        kind = Kind.UNAUTHENTICATED if dead else Kind(status) if status in [*Kind] else Kind.UPSTREAM
        return Problem(kind, said, code="token_refused" if dead else None, retry=False)

    def identity(token: Token) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {token.access}"),)

    speech = grok_speech.speech(base, identity)
    return replace(
        openai.make(config), name="grok", aliases=(), login=login, renew=renew, refusal=refusal, speech=speech
    )


class Talk:
    """A house with a login to something that speaks."""

    def __init__(self, house: Any) -> None:
        self.house = house
        self.xai = house.simulator.xai

    async def log_in(self) -> None:
        from rotom.upstream.flows import play as run

        provider = self.house.gateway.providers["grok"]
        token = await run(self.house.gateway.client, provider.login("http://127.0.0.1:56121/callback"))
        await trio.to_thread.run_sync(self.house.vault.save, "grok", token)
        self.house.gateway.keeper.reload()

    async def say(self, body: object = BODY, **more: Any) -> httpx.Response:
        answer: httpx.Response = await self.house.client.post("/v1/tts", json=body, **more)
        return answer

    def asked(self) -> list[Any]:
        return [one for one in self.house.simulator.requests if one.path == TTS]


@pytest.fixture
def talking(build: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Builds a house that speaks."""
    known = registry.all_providers

    def both(config: Config) -> dict[str, Provider]:
        return {**known(config), "grok": make_grok(config)}

    @asynccontextmanager
    async def make(login: bool = True, **settings: str) -> AsyncIterator[Talk]:
        monkeypatch.setattr("rotom.serve.all_providers", both)
        async with build(**settings) as house:
            talk = Talk(house)
            if login:
                await talk.log_in()
            yield talk

    return make


@pytest.fixture
async def talk(talking: Any) -> AsyncIterator[Talk]:
    async with talking() as one:
        yield one


async def test_audio_as_the_provider_gives_it(talk: Talk) -> None:
    wanted = {**BODY, "voice_id": "eve", "output_format": {"codec": "wav", "sample_rate": 8000}}
    answer = await talk.say(wanted)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.content.startswith(b"RIFF")
    (asked,) = talk.asked()
    assert asked.body == wanted
    line = await talk.house.logged("/v1/tts")
    assert (line["provider"], line["dialect"], line["status"]) == ("grok", "speech", 200)
    assert "Hello there" not in talk.house.output.getvalue()


async def test_timestamps(talk: Talk) -> None:
    answer = await talk.say({**BODY, "with_timestamps": True})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["audio_timestamps"]["graph_chars"] == list(BODY["text"])


async def test_voices(talk: Talk) -> None:
    answer = await talk.house.client.get("/v1/tts/voices")
    assert "eve" in [voice["voice_id"] for voice in answer.json()["voices"]]
    assert (await talk.house.client.get("/v1/tts/voices/eve")).json()["name"] == "Eve"
    missing = await talk.house.client.get("/v1/tts/voices/nobody")
    assert (missing.status_code, "nobody" in missing.json()["error"]["message"]) == (404, True)


async def test_what_is_not_known_never_leaves(talk: Talk) -> None:
    answer = await talk.say({**BODY, "api_key": "private"})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, "api_key", "unknown_parameter")
    assert talk.asked() == []
    for bad in (b"{", b"[]", b'{"text": NaN}'):
        broken = await talk.house.client.post("/v1/tts", content=bad, headers={"content-type": "application/json"})
        assert broken.status_code == 400
    assert (await talk.house.client.post("/v1/tts", content=b"hello")).status_code == 415
    large = await talk.say({**BODY, "text": "x" * (1 << 20)})
    assert large.status_code == 413


@pytest.mark.parametrize(("name", "status"), [("spending_limit_402", 402), ("free_usage", 429), ("http_502", 502)])
async def test_refusals_reach_the_client_and_are_not_repeated(talk: Talk, name: str, status: int) -> None:
    answer = await talk.say({**BODY, "text": f"demo:{name}"})
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert len(talk.asked()) == 1


async def test_a_dead_token_is_renewed_once(talk: Talk) -> None:
    talk.xai.issuer_state.expire_access()
    assert (await talk.say()).status_code == 200
    await talk.house.simulator.quiet()
    assert [one.status for one in talk.asked()] == [403, 200]
    talk.xai.issuer_state.expire_access()
    assert (await talk.house.client.get("/v1/tts/voices")).status_code == 200
    talk.xai.issuer_state.access_seconds = -1
    talk.xai.issuer_state.expire_access()
    over = await talk.say()
    assert (over.status_code, over.json()["error"]["code"]) == (401, "login_over")


async def test_pieces_arrive_while_there_are_more_to_come(talk: Talk, quick_clock: Any) -> None:
    begun = trio.current_time()
    text = "demo:pause seconds=60 " + LONG["text"]
    async with talk.house.client.stream("POST", "/v1/tts", json={**BODY, "text": text}) as answer:
        stream = answer.aiter_raw()
        assert len(await anext(stream)) > 1000
        assert trio.current_time() - begun < 5
        assert sum([len(piece) async for piece in stream]) > 1000
    assert trio.current_time() - begun >= 60


async def test_a_hang_up_stops_the_provider(talk: Talk) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk.say, {**BODY, "text": "demo:stall " + LONG["text"]})
        asked = await talk.house.simulator.received(1, path=TTS)
        await trio.testing.wait_all_tasks_blocked(0.1)
        nursery.cancel_scope.cancel()
    with trio.fail_after(2):
        await talk.house.simulator.quiet()
    assert asked.gone


@pytest.mark.parametrize(("trouble", "settings"), [("mute", "first_byte_timeout"), ("stall", "idle_timeout")])
async def test_silence_has_its_limits(talking: Any, quick_clock: Any, trouble: str, settings: str) -> None:
    async with talking(**{settings: "20"}) as talk:
        begun = trio.current_time()
        body = {**BODY, "text": f"demo:{trouble} " + LONG["text"]}
        if trouble == "mute":
            answer = await talk.say(body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
        else:
            with pytest.raises(httpx.RemoteProtocolError):  # cut, so that nobody takes it for a whole one
                await talk.say(body)
            assert (await talk.house.logged("/v1/tts"))["code"] == "timeout"
        assert 20 <= trio.current_time() - begun < 30


async def test_a_broken_answer_is_a_broken_answer(talk: Talk) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await talk.say({**BODY, "text": "demo:cut " + LONG["text"]})
    assert (await talk.house.logged("/v1/tts"))["code"] == "connection_lost"


async def test_a_page_is_no_audio(talk: Talk) -> None:
    page = play.Reply(200, b"<html>Sign in</html>", (("content-type", "text/html"),))
    talk.house.simulator.script(page, path=TTS)
    answer = await talk.say()
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "not_audio")
    packed = play.Reply(200, b"x", (("content-type", "audio/mpeg"), ("content-encoding", "br")))
    talk.house.simulator.script(packed, path=TTS)
    assert (await talk.say()).json()["error"]["code"] == "encoding"


async def test_without_anybody_who_speaks(talking: Any) -> None:
    async with talking(login=False) as talk:
        answer = await talk.say()
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (404, "no_speech")
        assert "rotom login --provider grok" in error["message"]
        assert (await talk.house.client.get("/v1/tts/voices")).status_code == 404


async def test_without_any_login(build: Any) -> None:
    async with build(login=False) as house:
        answer = await house.client.post("/v1/tts", json=BODY)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_logged_in")


async def test_it_takes_a_place_like_any_question(talking: Any) -> None:
    async with talking(provider_concurrency="1") as talk, trio.open_nursery() as nursery:
        nursery.start_soon(talk.say, {**BODY, "text": "demo:stall"})
        await talk.house.simulator.received(1, path=TTS)
        with trio.move_on_after(0.3) as waiting:
            await talk.say()
        assert waiting.cancelled_caught
        assert len(talk.asked()) == 1
        nursery.cancel_scope.cancel()


# ---- the WebSocket


class Line:
    """A client's end of the socket."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **more: Any) -> None:
        await self.socket.send_message(json.dumps({"type": kind, **more}))

    async def hear(self) -> dict[str, Any]:
        with trio.fail_after(7200):
            message = json.loads(await self.socket.get_message())
        assert isinstance(message, dict)
        return message

    async def until(self, *kinds: str) -> list[str]:
        """The types of the messages up to one of these."""
        heard = []
        while not heard or heard[-1] not in kinds:
            heard.append((await self.hear())["type"])
        return heard

    async def closed(self) -> tuple[int, str | None]:
        """With what it is closed."""
        with trio.fail_after(7200):
            try:
                while True:
                    await self.socket.get_message()
            except ConnectionClosed as closed:
                return closed.reason.code, closed.reason.reason


@asynccontextmanager
async def opened(
    talk: Talk, query: str = "language=en&codec=pcm&sample_rate=8000", **headers: str
) -> AsyncIterator[Line]:
    url = talk.house.client.base_url
    extra = [(name.encode(), value.encode()) for name, value in headers.items()]
    async with await trio.open_tcp_stream(url.host, url.port) as stream, helpers() as nursery:
        path = f"/v1/tts?{query}"
        socket = await wrap_client_stream(nursery, stream, f"{url.host}:{url.port}", path, extra_headers=extra)
        yield Line(socket)
        await socket.aclose()


async def test_text_in_pieces_and_audio_in_pieces(talk: Talk) -> None:
    async with opened(talk, "language=en&voice=eve&codec=pcm&sample_rate=8000") as line:
        for piece in ("One sentence. ", "And ano", "ther"):
            await line.say("text.delta", delta=piece)
        await line.say("text.done")
        assert (await line.until("audio.done"))[:-1] == ["audio.delta"] * 7
        await line.say("text.clear")
        assert await line.hear() == {"type": "audio.clear"}
        await line.say("session.update", replace={"nginx": "engine x"})
        assert await line.hear() == {"type": "session.updated", "replace": {"nginx": "engine x"}}
        await line.say("text.done")
        assert await line.until("audio.done") == ["audio.done"]
    await talk.house.simulator.quiet()
    (asked,) = talk.asked()
    assert asked.query == {"language": "en", "voice": "eve", "codec": "pcm", "sample_rate": "8000"}
    assert [message["type"] for message in asked.body["messages"]].count("text.delta") == 3
    written = await talk.house.logged("/v1/tts")
    assert (written["provider"], written["dialect"], written["status"]) == ("grok", "speech", 101)


async def test_messages_that_are_wrong_are_told_and_go_no_further(talk: Talk) -> None:
    async with opened(talk) as line:
        for bad in ('{"type":"text.delta","delta":"x","key":"private"}', "{", '{"type":"audio.delta"}', b"\x00"):
            await line.socket.send_message(bad)
            told = await line.hear()
            assert (told["type"], bool(told["message"]), bool(told["code"])) == ("error", True, True)
        await line.say("text.delta", delta="x" * (1 << 20))
        assert (await line.hear())["code"] == "request_too_large"
        await line.say("text.delta", delta="demo:error_event")
        await line.say("text.done")
        assert (await line.hear())["message"] == "The service failed."
    await talk.house.simulator.quiet()
    assert [message["type"] for message in talk.asked()[0].body["messages"]] == ["text.delta", "text.done"]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [("language=en&api_key=x", 400, "api_key"), ("codec=mp3", 400, "language"), ("language=en&voice=no", 404, "no")],
)
async def test_what_is_refused_has_a_status(talk: Talk, query: str, status: int, words: str) -> None:
    with pytest.raises(ConnectionRejected) as caught:
        async with opened(talk, query):
            pass
    assert caught.value.status_code == status
    assert words in json.loads(caught.value.body or b"")["error"]["message"]


async def test_the_guard_stands_before_it(talk: Talk) -> None:
    with pytest.raises(ConnectionRejected) as caught:
        async with opened(talk, origin="https://evil.example"):
            pass
    assert caught.value.status_code == 403
    assert talk.asked() == []


async def test_a_dead_token_is_renewed_for_it_too(talk: Talk) -> None:
    talk.xai.issuer_state.expire_access()
    async with opened(talk) as line:
        await line.say("text.done")
        assert await line.until("audio.done") == ["audio.done"]
    assert len(talk.asked()) == 2


async def test_a_get_that_wants_no_socket(talk: Talk) -> None:
    answer = await talk.house.client.get("/v1/tts")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_sockets_may_be_switched_off(talking: Any) -> None:
    async with talking(websocket="no") as talk:
        with pytest.raises(ConnectionRejected) as caught:
            async with opened(talk):
                pass
        assert caught.value.status_code == 426


async def test_when_the_provider_hangs_up_so_do_we(talk: Talk) -> None:
    async with opened(talk) as line:
        await line.say("text.delta", delta="demo:cut")
        await line.say("text.done")
        assert (await line.closed())[0] in (1000, 1011)


async def test_when_the_client_hangs_up_so_do_we(talk: Talk) -> None:
    async with opened(talk) as line:
        await line.say("text.delta", delta="demo:stall. And ")
        await talk.house.simulator.received(1, path=TTS)
        await line.socket.aclose(1000)
    with trio.fail_after(5):
        await talk.house.simulator.quiet()


async def test_who_says_nothing_is_sent_away(talk: Talk, quick_clock: Any) -> None:
    begun = trio.current_time()
    async with opened(talk) as line:
        await trio.sleep(500)
        await line.say("text.clear")
        assert await line.hear() == {"type": "audio.clear"}
        assert await line.closed() == (1000, "nobody said anything")
    assert 1100 <= trio.current_time() - begun < 1110


async def test_an_hour_is_enough(talk: Talk, quick_clock: Any) -> None:
    async with opened(talk) as line:
        for _ in range(7):
            await trio.sleep(500)
            await line.say("text.clear")
            assert await line.hear() == {"type": "audio.clear"}
        assert await line.closed() == (1000, "its time is over")
    assert 3600 <= trio.current_time() < 3700


async def test_what_quotes_the_token_goes_no_further(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    from rotom.simulator.xai_speech import Speech

    tokens = await talk.house.gateway.keeper.token("grok")
    echo = [{"type": "error", "message": f"bad token {tokens.access}"}, {"type": "audio.done"}]
    monkeypatch.setattr(Speech, "feed", lambda self, frame: echo)
    async with opened(talk) as line:
        await line.say("text.done")
        assert await line.hear() == {"type": "audio.done"}
