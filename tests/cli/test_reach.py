"""Finding a server and asking it, without Trio."""

import os
import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from homes import noted

from rotom.cli import companion, reach
from rotom.config import load
from rotom.problem import Kind, Problem


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demonstration, with a key."""
    home = tmp_path_factory.mktemp("home")
    with companion.companion(["--demo"], {"PATH": os.environ["PATH"], "ROTOM_HOME": str(home)}) as server:
        yield server


def test_the_first_address_that_answers_is_taken(demo, tmp_path):
    address = demo.root.removeprefix("http://")
    assert reach.found(noted(tmp_path / "h", "127.0.0.1:1", address)) == demo.root
    assert reach.found(noted(tmp_path / "h", "127.0.0.1:1")) is None
    assert reach.found(load({}, {"ROTOM_HOME": str(tmp_path / "empty")}).config) is None


def test_one_that_is_just_being_started_is_given_time():
    with socket.create_server(("127.0.0.1", 0)) as held:
        root, started = f"http://127.0.0.1:{held.getsockname()[1]}", threading.Event()

        def serve():
            started.wait(20)
            for _ in range(2):  # the first has gone meanwhile
                client, _ = held.accept()
                with client, suppress(OSError):
                    client.recv(4096)
                    client.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"ok"}')

        thread = threading.Thread(target=serve)
        thread.start()
        assert not reach.answers(root, 0.01)
        started.set()
        assert reach.answers(root, reach.WAKING_SECONDS)
        thread.join(20)


def test_addresses_that_stand_for_all_are_reached_by_loopback():
    assert reach.expected(["192.0.2.1:1", "[::1]:2"]) == "http://[::1]:2"
    assert reach.expected(["0.0.0.0"]) == "http://127.0.0.1:14550"


def test_models_by_name_and_by_nobodys_choice(demo):
    assert reach.model(demo.root, demo.key, None) == reach.Answer("gpt-5.5", 272_000)
    assert reach.model(demo.root, demo.key, "GPT-6-sol:high") == reach.Answer("GPT-6-sol:high", 272_000)
    with pytest.raises(Problem, match=r"^there is no model 'gpt-x/9'; there are") as caught:
        reach.model(demo.root, demo.key, "gpt-x/9")
    assert caught.value.hint == "rotom models"


@pytest.mark.parametrize("key", [None, "another"])
def test_another_key(demo, key):
    with pytest.raises(Problem, match="wants another local key") as caught:
        reach.model(demo.root, key, None)
    assert caught.value.kind is Kind.UNAUTHENTICATED


@contextmanager
def speaking(data):
    """Something that listens and is no rotom."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    stream, _ = server.accept()
                except OSError:
                    return
                with stream:
                    stream.recv(65536)
                    stream.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]",
        b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
    ],
)
def test_what_is_no_server_of_ours(data):
    with speaking(data) as root:
        assert not reach.answers(root)
        with pytest.raises(Problem) as caught:
            reach.model(root, None, None)
        assert caught.value.kind is Kind.UNAVAILABLE
