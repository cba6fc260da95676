"""The Grok login: OpenID Connect at auth.x.ai, as flows.

Facts: the official client 1.0.41 against a stand-in (captured 2026-11), its sources, and what other programs met at xAI in
2026. The client id is public and has no secret. The addresses come from the issuer's discovery document and are *pinned*:
a token or a code goes to https hosts of x.ai alone, or to the very origin that was set as the issuer. Refresh tokens are
single use, and presenting a spent one may end the whole login; so a flow asks once, and who plays it decides when to ask
again. Only ``invalid_grant`` and ``invalid_client`` say that a login is over. There is nothing to revoke: the official
client's logout asks the network nothing.

What is not here: what the tokens say (grok_token.py), and requests to the model service (grok.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import DeviceCode, Flow, Outgoing, Pause, Reply, Token, Verify, oauth
from rotom.providers.grok_models import PROVIDER
from rotom.providers.grok_token import token_from
from rotom.providers.loose import number, object_of
from rotom.providers.openid import checked
from rotom.sse import Json

CLIENT_ID = "b1a00492-073a-47ea-816f-4c329264a828"
SCOPE = "openid profile email offline_access grok-cli:access api:access"
PROXY_SCOPE = "conversations:read conversations:write workspaces:read workspaces:write"
"""What the proxy wants of some accounts besides: without it, it refuses them (reported of another client, 2026). It is
asked for only when the proxy may be used, for it reaches further than questions to a model."""

DOMAIN = "x.ai"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LONGEST_WAIT = 1800.0
DISCOVERY_PAUSES = (0.5, 2.0)

HINT = "run: rotom login --provider grok"

_FINAL = frozenset({"invalid_grant", "invalid_client"})
_DEVICE_ENDS = {
    "access_denied": "the login was refused in the browser",
    "authorization_denied": "the login was refused in the browser",
    "expired_token": "nobody typed the code in time",
}


def login(config: Config) -> Callable[[str], Flow]:
    """The browser login: redirect URI -> flow that returns a Token."""

    def flow(redirect_uri: str) -> Flow:
        known = yield from _discover(config)
        verifier, state, nonce = oauth.new_verifier(), oauth.new_state(), oauth.new_state()
        url = oauth.authorize_url(
            _endpoint(config, known, "authorization_endpoint"),
            {
                "response_type": "code",
                "client_id": CLIENT_ID,
                "redirect_uri": redirect_uri,
                "scope": scope(config),
                "code_challenge": oauth.challenge(verifier),
                "code_challenge_method": "S256",
                "state": state,
                "nonce": nonce,
                # Without a plan, logins from programs that are not on xAI's list were refused (reported, 2026).
                "plan": config.grok_plan,
                "referrer": config.grok_referrer,
            },
        )
        token_endpoint = _endpoint(config, known, "token_endpoint")
        callback = yield from oauth.consent(url, state)
        if callback.code is None:
            raise _denied(callback)
        reply: Reply = yield Outgoing.form(
            token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": callback.code,
                "redirect_uri": redirect_uri,
                "client_id": CLIENT_ID,
                "code_verifier": verifier,
            },
            _identity(config),
        )
        fields = object_of(reply)
        if reply.status != 200 or not isinstance(fields.get("access_token"), str):
            raise _exchange_problem(reply)
        yield from _check(config, known, fields, nonce)
        return _complete(fields, token_endpoint)

    return flow


def login_device(config: Config) -> Callable[[], Flow]:
    """The device login (RFC 8628): a code to type on another machine's browser."""

    def flow() -> Flow:
        known = yield from _discover(config)
        if not known.get("device_authorization_endpoint"):
            raise _no_device_login()
        token_endpoint = _endpoint(config, known, "token_endpoint")
        reply: Reply = yield Outgoing.form(
            _endpoint(config, known, "device_authorization_endpoint"),
            {"client_id": CLIENT_ID, "scope": scope(config), "referrer": config.grok_referrer},
            _identity(config),
        )
        if reply.status == 404 and not oauth.interposed(reply):
            raise _no_device_login()
        asked = object_of(reply)
        code, device = asked.get("user_code"), asked.get("device_code")
        if reply.status != 200 or not isinstance(code, str) or not isinstance(device, str):
            raise _trouble(reply, "asking for a device code")
        address = asked.get("verification_uri_complete") or asked.get("verification_uri")
        if not isinstance(address, str) or not _pinned(config, address):
            raise _not_pinned("verification_uri")
        lasts = min(number(asked.get("expires_in")) or 600.0, LONGEST_WAIT)
        yield DeviceCode(address, oauth.printable(code), lasts)
        fields = yield from _polled(config, token_endpoint, device, lasts, _interval(asked.get("interval")))
        yield from _check(config, known, fields, None)
        return _complete(fields, token_endpoint)

    return flow


def renew(config: Config) -> Callable[[Token, str], Flow]:
    """(token, reason) -> flow that returns the renewed token. It asks once, whatever comes of it."""

    def flow(token: Token, reason: str) -> Flow:
        if token.refresh is None:
            raise Problem(
                Kind.UNAUTHENTICATED, "this login has no refresh token", code="no_refresh", retry=False, hint=HINT
            )
        endpoint = token.extra.get("token_endpoint")
        if not isinstance(endpoint, str) or not _pinned(config, endpoint):
            known = yield from _discover(config)
            endpoint = _endpoint(config, known, "token_endpoint")
        fields = {"grant_type": "refresh_token", "refresh_token": token.refresh, "client_id": CLIENT_ID}
        for name in ("principal_type", "principal_id"):
            if isinstance(value := token.extra.get(name), str):
                fields[name] = value
        reply: Reply = yield Outgoing.form(endpoint, fields, _identity(config))
        given = object_of(reply)
        if reply.status == 200 and isinstance(given.get("access_token"), str):
            return token_from(given, token, endpoint)
        raise _renewal_problem(reply)

    return flow


def revoke(token: Token) -> Flow:
    """xAI has no such call that is known; the login ends where it is kept."""
    yield from ()


def scope(config: Config) -> str:
    """What is asked for."""
    return SCOPE if config.grok_origin == "api" else f"{SCOPE} {PROXY_SCOPE}"


def _discover(config: Config) -> Flow:
    """The issuer's discovery document. Nothing is spent by asking, so it is asked again when there is trouble."""
    for pause in (*DISCOVERY_PAUSES, None):
        try:
            reply: Reply = yield Outgoing.get(
                f"{config.grok_issuer.rstrip('/')}/.well-known/openid-configuration", _identity(config)
            )
            known = object_of(reply)
            if reply.status == 200 and known:
                break
            raise _trouble(reply, "asking for the addresses of the login")
        except Problem as problem:
            if pause is None or problem.retry is False:
                raise
        yield Pause(pause)
    if str(known.get("issuer", "")).rstrip("/") != config.grok_issuer.rstrip("/"):
        raise Problem(
            Kind.UPSTREAM,
            "the login service calls itself by another name than the one it was asked under; nothing was sent to it",
            code="wrong_issuer",
            retry=False,
        )
    return known


def _endpoint(config: Config, known: Json, name: str) -> str:
    value = known.get(name)
    if not isinstance(value, str) or not _pinned(config, value):
        raise _not_pinned(name)
    return value


def _pinned(config: Config, url: str) -> bool:
    """Whether a code or a token may go to this address."""
    try:
        parts, issuer = urlsplit(url), urlsplit(config.grok_issuer)
        port, issuer_port = parts.port, issuer.port
    except ValueError:
        return False
    if "@" in parts.netloc or "\\" in url or not parts.hostname:
        return False
    if (parts.scheme, parts.hostname, port) == (issuer.scheme, issuer.hostname, issuer_port):
        return True
    hosts = parts.hostname, issuer.hostname or ""
    return parts.scheme == "https" and port in (None, 443) and all(f".{host}".endswith(f".{DOMAIN}") for host in hosts)


def _not_pinned(name: str) -> Problem:
    return Problem(
        Kind.UPSTREAM,
        f"the login service names an address outside of {DOMAIN} ({name}); nothing was sent there",
        code="foreign_endpoint",
        retry=False,
    )


def _polled(config: Config, endpoint: str, device: str, lasts: float, interval: float) -> Flow:
    """The token answer, once the person has typed the code."""
    waited = 0.0
    while waited < lasts:
        yield Pause(interval)
        waited += interval
        fields = {"grant_type": DEVICE_GRANT, "device_code": device, "client_id": CLIENT_ID}
        try:
            reply: Reply = yield Outgoing.form(endpoint, fields, _identity(config))
        except Problem:
            continue  # the network had a hiccup; the person is still typing
        given = object_of(reply)
        if reply.status == 200 and isinstance(given.get("access_token"), str):
            return given
        code = None if oauth.interposed(reply) else oauth.error_code(reply)
        if code in _DEVICE_ENDS:
            raise Problem(Kind.FORBIDDEN, _DEVICE_ENDS[code], code=code, hint=f"{HINT} --device")
        if code == "slow_down" or reply.status == 429:
            interval = min(interval + 5, 60.0)
        elif code != "authorization_pending" and reply.status < 500 and not oauth.interposed(reply):
            raise _trouble(reply, "waiting for the device login")
    raise Problem(Kind.TIMEOUT, "nobody typed the code in time", code="expired_token", hint=f"{HINT} --device")


def _check(config: Config, known: Json, fields: Json, nonce: str | None) -> Flow:
    """Whether the ID token is for this login and signed by the issuer; a login of a team has none.

    Where the issuer's keys cannot be had, TLS vouches for it (OpenID Connect Core 3.1.3.7): the code is spent by now, and a
    login must not be lost to a page that is down.
    """
    token, address = fields.get("id_token"), known.get("jwks_uri")
    if token is None:
        return
    checked(token, issuer=config.grok_issuer, audience=CLIENT_ID, nonce=nonce, now=time.time(), provider=PROVIDER)
    if not isinstance(address, str) or not _pinned(config, address):
        return
    try:
        reply: Reply = yield Outgoing.get(address, _identity(config))
    except Problem:
        return
    keys = object_of(reply)
    if reply.status == 200 and isinstance(keys.get("keys"), list):
        yield Verify(token, keys, PROVIDER)


def _complete(fields: Json, token_endpoint: str) -> Token:
    token = token_from(fields, None, token_endpoint)
    if token.refresh is None:
        raise Problem(Kind.UPSTREAM, "xAI gave no refresh token, so the login would end in a few hours", hint=HINT)
    return token


def _identity(config: Config) -> tuple[tuple[str, str], ...]:
    return (("user-agent", config.grok_user_agent), ("accept", "application/json"))


def _no_device_login() -> Problem:
    return Problem(
        Kind.NOT_FOUND,
        "xAI does not offer the device login here",
        code="no_device_login",
        hint=f"{HINT} --no-browser",
    )


def _denied(callback: oauth.Callback) -> Problem:
    words, error = oauth.printable(callback.description or ""), oauth.printable(callback.error or "")
    if error == "access_denied":
        message = "the consent was refused in the browser"
    elif error == "invalid_scope":
        message = "xAI does not grant this account what rotom asks for"
    else:
        message = f"xAI ended the login with {error}"
    return Problem(Kind.FORBIDDEN, message + (f": {words}" if words else ""), code=error, hint=HINT)


def _exchange_problem(reply: Reply) -> Problem:
    if 400 <= reply.status < 404 and not oauth.interposed(reply):
        words = oauth.error_words(reply) or oauth.error_code(reply) or f"status {reply.status}"
        return Problem(
            Kind.UNAUTHENTICATED,
            f"xAI did not take the code: {words.rstrip('.')}. A code is good once and for a few minutes only",
            code=oauth.error_code(reply),
            hint=HINT,
        )
    return _trouble(reply, "exchanging the code")


def _renewal_problem(reply: Reply) -> Problem:
    code, words = oauth.error_code(reply), oauth.error_words(reply)
    if not oauth.interposed(reply):
        if code in _FINAL:
            said = words or "it was used twice, or ended at xAI"
            message = f"the Grok login is over: {said.rstrip('.')}"
            return Problem(Kind.UNAUTHENTICATED, message, code=code, retry=False, hint=HINT)
        if reply.status == 403:
            # A verdict on what the account may do, not on the login (reported of another client, 2026).
            message = (
                f"xAI does not renew this login for now: {words or code or 'the plan of the account does not allow it'}"
            )
            return Problem(Kind.FORBIDDEN, message, code="tier_denied", retry=False)
    return _trouble(reply, "renewing the login")


def _trouble(reply: Reply, doing: str) -> Problem:
    return oauth.trouble(reply, "xAI", doing)


def _interval(value: object) -> float:
    return min(max(number(value) or 5.0, 1.0), 60.0)
