"""The port: ours, another rotom's, another program's, or free."""

import json
import os
import sys
from contextlib import ExitStack
from functools import partial

import pytest
import trio
from surgery import kit, verdicts

from rotom import __version__
from rotom.doctor import port
from rotom.doctor.finding import Verdict
from rotom.routes.guard import Rules
from rotom.running import noted

KEY = "planted-local-key"


def address(house):
    return str(house.client.base_url).removeprefix("http://").rstrip("/")


def of(findings, check):
    return [one for one in findings if one.check == check]


async def foreign(nursery, answer, seen):
    """A server of somebody else; what it was sent."""

    async def serve(stream):
        seen.append(await stream.receive_some())
        if answer is not None:
            await stream.send_all(answer)
            await stream.aclose()
        else:
            await trio.sleep_forever()

    listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
    return f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"


async def test_our_server_is_told_with_version_and_process(house):
    where = address(house)
    with noted(house.config, [where]):
        async with kit(house, ROTOM_BIND=where) as tools:
            (found,) = await port.check(tools)
    assert found.verdict is Verdict.OK
    assert found.sentence.startswith(f"rotom {__version__} serves on {where} (process {os.getpid()}, for ")


async def test_a_server_that_our_asking_has_started_is_ours(house, monkeypatch):
    where, asked, started = address(house), port._asked, []
    with ExitStack() as stack:

        async def asking(*given):
            if not started:  # a service manager holds the address, and starts it at the first connection
                started.append(stack.enter_context(noted(house.config, [where])))
            return await asked(*given)

        monkeypatch.setattr(port, "_asked", asking)
        async with kit(house, ROTOM_BIND=where) as tools:
            (found,) = await port.check(tools)
    assert found.verdict is Verdict.OK
    assert "serves on" in found.sentence


async def test_an_older_server_is_to_be_restarted(house, monkeypatch):
    monkeypatch.setattr(port, "__version__", "9.9.9")
    with noted(house.config, [address(house)]):
        async with kit(house, ROTOM_BIND=address(house)) as tools:
            (found,) = await port.check(tools)
    assert found.verdict is Verdict.WARN
    assert "and this is 9.9.9" in found.sentence


async def test_a_server_with_another_key_is_told(build):
    async with build(rules=Rules(key=KEY)) as house:
        with noted(house.config, [address(house)]):
            async with kit(house, ROTOM_BIND=address(house)) as tools:
                assert (await port.check(tools))[0].verdict is Verdict.WARN
            async with kit(house, ROTOM_BIND=address(house), ROTOM_API_KEY=KEY) as tools:
                assert (await port.check(tools))[0].verdict is Verdict.OK


async def test_a_free_port_is_no_failure(house):
    async with kit(house, ROTOM_BIND="127.0.0.1:1") as tools:
        (found,) = await port.check(tools)
    assert found.verdict is Verdict.SKIP
    assert "rotom serve" in found.advice


async def test_another_rotom_is_told_apart(house):
    async with kit(house, ROTOM_BIND=address(house)) as tools:
        (found,) = await port.check(tools)
    assert found.verdict is Verdict.WARN
    assert "another rotom listens" in found.sentence


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"up"}',
    ],
)
async def test_another_program_is_named_and_never_sent_the_key(house, nursery, answer):
    seen = []
    where = await foreign(nursery, answer, seen)
    async with kit(house, ROTOM_BIND=where, ROTOM_API_KEY=KEY) as tools:
        (found,) = await port.check(tools)
    assert found.verdict is Verdict.FAIL
    assert "another program listens" in found.sentence
    if sys.platform == "linux":
        assert f"process {os.getpid()}" in found.sentence
    assert KEY.encode() not in b"".join(seen)


async def test_a_program_that_says_nothing_has_its_time(house, nursery, monkeypatch):
    monkeypatch.setattr(port, "SECONDS", 0.2)
    where = await foreign(nursery, None, [])
    async with kit(house, ROTOM_BIND=where) as tools:
        (found,) = await port.check(tools)
    assert found.verdict is Verdict.FAIL


async def test_what_a_killed_server_left_is_told(house):
    left = {"addresses": ["127.0.0.1:1"], "auth_file": "/x", "provider": None, "pid": 1}
    (house.config.home / "serve.json").write_text(json.dumps(left))
    (house.config.home / "serve.json").chmod(0o600)
    async with kit(house, ROTOM_BIND="127.0.0.1:1") as tools:
        assert verdicts(await port.check(tools)) == {"port.left": "skip", "port.address": "skip"}


def test_who_holds_a_port_is_read_from_proc(tmp_path):
    (tmp_path / "net").mkdir()
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    line = "   0: 0100007F:38D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1\n"
    (tmp_path / "net" / "tcp").write_text(head + line)
    assert port.holder_of(14550, tmp_path) == "a process of another user"
    assert port.holder_of(1, tmp_path) is None
    (tmp_path / "99" / "fd").mkdir(parents=True)
    (tmp_path / "99" / "fd" / "3").symlink_to("socket:[4711]")
    (tmp_path / "99" / "comm").write_text("nginx\x1b[2J\n")
    assert port.holder_of(14550, tmp_path) == "nginx??2J, process 99"
