"""The guard: what every request must pass before anything of it is looked at.

rotom listens beside a web browser, so any page a person visits can send requests here. The guard's rules, in their order:

1. Host names an address of this machine that we serve, or one that the person allowed. A page that had its own name
   resolve to 127.0.0.1 (DNS rebinding) comes with its own Host and ends here.
2. Origin and Sec-Fetch-Site, which browsers add and pages cannot forge, must not be foreign, unless the person allowed
   that origin; then, and only then, the answer carries the CORS headers for exactly that origin.
3. The local key, when there is one, compared in constant time, from ``authorization: Bearer`` or ``x-api-key``. If both
   are sent, both must be right: no header is a side door.
4. The body's content type is one that the route takes. JSON a page cannot send without asking first (a preflight, which
   ends at rule 2). A form (multipart/form-data) it can, so routes that take one rest on rule 2 alone: browsers put an
   Origin on each POST, whatever it carries.

One function, `check`, holds 1 to 3 for plain requests and WebSocket upgrades alike; `media_type` is the fourth.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from rotom.problem import Kind, Problem

PUBLIC = frozenset({("GET", "/health"), ("HEAD", "/")})
"""What needs no key."""

MIN_KEY = 16
"""The shortest key, in characters, that may guard an address which other machines can reach."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the person allowed. `hosts` are lower-case names or literals without a port, `origins` exact origins."""

    key: str | None = None
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()


def check(rules: Rules, method: str, path: str, headers: Mapping[str, str], local: str) -> list[tuple[str, str]]:
    """Let a request pass, or not.

    Arguments:
      headers: lower-case names.
      local: ``ADDRESS:PORT`` that the client reached.

    Returns: the CORS headers that its answer must carry; nearly always none.

    Raises:
      Problem: FORBIDDEN or UNAUTHENTICATED.
    """
    _host(rules, headers.get("host", ""), local)
    cors = from_origin(rules, headers)
    if not (cors and method == "OPTIONS") and (method, path) not in PUBLIC:
        _key(rules, headers)
    return cors


def _host(rules: Rules, host: str, local: str) -> None:
    name = hostname(host)
    if name is None:
        raise Problem(Kind.FORBIDDEN, "the request names no Host that could be checked", code="host_not_allowed")
    if name == "localhost" or name in rules.hosts or name == hostname(local):
        return
    if _is_loopback(name):
        return
    raise Problem(
        Kind.FORBIDDEN,
        f"requests for the host {name[:100]!r} are refused; if it is this machine, start rotom with --allow-host NAME",
        code="host_not_allowed",
    )


def hostname(host: str) -> str | None:
    """The name in a Host value, without port, in lower case; None when there is none.

    A literal comes in its one usual form, so that two spellings of an address are equal: without brackets, and an IPv4
    address that is written as an IPv6 one (as dual-stack sockets report it) as what it is.
    """
    host = host.strip().lower()
    literal = host.startswith("[")
    if literal:
        name, closed, port = host[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            return None
    else:
        name, _, port = host.partition(":")
    port = port.removeprefix(":")
    if not name or (port and not (port.isascii() and port.isdigit())):
        return None
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None if literal else name.removesuffix(".")
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def from_origin(rules: Rules, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """The CORS headers for where a request comes from.

    Raises:
      Problem: FORBIDDEN.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none").strip().lower()
    if origin is not None and origin in rules.origins:
        cors = [("access-control-allow-origin", origin), ("vary", "Origin")]
        if asked := headers.get("access-control-request-method"):
            cors += [
                ("access-control-allow-methods", "GET, POST, DELETE" if asked in ("GET", "POST", "DELETE") else ""),
                ("access-control-allow-headers", headers.get("access-control-request-headers", "")),
                ("access-control-max-age", "600"),
            ]
        else:
            # Nothing in them is a secret of another origin's: rate limits, the request's id, what was not honoured.
            cors.append(("access-control-expose-headers", "*"))
        return cors
    if origin is not None and not _same(origin, headers.get("host", "")):
        raise Problem(
            Kind.FORBIDDEN,
            f"requests from the web origin {origin[:100]!r} are refused; --allow-origin ORIGIN lets one in",
            code="origin_not_allowed",
        )
    if site not in ("same-origin", "none"):
        raise Problem(
            Kind.FORBIDDEN, "requests from other web sites are refused; see --allow-origin", code="origin_not_allowed"
        )
    return []


def _same(origin: str, host: str) -> bool:
    """Whether the origin is rotom's own: plain http at the very Host of the request."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.netloc.lower() == host.strip().lower()


def _key(rules: Rules, headers: Mapping[str, str]) -> None:
    if rules.key is None:
        return
    given = []
    if "x-api-key" in headers:
        given.append(headers["x-api-key"])
    if "authorization" in headers:
        scheme, _, token = headers["authorization"].partition(" ")
        given.append(token.strip() if scheme.lower() == "bearer" else "")
    want = rules.key.encode()
    right = [hmac.compare_digest(value.encode("latin-1", "backslashreplace"), want) for value in given]  # as it came
    if right and all(right):
        return
    what = "is not the local key" if given else "is missing"
    raise Problem(
        Kind.UNAUTHENTICATED,
        # Not a word of the other header: Claude Code shows "Not logged in" in place of any message that has its name in it
        # (seen in 2.1.330, 2026-11).
        f"the key {what}: send rotom's local key (its api_key setting) as 'authorization: Bearer KEY', for Claude Code in "
        "ANTHROPIC_AUTH_TOKEN",
        code="invalid_api_key",
        retry=False,
    )


def media_type(accepts: Collection[str], headers: Mapping[str, str]) -> None:
    """Check the content type of a body.

    Raises:
      Problem: MEDIA_TYPE.
    """
    if not accepts:
        return
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in accepts:
        raise Problem(
            Kind.MEDIA_TYPE,
            f"the body must be {' or '.join(accepts)}; content-type says {given[:100] or 'nothing'!r}",
            code="unsupported_media_type",
        )


def require_key(loopback: bool, key: str | None) -> None:
    """Refuse to serve other machines without a good key.

    Raises:
      Problem: INVALID.
    """
    if not loopback and (key is None or len(key) < MIN_KEY):
        raise Problem(
            Kind.INVALID,
            f"other machines could reach this address, so a local key of at least {MIN_KEY} characters is needed",
            code="key_needed",
            hint="set one: openssl rand -hex 24 | rotom config set api_key -",
        )
