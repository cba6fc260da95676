"""The login of Codex: "Sign in with ChatGPT" at auth.openai.com, as flows.

Facts from captures of Codex CLI 0.169.0 (2026-11): the browser login is PKCE with a loopback redirect on port 1455 or
1457, the only ones its client id may use; the device login is OpenAI's own, not RFC 8628; a renewal is a JSON POST and
brings a new refresh token, and presenting a spent one may end the whole login. Errors of renewals are told apart as the
CLI does: three codes, and any other 401, are a verdict; everything else may work later.

What is not here: what the tokens say (openai_token.py), and requests to the model service (openai.py).
"""

from __future__ import annotations

from collections.abc import Callable

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import DeviceCode, Flow, Outgoing, Pause, Reply, Token, oauth
from rotom.providers.loose import number, object_of
from rotom.providers.openai_token import token_from

CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
SCOPE = "openid profile email offline_access"  # the CLI asks for its connectors too; we do not use them
DEVICE_SECONDS = 900.0

HINT = "run: rotom login --provider openai"

OVER = {
    "refresh_token_expired": "it was not used for too long",
    "refresh_token_reused": "its refresh token was used twice: another program shares this login, or a renewal was cut off",
    "refresh_token_invalidated": "it was ended at OpenAI, by a logout or a changed password",
    "token_invalidated": "it was ended at OpenAI",
    "account_deactivated": "the account is deactivated",
    "account_suspended": "the account is suspended",
}
"""Error codes of a renewal that are final, and what they mean."""


def login(config: Config) -> Callable[[str], Flow]:
    """The browser login: redirect URI -> flow that returns a Token."""

    def flow(redirect_uri: str) -> Flow:
        verifier, state = oauth.new_verifier(), oauth.new_state()
        url = oauth.authorize_url(
            f"{config.openai_issuer}/oauth/authorize",
            {
                "response_type": "code",
                "client_id": CLIENT_ID,
                "redirect_uri": redirect_uri,
                "code_challenge": oauth.challenge(verifier),
                "code_challenge_method": "S256",
                "state": state,
                "scope": SCOPE,
                "id_token_add_organizations": "true",
                "codex_cli_simplified_flow": "true",
                "originator": config.openai_originator,
            },
        )
        callback = yield from oauth.consent(url, state)
        if callback.code is None:
            raise _denied(callback)
        return (yield from _exchange(config, callback.code, redirect_uri, verifier))

    return flow


def login_device(config: Config) -> Callable[[], Flow]:
    """The device login: a code to type on another machine's browser."""
    accounts = f"{config.openai_issuer}/api/accounts/deviceauth"

    def flow() -> Flow:
        reply = yield Outgoing.json(f"{accounts}/usercode", {"client_id": CLIENT_ID})
        asked = object_of(reply)
        if reply.status == 404 and not oauth.interposed(reply):
            raise Problem(
                Kind.NOT_FOUND,
                "OpenAI does not offer the device login here",
                code="no_device_login",
                hint="run: rotom login --provider openai --no-browser",
            )
        code = asked.get("user_code") or asked.get("usercode")
        device = asked.get("device_auth_id")
        if reply.status != 200 or not code or not device:
            raise _trouble(reply, "asking for a device code")
        interval = _interval(asked.get("interval"))
        yield DeviceCode(f"{config.openai_issuer}/codex/device", str(code), DEVICE_SECONDS)
        waited = 0.0
        while waited < DEVICE_SECONDS:
            yield Pause(interval)
            waited += interval
            try:
                reply = yield Outgoing.json(f"{accounts}/token", {"device_auth_id": device, "user_code": code})
            except Problem:
                continue  # the network had a hiccup; the person is still typing
            if reply.status == 200:
                given = object_of(reply)
                if not given.get("authorization_code") or not given.get("code_verifier"):
                    raise _trouble(reply, "waiting for the device login")
                redirect_uri = f"{config.openai_issuer}/deviceauth/callback"
                code_, verifier = str(given["authorization_code"]), str(given["code_verifier"])
                return (yield from _exchange(config, code_, redirect_uri, verifier))
            if reply.status == 429:
                interval = min(interval + 5, 30.0)
            elif reply.status not in (403, 404) and reply.status < 500:
                raise _trouble(reply, "waiting for the device login")
        raise Problem(Kind.TIMEOUT, "nobody typed the code within 15 minutes", hint=HINT + " --device")

    return flow


def renew(config: Config) -> Callable[[Token, str], Flow]:
    """(token, reason) -> flow that returns the renewed token; `reason` is what OpenAI calls it: ``proactive_expiry`` or
    ``unauthorized_recovery``."""

    def flow(token: Token, reason: str) -> Flow:
        if token.refresh is None:
            raise Problem(
                Kind.UNAUTHENTICATED, "this login has no refresh token", code="no_refresh", retry=False, hint=HINT
            )
        reply = yield Outgoing.json(
            f"{config.openai_issuer}/oauth/token",
            {
                "client_id": CLIENT_ID,
                "grant_type": "refresh_token",
                "refresh_reason": reason if reason == "unauthorized_recovery" else "proactive_expiry",
                "refresh_token": token.refresh,
            },
            _identity(config),
        )
        fields = object_of(reply)
        if reply.status == 200 and (fields.get("access_token") or fields.get("refresh_token")):
            return token_from(fields, token)
        raise _renewal_problem(reply)

    return flow


def revoke(config: Config) -> Callable[[Token], Flow]:
    """token -> flow that ends the login at OpenAI."""

    def flow(token: Token) -> Flow:
        if token.refresh is not None:
            body = {"token": token.refresh, "token_type_hint": "refresh_token", "client_id": CLIENT_ID}
        else:
            body = {"token": token.access, "token_type_hint": "access_token"}
        reply = yield Outgoing.json(f"{config.openai_issuer}/oauth/revoke", body, _identity(config))
        if not 200 <= reply.status < 300:
            raise _trouble(reply, "ending the login")

    return flow


def _exchange(config: Config, code: str, redirect_uri: str, verifier: str) -> Flow:
    reply: Reply = yield Outgoing.form(
        f"{config.openai_issuer}/oauth/token",
        {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        },
        (("accept", "*/*"),),
    )
    fields = object_of(reply)
    if reply.status == 200 and isinstance(fields.get("access_token"), str):
        if not fields.get("refresh_token"):
            raise Problem(
                Kind.UPSTREAM, "OpenAI gave no refresh token, so the login would end in a few days", hint=HINT
            )
        return token_from(fields, None)
    if 400 <= reply.status < 404 and not oauth.interposed(reply):
        words = oauth.error_words(reply) or oauth.error_code(reply) or f"status {reply.status}"
        raise Problem(
            Kind.UNAUTHENTICATED,
            f"OpenAI did not take the code: {words.rstrip('.')}. A code is good once and for a few minutes only",
            code=oauth.error_code(reply),
            hint=HINT,
        )
    raise _trouble(reply, "exchanging the code")


def _identity(config: Config) -> tuple[tuple[str, str], ...]:
    return (("originator", config.openai_originator), ("user-agent", config.openai_user_agent), ("accept", "*/*"))


def _denied(callback: oauth.Callback) -> Problem:
    words = oauth.printable(callback.description or "")
    error = oauth.printable(callback.error or "")
    if "missing_codex_entitlement" in words or "missing_codex_entitlement" in error:
        message = (
            "Codex is not enabled for this workspace: ask its administrator to enable it, "
            "or log in again and choose another workspace"
        )
    elif "workspace" in words.lower():
        message = f"this workspace cannot be used: {words.rstrip('.')}. Log in again and choose another one"
    elif error == "access_denied":
        message = "the consent was refused in the browser" + (f": {words}" if words else "")
    else:
        message = f"OpenAI ended the login with {error}" + (f": {words}" if words else "")
    return Problem(Kind.FORBIDDEN, message, code=error, hint=HINT)


def _renewal_problem(reply: Reply) -> Problem:
    code = oauth.error_code(reply)
    if not oauth.interposed(reply):
        if code in OVER:
            message = f"the OpenAI login is over: {OVER[code]}"
            return Problem(Kind.UNAUTHENTICATED, message, code=code, retry=False, hint=HINT)
        if reply.status == 401:
            words = oauth.error_words(reply) or code or "no reason given"
            message = f"OpenAI refused to renew the login: {words}"
            return Problem(Kind.UNAUTHENTICATED, message, code=code or "refresh_refused", retry=False, hint=HINT)
    return _trouble(reply, "renewing the login")


def _trouble(reply: Reply, doing: str) -> Problem:
    return oauth.trouble(reply, "OpenAI", doing)


def _interval(value: object) -> float:
    return min(max(number(value) or 5.0, 1.0), 60.0)
