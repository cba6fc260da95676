"""Which proxy an origin is reached through. The tunnel itself is tested with the transport."""

import pytest

from rotom.problem import Problem
from rotom.upstream.proxies import Proxies, Proxy, loopback


def test_https_proxy_wins_over_all_proxy_and_lower_case_over_upper() -> None:
    environ = {"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://upper:2", "https_proxy": "http://lower:3"}
    assert Proxies.of(environ).choose("provider.example", 443) == Proxy("lower", 3)
    del environ["https_proxy"]
    assert Proxies.of(environ).choose("provider.example", 443) == Proxy("upper", 2)
    del environ["HTTPS_PROXY"]
    assert Proxies.of(environ).choose("provider.example", 443) == Proxy("all", 1)
    assert Proxies.of({"HTTP_PROXY": "http://plain:4"}).choose("provider.example", 443) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LOCALHOST.", "a.localhost"])
def test_loopback_is_never_proxied(host: str) -> None:
    assert loopback(host)
    assert Proxies.of({"HTTPS_PROXY": "http://proxy:1"}).choose(host, 443) is None


@pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1", "0.0.0.0", "notlocalhost"])
def test_what_only_looks_like_loopback(host: str) -> None:
    assert not loopback(host)


@pytest.mark.parametrize(
    ("entry", "host", "direct"),
    [
        ("*", "a.example", True),
        ("example.com", "example.com", True),
        ("example.com", "api.EXAMPLE.com", True),
        (".example.com", "api.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("example.com", "badexample.com", False),
        ("example.com:443", "example.com", True),
        ("example.com:8443", "example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("192.168.1.7", "192.168.1.7", True),
        ("192.168.1.7:443", "192.168.1.7", True),
        ("[fd00::1]:443", "fd00::1", True),
        ("fd00::/8", "fd00::1", True),
        ("", "example.com", False),
        ("other.example, example.com ", "example.com", True),
    ],
)
def test_no_proxy(entry: str, host: str, direct: bool) -> None:
    proxies = Proxies.of({"HTTPS_PROXY": "http://proxy:1", "NO_PROXY": entry})
    assert (proxies.choose(host, 443) is None) is direct


def test_credentials_are_decoded_sent_and_never_shown() -> None:
    proxy = Proxies.of({"HTTPS_PROXY": "http://user:s%3Acret@proxy:8080"}).choose("provider.example", 443)
    assert proxy is not None
    assert proxy.authorization == "Basic dXNlcjpzOmNyZXQ="
    assert repr(proxy) == "Proxy(proxy:8080)"
    assert Proxies.of({"HTTPS_PROXY": "proxy:8080"}).choose("provider.example", 443) == Proxy("proxy", 8080)


@pytest.mark.parametrize("url", ["https://proxy:1", "socks5://u:secret@proxy:1", "http://proxy:99999", "http://"])
def test_kinds_that_are_not_spoken_are_refused_without_their_secrets(url: str) -> None:
    with pytest.raises(Problem) as caught:
        Proxies.of({"HTTPS_PROXY": url}).choose("provider.example", 443)
    assert "HTTPS_PROXY" in caught.value.message
    assert "secret" not in caught.value.message
    assert "secret" not in repr(Proxies.of({"HTTPS_PROXY": url}))
