"""Proxies: which one an origin is reached through, as the environment says, and the tunnel through it.

httpx ignores the environment's proxies as soon as it is given a transport, and ours has to be the one path for TLS,
proxies and WebSockets, so the rules are here: ``HTTPS_PROXY`` (or ``ALL_PROXY``, in either case of letters), ``NO_PROXY``
with names, domain suffixes, addresses, networks and ports, and CONNECT with the credentials of the proxy's URL.
Loopback never goes through a proxy. Plain HTTP goes to loopback only (transport.py), so ``HTTP_PROXY`` is never looked at.

What is not here: proxies that are themselves spoken to over TLS, and SOCKS; naming one is refused with a clear message.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

import h11
import httpx

from rotom.problem import Kind, Problem
from rotom.wire import Wire


@dataclass(frozen=True, slots=True, repr=False)
class Proxy:
    """One HTTP proxy. Its repr shows no secret."""

    host: str
    port: int
    authorization: str | None = None

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Proxies:
    """The environment's proxy for TLS origins, and the hosts that are reached without it.

    Fields:
      name: the variable that named it, for messages.
      url: the proxy's URL; None: no proxy.
      direct: what NO_PROXY lists, in lower case.
    """

    name: str = ""
    url: str | None = field(default=None, repr=False)
    direct: tuple[str, ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Proxies:
        """As the environment says. Lower-case names win, as everywhere."""
        name = next(
            (name for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY") if environ.get(name)), ""
        )
        listed = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        direct = tuple(entry for part in listed.split(",") if (entry := part.strip().lower()))
        return cls(name, environ.get(name), direct)

    def choose(self, host: str, port: int) -> Proxy | None:
        """The proxy to reach `host` through, or None to go there directly.

        Raises:
          Problem: INVALID when the proxy is of a kind that is not spoken here.
        """
        if self.url is None or loopback(host) or any(_covers(entry, host, port) for entry in self.direct):
            return None
        url = self.url if "://" in self.url else f"http://{self.url}"
        try:
            parts = urlsplit(url)
            proxy_port = parts.port or 80
        except ValueError:
            raise Problem(Kind.INVALID, f"{self.name} is not a URL; write http://HOST:PORT") from None
        if parts.scheme != "http" or not parts.hostname:
            raise Problem(
                Kind.INVALID,
                f"{self.name} names a proxy of a kind that is not supported ({parts.scheme}://); "
                "set it to an HTTP proxy, http://HOST:PORT (what goes through it is encrypted all the same)",
                code="proxy_not_supported",
                retry=False,
            )
        authorization = None
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + base64.b64encode(secret.encode()).decode()
        return Proxy(parts.hostname, proxy_port, authorization)


def loopback(host: str) -> bool:
    """Whether `host` is this machine for sure: a loopback address or localhost."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _covers(entry: str, host: str, port: int) -> bool:
    # One entry of NO_PROXY: *, example.com or .example.com (both cover subdomains), name:port, an address, a network.
    if entry == "*":
        return True
    host = host.lower().strip("[]")
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, digits = entry.rpartition(":")
    if colon and digits.isdigit() and (":" not in name or name.endswith("]")):
        if int(digits) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*").removeprefix(".")
    return host == entry or host.endswith("." + entry)


async def tunnel(wire: Wire, host: str, port: int, proxy: Proxy) -> None:
    """Make `wire`, which leads to the proxy, lead to `host`.

    Raises:
      httpx.ProxyError: the proxy would not. OSError and Trio's resource errors: the connection to it broke.
    """
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = [("Host", target)]
    if proxy.authorization:
        headers.append(("Proxy-Authorization", proxy.authorization))
    conn = h11.Connection(h11.CLIENT)
    await wire.send_all(conn.send(h11.Request(method="CONNECT", target=target, headers=headers)) or b"")
    try:
        while not isinstance(event := conn.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                conn.receive_data(await wire.receive_some())
            elif not isinstance(event, h11.InformationalResponse):
                raise httpx.ProxyError(f"the proxy {proxy.host} closed the connection without an answer")
    except h11.RemoteProtocolError:
        raise httpx.ProxyError(f"the proxy {proxy.host} does not speak HTTP") from None
    if event.status_code == 407:
        raise httpx.ProxyError(
            f"the proxy {proxy.host} wants a user name and a password (407); "
            "put them in the proxy's URL: http://USER:PASSWORD@HOST:PORT"
        )
    if not 200 <= event.status_code < 300:
        raise httpx.ProxyError(f"the proxy {proxy.host} refused to connect to {target} ({event.status_code})")
    if conn.trailing_data[0]:
        raise httpx.ProxyError(f"the proxy {proxy.host} spoke where {host} should")
