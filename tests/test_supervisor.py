"""What the service manager hears, over a real datagram socket."""

import os
import socket
import time

import pytest
import trio

from rotom.supervisor import STATUS_SECONDS, Supervisor

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX") or os.name != "posix", reason="systemd's protocol")


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


def heard(manager):
    found = []
    while True:
        try:
            found.append(manager.recv(4096).decode())
        except BlockingIOError:
            return found


def environ(manager, **more):
    return {"NOTIFY_SOCKET": manager.getsockname(), **more}


def test_the_words(manager):
    ours = Supervisor(environ(manager))
    ours.ready()
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    ours.reloading()
    after = time.clock_gettime(time.CLOCK_MONOTONIC)
    ours.stopping()
    ready, reloading, stopping = heard(manager)
    assert (ready, stopping) == ("READY=1", "STOPPING=1")
    first, second = reloading.split("\n")
    assert first == "RELOADING=1"
    # systemd compares it with its own clock, and waits for ever where it is behind
    assert before - 1e-5 <= int(second.removeprefix("MONOTONIC_USEC=")) / 1e6 <= after + 1e-5


@pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="abstract sockets are Linux's")
def test_an_abstract_socket():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0rotom-test-{os.getpid()}")
        manager.setblocking(False)
        Supervisor({"NOTIFY_SOCKET": f"@rotom-test-{os.getpid()}"}).ready()
        assert heard(manager) == ["READY=1"]


def test_the_watchdog_is_for_the_process_that_it_names(manager):
    asked = environ(manager, WATCHDOG_USEC="8000000")
    assert Supervisor(asked | {"WATCHDOG_PID": str(os.getpid())}).watchdog == 8.0
    assert Supervisor(asked | {"WATCHDOG_PID": str(os.getpid() + 1)}).watchdog is None


async def test_signs_of_life_and_what_is_new(manager, autojump_clock, nursery):
    state = ["one"]
    ours = Supervisor(environ(manager, WATCHDOG_USEC="8000000"))
    assert ours.watchdog == 8.0
    await nursery.start(ours.run, lambda: state[0])
    await trio.sleep(1)
    assert heard(manager) == ["WATCHDOG=1\nSTATUS=one"]
    state[0] = "two\nlines"
    await trio.sleep(8)
    assert heard(manager) == ["WATCHDOG=1\nSTATUS=two lines", "WATCHDOG=1"]


async def test_without_a_watchdog_only_news_are_told(manager, autojump_clock, nursery):
    state = ["one"]
    await nursery.start(Supervisor(environ(manager)).run, lambda: state[0])
    await trio.sleep(9.5 * STATUS_SECONDS)
    assert heard(manager) == ["STATUS=one"]
    state[0] = "two"
    await trio.sleep(STATUS_SECONDS)
    assert heard(manager) == ["STATUS=two"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({}, None),
    ],
)
def test_whom_the_watchdog_means(said, expected):
    assert Supervisor({"NOTIFY_SOCKET": "/x", **said}, pid=7).watchdog == expected


async def test_without_a_manager_nothing_happens():
    ours = Supervisor({"WATCHDOG_USEC": "1000"})
    ours.ready()
    await ours.run(lambda: "x")
    assert ours.watchdog is None


def test_a_manager_that_is_gone_or_does_not_read_holds_up_nobody(manager):
    ours = Supervisor(environ(manager))
    for _ in range(5000):  # more than its queue takes
        ours.ready()
    assert heard(manager)
    manager.close()
    os.unlink(ours._address)
    ours.ready()
