"""The keeper, on a real vault and against the simulator's issuer of tokens."""

import contextlib
import json
import os
import sys
import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from urllib.parse import parse_qsl

import h11
import httpx
import pytest
import trio

from rotom.config import Config
from rotom.plain import helpers
from rotom.problem import Kind, Problem
from rotom.providers import openai
from rotom.simulator.oauth import Issuer
from rotom.state.keys import key_source
from rotom.state.vault import Vault
from rotom.upstream import keeper as module
from rotom.upstream.flows import play
from rotom.upstream.keeper import ASKED, EXPIRY, REFUSED, Keeper

REDIRECT = "http://127.0.0.1:1455/auth/callback"


class World:
    """An issuer, a vault, and a clock that goes with Trio's."""

    def __init__(self, home):
        self.start = time.time()
        self.issuer = Issuer(self.now)
        self.issuer.access_seconds = 3600
        self.home = home
        self.vault = self.another_vault()
        self.said = []
        self.posts = 0
        self.before = None  # awaited before each answer; may return a response of its own
        self.after = None  # awaited after the issuer has decided

    def now(self):
        return self.start + trio.current_time() % 1e9

    def another_vault(self):
        return Vault(self.home / "auth.json", key_source(self.home, {}))

    async def answer(self, request):
        self.posts += 1
        if self.before is not None:
            response = await self.before()
            if response is not None:
                return response
        body = await request.aread()
        fields = dict(parse_qsl(body.decode())) if b"=" in body and body[:1] != b"{" else json.loads(body)
        reply = self.issuer.token(fields)
        if self.after is not None:
            await self.after()
        return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)

    def client(self):
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    async def login(self, vault=None, name="openai"):
        async def person(step):
            return self.issuer.consent(step.url)

        async with self.client() as client:
            token = await play(client, PROVIDER.login(REDIRECT), person=person)
        (vault or self.vault).save(name, token)
        self.posts = 0
        return token

    def keeper(self, vault=None):
        say = lambda level, sentence: self.said.append((level, sentence))  # noqa: E731
        return Keeper(vault or self.vault, self.client(), {"openai": PROVIDER}, say=say, now=self.now)


PROVIDER = openai.make(Config())


async def in_place(function, *given, **how):
    """Trio's test clock takes the wait for a thread for idleness and jumps; so there are no threads under it."""
    await trio.lowlevel.checkpoint()
    return function(*given)


@pytest.fixture
async def world(tmp_path, monkeypatch):
    monkeypatch.setattr(trio.to_thread, "run_sync", in_place)
    return World(tmp_path / "home")


async def test_nobody_is_logged_in(world, nursery, autojump_clock):
    keeper = world.keeper()
    await nursery.start(keeper.run)
    with pytest.raises(Problem, match="rotom login --provider openai") as caught:
        await keeper.token("openai")
    assert (caught.value.kind, caught.value.retry) == (Kind.UNAUTHENTICATED, False)
    with pytest.raises(Problem, match="no provider 'x'"):
        await keeper.token("x")


async def test_a_login_while_it_runs_is_served_and_so_is_a_logout(world, nursery, autojump_clock):
    keeper = world.keeper()
    await nursery.start(keeper.run)
    token = await world.login(world.another_vault())
    assert await keeper.token("openai") == token
    assert list(await keeper.logins()) == ["openai"]
    world.another_vault().remove("openai")
    with pytest.raises(Problem, match="not logged in"):
        await keeper.token("openai")
    assert world.posts == 0


async def test_a_token_is_renewed_five_minutes_before_its_end(world, nursery, autojump_clock):
    token = await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    await trio.sleep(token.expires_at - world.now() - 301)
    assert world.posts == 0
    await trio.sleep(2)
    renewed = await keeper.token("openai")
    assert world.posts == 1
    assert renewed.refresh != token.refresh
    assert world.another_vault().load("openai") == renewed
    assert world.vault.unfinished("openai") is None
    await trio.sleep(3200)
    assert world.posts == 1


async def test_many_askers_cause_one_renewal_and_a_hang_up_does_not_end_it(world, nursery, autojump_clock):
    token = await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    world.before = partial(trio.sleep, 5)
    results = []

    async def ask():
        results.append(await keeper.renew("openai", REFUSED, token))

    async with trio.open_nursery() as askers:
        for _ in range(20):
            askers.start_soon(ask)
        with trio.move_on_after(1) as impatient:
            await keeper.renew("openai", REFUSED, token)
    assert impatient.cancelled_caught
    assert world.posts == 1
    assert len({result.access for result in results}) == 1
    assert await keeper.renew("openai", REFUSED, token) == results[0]  # the refused one is old news
    assert world.posts == 1


async def test_two_keepers_on_one_file_renew_once(world, nursery, autojump_clock):
    token = await world.login()
    one, two = world.keeper(), world.keeper(world.another_vault())
    await nursery.start(one.run)
    await nursery.start(two.run)
    world.before = partial(trio.sleep, 1)
    got = []

    async def ask(keeper):
        got.append(await keeper.renew("openai", REFUSED, token))

    async with trio.open_nursery() as askers:
        askers.start_soon(ask, one)
        askers.start_soon(ask, two)
    assert world.posts == 1
    assert got[0] == got[1] == world.vault.load("openai")


async def test_the_new_token_is_durable_before_anybody_gets_it(world, nursery, monkeypatch, autojump_clock):
    token = await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    order = []
    replace = world.vault.replace
    monkeypatch.setattr(world.vault, "replace", lambda *a: (time.sleep(0.05), order.append("stored"), replace(*a))[2])
    await keeper.renew("openai", ASKED)
    order.append("got")
    assert order == ["stored", "got"]
    assert world.vault.load("openai") != token


async def test_stopping_lets_a_renewal_finish(world, autojump_clock):
    token = await world.login()
    keeper = world.keeper()
    world.after = partial(trio.sleep, 3)
    async with trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        with trio.move_on_after(1):
            await keeper.renew("openai", ASKED)
        nursery.cancel_scope.cancel()
    stored = world.vault.load("openai")
    assert stored.refresh != token.refresh
    with pytest.raises(Problem, match="stopping"):
        await keeper.renew("openai", ASKED)


async def test_a_good_token_is_served_while_its_renewal_fails(world, nursery, autojump_clock):
    token = await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)

    async def down():
        return httpx.Response(503, content=b"down")

    world.before = down
    await trio.sleep(token.expires_at - world.now() - 200)
    assert await keeper.token("openai") == token
    assert 3 <= world.posts <= 6  # 5, 10, 20, 40 ... seconds apart
    await trio.sleep(250)
    with pytest.raises(Problem) as caught:
        await keeper.token("openai")
    assert caught.value.kind is Kind.UPSTREAM
    assert caught.value.retry_after >= 1
    world.before = None
    await trio.sleep(600)
    assert (await keeper.token("openai")).refresh != token.refresh


async def test_a_cloudflare_page_is_no_verdict(world, nursery, autojump_clock):
    await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)

    async def challenge():
        return httpx.Response(
            401, headers={"content-type": "text/html", "cf-mitigated": "challenge"}, content=b"<html>"
        )

    world.before = challenge
    with pytest.raises(Problem) as caught:
        await keeper.renew("openai", ASKED)
    assert (caught.value.code, caught.value.kind) == ("cloudflare", Kind.UNAVAILABLE)
    assert world.vault.unfinished("openai") is None  # it surely was not spent
    world.before = None
    assert await keeper.renew("openai", ASKED)


async def test_a_verdict_is_remembered_until_another_login(world, nursery, autojump_clock):
    token = await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    world.issuer.end()
    for _ in range(3):
        with pytest.raises(Problem, match="the OpenAI login is over") as caught:
            await keeper.renew("openai", REFUSED, token)
        assert (caught.value.kind, caught.value.retry) == (Kind.UNAUTHENTICATED, False)
    assert world.posts == 1
    assert await keeper.token("openai") == token  # it may still be good for what the caller wants
    assert [level for level, _ in world.said] == ["error"]
    new = await world.login(world.another_vault())
    assert await keeper.renew("openai", REFUSED, token) == new


async def test_a_sighup_forgets_a_verdict(world, nursery, autojump_clock):
    await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)

    async def refuse():
        return httpx.Response(401, json={"error": "who knows"})

    world.before = refuse
    with pytest.raises(Problem):
        await keeper.renew("openai", ASKED)
    world.before = None
    with pytest.raises(Problem):
        await keeper.renew("openai", ASKED)
    keeper.reload()
    assert await keeper.renew("openai", ASKED)


async def test_a_silent_provider_is_given_up(world, nursery, autojump_clock):
    await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    world.before = trio.sleep_forever
    with pytest.raises(Problem) as caught:
        await keeper.renew("openai", ASKED)
    assert caught.value.kind is Kind.TIMEOUT
    assert world.vault.unfinished("openai") is not None  # it may have been spent


async def test_a_login_or_logout_during_a_renewal_wins(world, nursery, autojump_clock):
    await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    newer = None

    async def somebody_logs_in():
        nonlocal newer
        world.after = None
        newer = await world.login(world.another_vault())

    world.after = somebody_logs_in
    assert await keeper.renew("openai", ASKED) == newer == world.vault.load("openai")

    async def somebody_logs_out():
        world.another_vault().remove("openai")

    world.after = somebody_logs_out
    with pytest.raises(Problem, match="was removed"):
        await keeper.renew("openai", ASKED)
    assert world.vault.logins() == ()


async def test_a_renewal_that_was_killed_is_told_at_the_start_and_at_the_verdict(world, nursery, autojump_clock):
    token = await world.login()
    world.vault.begin_renewal("openai", token, world.now())
    world.issuer.token(  # the provider answered, and nobody was there to store it
        {"client_id": "app_EMoamEEZ73f0CkXaXp7hrann", "grant_type": "refresh_token", "refresh_token": token.refresh}
    )
    keeper = world.keeper()
    await nursery.start(keeper.run)
    assert [level for level, _ in world.said] == ["warning"]
    assert "a new login is needed" in world.said[0][1]
    with pytest.raises(Problem, match="was cut off before its new token was stored") as caught:
        await keeper.renew("openai", EXPIRY)
    assert (caught.value.code, caught.value.retry) == ("refresh_token_reused", False)


async def test_a_full_disk_loses_no_token(world, nursery, monkeypatch, autojump_clock):
    await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    replace = world.vault.replace

    def full(*_):
        raise Problem(Kind.FORBIDDEN, "cannot write: no space left on device")

    monkeypatch.setattr(world.vault, "replace", full)
    renewed = await keeper.renew("openai", ASKED)
    assert await keeper.token("openai") == renewed != world.vault.load("openai")
    assert world.said[-1][0] == "error"
    await trio.sleep(60)
    monkeypatch.setattr(world.vault, "replace", replace)
    await trio.sleep(120)
    assert world.vault.load("openai") == renewed == await keeper.token("openai")
    assert world.posts == 1


async def test_a_bug_in_a_renewal_reaches_who_waits_and_does_not_end_the_keeper(
    world, nursery, monkeypatch, autojump_clock
):
    await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    with monkeypatch.context() as patch:
        patch.setattr(module, "play", None)
        with pytest.raises(TypeError):
            await keeper.renew("openai", ASKED)
    assert await keeper.renew("openai", ASKED)


async def test_accounts_are_renewed_apart(world, nursery, autojump_clock):
    one, two = await world.login(), await world.login(name="openai@work")
    keeper = world.keeper()
    await nursery.start(keeper.run)
    assert (await keeper.token("openai"), await keeper.token("openai@work")) == (one, two)
    assert keeper.in_use == {"openai": "openai"}
    world.before = partial(trio.sleep, 5)
    new = []

    async def renew(name):
        new.append(await keeper.renew(name, ASKED))

    began = trio.current_time()
    async with trio.open_nursery() as askers:
        askers.start_soon(renew, "openai")
        askers.start_soon(renew, "openai@work")
    assert trio.current_time() - began < 9, "neither waits for the other"
    assert world.posts == 2
    stored = {world.vault.load(name).access for name in ("openai", "openai@work")}
    assert stored == {token.access for token in new}
    assert len({token.refresh for token in (one, two, *new)}) == 4
    with pytest.raises(Problem, match=r"as account x; run `rotom login --provider openai --account x`"):
        await keeper.token("openai@x")


async def test_a_verdict_is_on_one_account(world, nursery, autojump_clock):
    two = await world.login(name="openai@work")
    world.issuer.end()
    one = await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    with pytest.raises(Problem, match="the OpenAI login is over") as caught:
        await keeper.renew("openai@work", REFUSED, two)
    assert caught.value.hint == "run: rotom login --provider openai --account work"
    assert "--account work" in world.said[-1][1]
    assert (await keeper.renew("openai", ASKED)).refresh != one.refresh


async def test_two_processes_renew_a_second_account_once(world, nursery, autojump_clock):
    await world.login()
    token = await world.login(name="openai@work")
    one, two = world.keeper(), world.keeper(world.another_vault())
    await nursery.start(one.run)
    await nursery.start(two.run)
    world.before = partial(trio.sleep, 1)
    got = []

    async def ask(keeper):
        got.append(await keeper.renew("openai@work", REFUSED, token))

    async with trio.open_nursery() as askers:
        askers.start_soon(ask, one)
        askers.start_soon(ask, two)
    assert world.posts == 1
    assert got[0] == got[1] == world.vault.load("openai@work")


PROCESS = """
import sys, time
from pathlib import Path
import trio
from rotom.config import load
from rotom.providers import openai
from rotom.state.vault import open_vault
from rotom.upstream.client import make_client
from rotom.upstream.keeper import ASKED, Keeper
environ = {"ROTOM_HOME": sys.argv[1], "ROTOM_OPENAI_ISSUER": sys.argv[2]}
config = load({}, environ).config
async def main():
    async with make_client(config, environ) as client, trio.open_nursery() as nursery:
        keeper = Keeper(open_vault(config, environ), client, {"openai": openai.make(config)})
        await nursery.start(keeper.run)
        print("ready", flush=True)
        while True:
            try:
                await keeper.renew(sys.argv[3], ASKED)
            except Exception as exc:
                print("failed", exc, flush=True)
                return nursery.cancel_scope.cancel()
            print("renewed", flush=True)
trio.run(main)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
@pytest.mark.parametrize("name", ["openai", "openai@work"])
async def test_kill_9_during_renewals(tmp_path, name):
    """Whenever it hits, the vault can be read, another login is untouched, and a spent token is known as doubtful."""
    home = tmp_path / "home"
    world = World(home)
    world.now = time.time
    world.issuer = Issuer(time.time)
    first = await world.login(name="openai@other")
    await world.login(name=name)
    world.vault.save("grok", first)
    lost = 0

    async def serve(stream):
        async with stream:
            conn = h11.Connection(h11.SERVER)
            while True:
                body = b""
                while not isinstance(event := conn.next_event(), h11.EndOfMessage):
                    if event is h11.NEED_DATA:
                        conn.receive_data(bytes(await stream.receive_some()))
                    elif isinstance(event, h11.Data):
                        body += event.data
                    elif isinstance(event, h11.ConnectionClosed):
                        return
                reply = world.issuer.token(json.loads(body))
                head = h11.Response(
                    status_code=reply.status, headers=[*reply.headers, ("content-length", str(len(reply.body)))]
                )
                sent = conn.send(head) + conn.send(h11.Data(data=reply.body)) + conn.send(h11.EndOfMessage())
                await stream.send_all(sent)
                conn.start_next_cycle()

    async def careful(stream):
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await serve(stream)

    async with helpers() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, careful, 0, host="127.0.0.1"))
        issuer = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        for delay in [0.0, 0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05]:
            process = await nursery.start(
                partial(
                    trio.run_process,
                    [sys.executable, "-c", PROCESS, str(home), issuer, name],
                    capture_stdout=False,
                    stdout=-1,
                    check=False,
                )
            )
            assert await process.stdout.receive_some(5) == b"ready"
            await trio.sleep(delay)
            process.kill()
            await process.wait()
            vault = world.another_vault()
            assert vault.load("grok") == first
            token = vault.load(name)
            family = world.issuer._refresh[token.refresh]
            if family.refresh != token.refresh:
                lost += 1
                assert vault.unfinished(name) is not None
                await world.login()
    assert lost < 10


@pytest.mark.parametrize("seconds", [200, 20, 1])
async def test_tokens_that_end_soon_are_no_reason_to_renew_them_for_ever(
    world, nursery, autojump_clock, monkeypatch, seconds
):
    """Found by attack: with such tokens, or with a clock that is ahead, each renewal was at once followed by another."""
    monkeypatch.setattr("rotom.providers.openai_token.time", SimpleNamespace(time=world.now))
    world.issuer.access_seconds = seconds
    await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    for _ in range(600):
        await keeper.token("openai")
        await trio.sleep(1)
    assert 1 <= world.posts <= 11
    assert any("is the clock right?" in sentence for _, sentence in world.said)


async def test_a_token_that_is_refused_as_soon_as_it_came_is_not_renewed_again(
    world, nursery, autojump_clock, monkeypatch
):
    monkeypatch.setattr("rotom.providers.openai_token.time", SimpleNamespace(time=world.now))
    token = await world.login()
    keeper = world.keeper()
    await nursery.start(keeper.run)
    token = await keeper.renew("openai", REFUSED, token)  # the first refusal of a login is worth a try
    for _ in range(20):
        with pytest.raises(Problem, match="a moment ago") as caught:
            await keeper.renew("openai", REFUSED, token)
        assert caught.value.retry is False
    assert world.posts == 1
    await keeper.renew("openai", ASKED, token)  # a person may
    await trio.sleep(61)
    await keeper.renew("openai", REFUSED, await keeper.token("openai"))
    assert world.posts == 3


async def test_a_token_that_an_early_renewal_would_spend_is_left_alone(world, autojump_clock, monkeypatch):
    """Sign in with ChatGPT: whatever asks for it, nothing is posted before the moment has come."""
    token = await world.login()
    earliest = world.now() + 3240
    keeper = world.keeper()
    limited = replace(PROVIDER, renewable_at=lambda _token: earliest)
    keeper.providers = {"openai": limited}
    async with helpers() as nursery:
        await nursery.start(keeper.run)
        with pytest.raises(Problem, match="cannot be renewed before") as caught:
            await keeper.renew("openai", REFUSED, token)
        assert (caught.value.kind, caught.value.code) == (Kind.UNAUTHENTICATED, "too_early")
        with pytest.raises(Problem, match="need not be") as caught:
            await keeper.renew("openai", ASKED)
        assert caught.value.kind is Kind.CONFLICT
        await trio.sleep(3000)
        assert world.posts == 0
        assert (await keeper.token("openai")).access == token.access
        await trio.sleep(400)  # past the moment, and inside the five minutes
        assert world.posts == 1
        assert (await keeper.token("openai")).access != token.access
        nursery.cancel_scope.cancel()
