"""The network: proxy, trust, names, connections, the clock; and that it takes no longer than it says."""

import time
from types import SimpleNamespace

import pytest
import trio
from surgery import kit, one, verdicts

from rotom.doctor import network
from rotom.doctor.finding import Verdict, fail
from rotom.doctor.tools import tools
from rotom.upstream.proxies import Proxies


async def test_the_simulator_is_reached_and_the_clock_is_right(house):
    async with kit(house) as ours:
        found = await network.check(ours)
    assert set(verdicts(found).values()) == {"ok"}
    assert one(found, f"network.reach.127.0.0.1:{house.simulator.port}")
    assert all("authorization" not in one.headers for one in house.simulator.requests if one.path == "/")


@pytest.mark.parametrize(("off", "verdict"), [(30, "ok"), (-120, "warn"), (3000, "fail")])
async def test_a_clock_that_is_wrong_is_told(house, monkeypatch, off, verdict):
    monkeypatch.setattr(network, "time", SimpleNamespace(time=lambda: time.time() + off))  # ours, not the simulator's
    assert verdicts(network._clock([-off]))["network.clock"] == verdict
    async with kit(house) as ours:
        skew = await network._skew(ours, house.simulator.issuer)
    assert abs(skew + off) < 5


def test_no_time_told_is_no_verdict():
    assert verdicts(network._clock([])) == {"network.clock": "skip"}


async def test_nobody_there_is_told_in_one_line(empty, monkeypatch):
    monkeypatch.setattr(network, "SECONDS", 2.0)

    async def unknown(*_, **__):
        raise trio.socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", unknown)
    async with tools(empty()) as ours:
        with trio.fail_after(10):
            found = await network.check(ours)
    assert [one.check for one in found if one.verdict is Verdict.FAIL] == ["network.online"]
    assert "seems to be offline" in one(found, "network.online").sentence


async def test_a_name_server_that_does_not_answer_has_its_time(empty, monkeypatch):
    async def silent(*_, **__):
        await trio.sleep_forever()

    monkeypatch.setattr(trio.socket, "getaddrinfo", silent)
    monkeypatch.setattr(network, "SECONDS", 0.05)
    async with tools(empty()) as ours:
        with trio.fail_after(20):
            (found,), skew = await network._reach(ours, "https://chatgpt.com", Proxies())
    assert found.sentence == "the name chatgpt.com is not found: no answer within 0.05 seconds"
    assert skew is None


async def test_one_of_several_that_is_not_reached_has_its_own_line(house):
    async with kit(house, ROTOM_OPENAI_ISSUER="http://127.0.0.1:1") as ours:
        found = await network.check(ours)
    assert one(found, "network.reach.127.0.0.1:1").verdict is Verdict.FAIL
    assert one(found, "network.clock").verdict is Verdict.OK


async def test_a_private_address_is_not_named(empty):
    case = empty(ROTOM_ENDPOINTS="lab=https://127.0.0.1.planted.example/v1", ROTOM_PROVIDER="lab")
    assert network.origins(case) == ["https://127.0.0.1.planted.example"]
    async with tools(case) as ours:
        found, skew = await network._reach(ours, "https://planted.invalid", Proxies())
    assert skew is None
    assert "planted" not in found[0].check
    assert "planted" not in found[0].sentence


async def test_a_proxy_that_is_down_or_of_another_kind_is_told_without_its_name(empty):
    down = Proxies.of({"HTTPS_PROXY": "http://planted:planted@127.0.0.1:1"})
    (found,) = await network._proxy(down)
    assert found.verdict is Verdict.FAIL
    assert "HTTPS_PROXY" in found.sentence
    assert "planted" not in str(found)
    (other,) = await network._proxy(Proxies.of({"all_proxy": "socks5://planted:1"}))
    assert other.verdict is Verdict.FAIL
    (none,) = await network._proxy(Proxies.of({"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "chatgpt.com"}))
    assert none.verdict is Verdict.OK


async def test_a_proxy_that_listens_is_reached(nursery):
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    nursery.start_soon(trio.serve_listeners, lambda stream: stream.aclose(), listeners)
    (found,) = await network._proxy(Proxies.of({"HTTPS_PROXY": f"http://127.0.0.1:{port}"}))
    assert found.verdict is Verdict.OK


def test_an_authority_file_that_is_none_is_told(empty, tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    found = list(network._authorities(empty(ROTOM_CA_FILE=str(tmp_path / "ca.pem"))))
    assert verdicts(found) == {"network.ca": "fail"}
    assert "holds no PEM" in found[0].sentence
    found = list(network._authorities(empty(SSL_CERT_DIR="/nowhere/at/all")))
    assert found[0].sentence == "SSL_CERT_DIR names something that is not there"


def test_those_that_are_logged_in_are_asked_and_everybody_else_is_not(empty):
    case = empty({"--provider": "grok"})
    assert network.origins(case) == ["https://auth.x.ai", "https://api.x.ai", "https://cli-chat-proxy.grok.com"]


def test_being_offline_names_whom_it_asked():
    found = network.offline([fail("network.reach.a.b", "first reason", "do it"), fail("network.reach", "x", None)])
    assert found.sentence == "no provider is reached (a.b): this machine seems to be offline. first reason"
    assert "the proxy lets nothing through" in network.offline([fail("x", "y", None)], proxied=True).sentence
