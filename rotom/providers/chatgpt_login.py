"""Sign in with ChatGPT for programs that run on a person's own machine, as flows. Built from OpenAI's public documentation
and what independent implementations of it do (2026-10); never tried against the real service.

Theory of operation: the program has no client id. The first consent is asked for ``dynamic_agent_client``, and what comes
back names the one that was issued; the token keeps it, and later logins use it, together with hints of who it was. The plan
may be used only when the grant says so (the scope ``chatgpt.tokens.use.direct``).

A refresh token may be used only from ``earliest_refresh_at`` on, some minutes before the access token ends: before that it
is refused *and spent*. So that moment is kept with the token, by this machine's clock, and nothing renews before it.

What is not here: the signature of the ID token (the step `Verify`), and requests to the models (chatgpt.py).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Earlier, Flow, Outgoing, Reply, Token, Verify, oauth, openid
from rotom.providers.loose import number, object_in, object_of, text
from rotom.providers.openai_token import AUTH_CLAIM
from rotom.sse import Json

NEWCOMER = "dynamic_agent_client"
SCOPE = "openid profile email offline_access resource.invoke chatgpt.tokens.use.direct"
PLAN = "chatgpt.tokens.use.direct"
HINT = "run: rotom login --provider chatgpt"

OVER = frozenset({"invalid_grant", "invalid_client", "unauthorized_client"})
"""Error codes of a renewal that are final."""

MILLISECONDS = 1e11  # a moment later than this many seconds is in milliseconds


def login(config: Config) -> Callable[[str], Flow]:
    """The browser login: redirect URI -> flow that returns a Token."""

    def flow(redirect_uri: str) -> Flow:
        earlier: Token | None = yield Earlier()
        known = earlier.extra if earlier is not None else {}
        host, client = known.get("host_id") or f"urn:uuid:{uuid.uuid4()}", known.get("client_id") or NEWCOMER
        verifier, state, nonce = oauth.new_verifier(), oauth.new_state(), oauth.new_state()
        fields = {"client_id": client, "ext_agent_host_id": host}
        if client == NEWCOMER:
            fields["agent_name_hint"] = "rotom"
        elif earlier is not None:
            hints = {"id_token_hint": known.get("id_token"), "login_hint": earlier.email}
            fields |= {name: hint for name, hint in hints.items() if hint}
            fields |= {} if known.get("plan_granted") else {"prompt": "consent"}
        fields |= {
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "resource": config.chatgpt_base_url,
            "state": state,
            "nonce": nonce,
            "code_challenge": oauth.challenge(verifier),
            "code_challenge_method": "S256",
        }
        url = oauth.authorize_url(f"{config.chatgpt_issuer}/api/accounts/authorize", fields)
        callback = yield from oauth.consent(url, state)
        if callback.code is None:
            raise _denied(callback)
        issued = _issued(client, callback.client_id)
        reply: Reply = yield Outgoing.form(
            f"{config.chatgpt_issuer}/api/accounts/oauth/token",
            {
                "grant_type": "authorization_code",
                "client_id": issued,
                "code": callback.code,
                "redirect_uri": redirect_uri,
                "code_verifier": verifier,
                "resource": config.chatgpt_base_url,
            },
        )
        given = object_of(reply)
        if reply.status != 200 or not isinstance(given.get("access_token"), str) or not given.get("refresh_token"):
            raise _trouble(reply, "exchanging the code")
        now = time.time()
        claims = openid.checked(
            given.get("id_token"),
            issuer=config.chatgpt_issuer,
            audience=issued,
            nonce=nonce,
            now=now,
            provider="chatgpt",
        )
        keys: Reply = yield Outgoing.get(f"{config.chatgpt_issuer}/.well-known/jwks.json")
        yield Verify(str(given["id_token"]), object_of(keys), "chatgpt")
        scopes = str(given.get("scope", "")).split()
        if PLAN not in scopes:
            raise Problem(
                Kind.FORBIDDEN,
                "the login was given without the permission to use the ChatGPT plan, so nothing could be asked with it. "
                "Log in again and allow it; it needs a Plus or Pro plan",
                code="plan_not_granted",
                hint=HINT,
            )
        token = _token(given, reply, None, now)
        extra = {"client_id": issued, "host_id": host, "id_token": given["id_token"], "plan_granted": True}
        return replace(token, email=text(claims.get("email")), extra={**token.extra, **extra})

    return flow


def renew(config: Config) -> Callable[[Token, str], Flow]:
    """(token, reason) -> flow that returns the renewed token. Not to be played before `renewable_at`."""

    def flow(token: Token, reason: str) -> Flow:
        if token.refresh is None:
            message = "this login has no refresh token"
            raise Problem(Kind.UNAUTHENTICATED, message, code="no_refresh", retry=False, hint=HINT)
        reply: Reply = yield Outgoing.form(
            f"{config.chatgpt_issuer}/api/accounts/oauth/token",
            {
                "grant_type": "refresh_token",
                "client_id": str(token.extra.get("client_id")),
                "refresh_token": token.refresh,
                "resource": config.chatgpt_base_url,
            },
        )
        fields = object_of(reply)
        if reply.status == 200 and isinstance(fields.get("access_token"), str):
            if "scope" in fields and PLAN not in str(fields["scope"]).split():
                message = "the permission to use the ChatGPT plan was taken back; log in again to give it"
                raise Problem(Kind.UNAUTHENTICATED, message, code="plan_not_granted", retry=False, hint=HINT)
            return _token(fields, reply, token, time.time())
        code = oauth.error_code(reply)
        if code in OVER and not oauth.interposed(reply):
            words = oauth.error_words(reply) or str(code)
            message = f"the ChatGPT login is over: {words}"
            raise Problem(Kind.UNAUTHENTICATED, message, code=code, retry=False, hint=HINT)
        raise _trouble(reply, "renewing the login")

    return flow


def revoke(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that ends the login at OpenAI."""

    def flow(token: Token) -> Flow:
        fields = {"token": token.refresh or token.access, "client_id": str(token.extra.get("client_id"))}
        reply: Reply = yield Outgoing.form(f"{config.chatgpt_issuer}/api/accounts/oauth/revoke", fields)
        if not 200 <= reply.status < 300:
            raise _trouble(reply, "ending the login")

    return flow


def _issued(asked: str, given: str | None) -> str:
    """The client id to go on with."""
    if asked != NEWCOMER and given in (None, asked):
        return asked
    if asked == NEWCOMER and given not in (None, NEWCOMER):
        return str(given)
    what = "no client id of its own" if given in (None, NEWCOMER) else "another client id than the one it had"
    raise Problem(
        Kind.FORBIDDEN,
        f"the login was not taken: it came back with {what}. If only a code was pasted, paste the whole address",
        code="client_id",
        hint=HINT,
    )


def _token(fields: Json, reply: Reply, old: Token | None, now: float) -> Token:
    """The token of an answer; what is missing in it stays as it was."""
    access = str(fields["access_token"])
    claims, person = oauth.claims(access), oauth.claims(fields.get("id_token"))
    auth = {**object_in(claims.get(AUTH_CLAIM)), **object_in(person.get(AUTH_CLAIM))}
    # A clock that is ahead would renew too early, and that spends the token: moments are taken by the issuer's clock.
    ahead = now - _told(reply, claims, now)
    expires_at, lifetime = number(claims.get("exp")), number(fields.get("expires_in"))
    if lifetime is not None:
        expires_at = now + lifetime
    elif expires_at is not None:
        expires_at += ahead
    extra: dict[str, Any] = dict(old.extra) if old else {}
    earliest = _moment(fields.get("earliest_refresh_at"))
    extra["renewable_at"] = earliest + ahead if earliest is not None else None
    if isinstance(fields.get("id_token"), str):
        extra["id_token"] = fields["id_token"]
    return Token(
        access=access,
        refresh=text(fields.get("refresh_token")) or (old.refresh if old else None),
        expires_at=expires_at,
        account_id=text(auth.get("chatgpt_account_id"))
        or (old.account_id if old else None)
        or text(claims.get("sub"))
        or text(person.get("sub")),
        email=text(person.get("email")) or (old.email if old else None),
        plan=text(auth.get("chatgpt_plan_type")) or (old.plan if old else None),
        obtained_at=now,
        extra=extra,
    )


def _told(reply: Reply, claims: Json, now: float) -> float:
    """What time it is at the issuer: as its answer says, else as the token does, else as it is here."""
    try:
        return parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return number(claims.get("iat")) or now


def _moment(value: object) -> float | None:
    """Unix seconds, from seconds, milliseconds, or a date in ISO 8601."""
    if isinstance(value, str) and "T" in value:
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    small = number(value)
    return small if small is not None and small < MILLISECONDS else number(_thousandth(value))


def _thousandth(value: float | str) -> float | None:
    try:
        return float(value) / 1000
    except (ValueError, OverflowError):
        return None


def _denied(callback: oauth.Callback) -> Problem:
    words, error = oauth.printable(callback.description or ""), oauth.printable(callback.error or "")
    if error == "access_denied":
        message = "the consent was refused in the browser" + (f": {words}" if words else "")
    else:
        message = f"OpenAI ended the login with {error}" + (f": {words}" if words else "")
    return Problem(Kind.FORBIDDEN, message, code=error, hint=HINT)


def _trouble(reply: Reply, doing: str) -> Problem:
    return oauth.trouble(reply, "OpenAI", doing)
