"""The one HTTP client towards providers, and network errors as Problems.

It follows no redirect and keeps no cookie: a token goes to the origin that it is meant for and nowhere else, and
accounts leave no trace on each other. It sends exactly the headers of an `Outgoing`; httpx adds host and content-length.

What is not here: what goes over it (ask.py, flows.py), and when to try again (retry.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Outgoing
from rotom.upstream.proxies import Proxies
from rotom.upstream.transport import Transport
from rotom.wire import Wire

WRITE_SECONDS = 60.0
CALL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of one request in seconds; None: none.

    Fields:
      connect: for the connection, proxy and TLS included.
      first_byte: for the head of the answer.
      idle: for each silence in the body of the answer.
      write: for each piece of the request's body.
    """

    connect: float | None = 15.0
    first_byte: float | None = CALL_SECONDS
    idle: float | None = CALL_SECONDS
    write: float | None = WRITE_SECONDS

    @classmethod
    def of(cls, config: Config) -> Limits:
        """Those of a turn, as configured; its silences are the gateway's, under one deadline for the whole answer."""
        return cls(config.connect_timeout, config.first_byte_timeout, None)


class Client(httpx.AsyncClient):
    """httpx's client, with the short way from a request to the transport.

    What httpx does between the two (authentication, redirects, cookies, hooks) are things that a gateway with somebody's
    token must not do, and they cost a fifth of a short turn's CPU.
    """

    def __init__(self, transport: Transport, timeout: httpx.Timeout) -> None:
        super().__init__(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
        self._wires = transport

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Send exactly this request.

        Arguments:
          stream: leave the body to the caller, who closes the response; otherwise it is read.
        """
        response = await self._wires.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response

    async def dial(self, url: str, seconds: float | None) -> Wire:
        """A connection to the origin of `url` for something else than HTTP, by the same proxy and with the same trust.

        Raises:
          Problem: as `problem_of` says.
        """
        with network_problems():
            return await self._wires.dial(_url(url), seconds)


def make_client(config: Config, environ: Mapping[str, str]) -> Client:
    """The client on rotom's own transport, with the environment's proxy and the configured authorities."""
    transport = Transport(lambda: make_context(config.ca_file), Proxies.of(environ))
    timeout = httpx.Timeout(CALL_SECONDS, connect=config.connect_timeout, write=WRITE_SECONDS)
    return Client(transport, timeout)


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """The system's authorities (SSL_CERT_FILE and SSL_CERT_DIR move them, by OpenSSL's own rule) and those in `ca_file`.

    Raises:
      Problem: INVALID when the file cannot be used.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as exc:
            reason = "holds no PEM certificates" if isinstance(exc, ssl.SSLError) else f"cannot be read: {exc.strerror}"
            raise Problem(
                Kind.INVALID, f"ca_file {ca_file} {reason}", code="ca_file", retry=False, hint="rotom config show"
            ) from exc
    return context


@lru_cache(64)
def _url(text: str) -> httpx.URL:
    """The same few addresses are asked all day, and parsing one costs as much as the rest of a request."""
    return httpx.URL(text)


def request_of(outgoing: Outgoing, limits: Limits) -> httpx.Request:
    """The exact request, never compressed on the way back: each byte of a stream is wanted as soon as it is there."""
    headers = [*outgoing.headers]
    if not any(name.lower() == "accept-encoding" for name, _ in headers):
        headers.append(("accept-encoding", "identity"))
    timeout = {
        "connect": limits.connect,
        "read": limits.first_byte,
        "idle": limits.idle,
        "write": limits.write,
        "pool": None,
    }
    try:
        return httpx.Request(
            outgoing.method,
            _url(outgoing.url),
            headers=headers,
            content=outgoing.body or None,
            extensions={"timeout": timeout},
        )
    except (httpx.InvalidURL, UnicodeEncodeError) as exc:
        raise Problem(Kind.INVALID, f"a request to the provider cannot be made: {type(exc).__name__}") from exc


def headers_of(response: httpx.Response) -> dict[str, str]:
    """The answer's headers, lower case. Much quicker than httpx's own mapping, which guesses an encoding for each."""
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in response.headers.raw}


@contextmanager
def network_problems() -> Iterator[None]:
    """What httpx and our transport raise in the block comes out as a `Problem`."""
    try:
        yield
    except httpx.RequestError as exc:
        raise problem_of(exc) from exc


def problem_of(exc: httpx.RequestError) -> Problem:
    """The Problem that a network error is. Codes: connect_timeout, timeout, proxy_error, connect_error, connection_lost."""
    said = str(exc) or type(exc).__name__
    match exc:
        case httpx.ConnectTimeout():
            return Problem(Kind.TIMEOUT, f"{said}; check the network, or the proxy settings", code="connect_timeout")
        case httpx.TimeoutException():
            # A client that tries again by itself would wait as long again, ten times.
            return Problem(Kind.TIMEOUT, said, code="timeout", retry=False)
        case httpx.ProxyError():
            return Problem(Kind.UPSTREAM, said, code="proxy_error", retry=False)
        case httpx.ConnectError() if isinstance(exc.__cause__, ssl.SSLCertVerificationError):
            message = f"{said}; when a proxy in your network signs for it, name its certificate authority by ca_file"
            return Problem(
                Kind.UPSTREAM, message, code="certificate", retry=False, hint="rotom config set ca_file FILE"
            )
        case httpx.ConnectError():
            return Problem(Kind.UPSTREAM, f"{said}; check the network, or the proxy settings", code="connect_error")
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            return Problem(Kind.INVALID, said, code="request_not_sendable")
        case _:
            return Problem(Kind.UPSTREAM, f"the connection to the provider failed: {said}", code="connection_lost")
