"""The simulated OpenAI login: authorize page, device page, tokens with rotation and reuse detection. No I/O.

Theory of operation: a consent makes a *code*; exchanging it starts a *family* of tokens; each refresh replaces the family's
refresh token by the next one. A refresh token that comes a second time was stolen or copied, so the whole family ends, its
live access tokens included: that is what the real issuer does to programs that share a login file (seen by others, 2026).
A code, too, is good for once. Error bodies are of the two forms that the real token endpoint has: ``{"error": {...}}`` for
refresh tokens, ``{"error": "...", "error_description": "..."}`` for everything of the OAuth standard.
"""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from rotom.problem import Kind, Problem
from rotom.simulator.oauth_claims import CLIENT_ID, SCOPES, Account, access_token, id_token
from rotom.simulator.oauth_forms import keep, oauth_error, page, redirect
from rotom.simulator.play import Refused, Reply, error, json_reply, unauthorized
from rotom.sse import Json

REDIRECTS: Final = frozenset(
    f"http://{host}:{port}/auth/callback" for host in ("127.0.0.1", "localhost") for port in (1455, 1457)
)
CODE_SECONDS: Final = 600
DEVICE_SECONDS: Final = 900
DAY: Final = 86_400


@dataclass(slots=True)
class Family:
    """All tokens that come from one consent."""

    account: Account
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    refresh: str = ""
    refreshed: int = 0
    over: str | None = None


@dataclass(slots=True)
class _Code:
    challenge: str
    redirect_uri: str
    expires_at: float
    family: Family | None = None


@dataclass(slots=True)
class _Device:
    id: str
    user_code: str
    expires_at: float
    approved: bool = False


@dataclass(slots=True)
class _Access:
    family: Family
    expires_at: float


class Issuer:
    """The login server.

    Attributes (settable at any time):
      account: who consents next.
      access_seconds: how long access tokens last.
      rotate: whether a refresh gives a new refresh token.
      device_enabled: whether the account allows device codes; device_interval: the pause it asks for.
      refusing: (error, description) that the next consents end with instead of a code.
    """

    def __init__(self, clock: Callable[[], float], account: Account | None = None) -> None:
        self._clock = clock
        self.base = ""
        self.account = account or Account()
        self.access_seconds: float = 10 * DAY
        self.rotate = True
        self.device_enabled = True
        self.device_interval = 5
        self.refusing: tuple[str, str] | None = None
        self._codes: OrderedDict[str, _Code] = OrderedDict()
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._access: OrderedDict[str, _Access] = OrderedDict()
        self._refresh: OrderedDict[str, Family] = OrderedDict()
        self._pages: OrderedDict[str, dict[str, str]] = OrderedDict()

    # The authorize page.

    def authorize(self, query: Mapping[str, str]) -> Reply:
        """The page on which a person consents; a redirect at once with ``auto=1``."""
        try:
            self._check_client(query)
        except Problem as problem:
            return page(400, "Authentication error", f"<p>{html.escape(problem.message)}</p>")
        bad = _bad_authorize(query)
        if bad:
            return redirect(query, error="invalid_request", error_description=bad)
        if query.get("auto") == "1":
            return self.decide(query, allow=True)
        ticket = secrets.token_urlsafe(16)
        keep(self._pages, ticket, dict(query))
        who = html.escape(f"{self.account.email} ({self.account.plan})")
        return page(
            200,
            "Sign in to Codex",
            f"<p>This is a simulated login. Nothing leaves this computer.</p><p>Account: <b>{who}</b></p>"
            f'<p><a href="/oauth/consent?page={ticket}&amp;allow=1">Continue</a> · '
            f'<a href="/oauth/consent?page={ticket}&amp;allow=0">Cancel</a></p>',
        )

    def consent_page(self, query: Mapping[str, str]) -> Reply:
        """Where the links of the page lead."""
        asked = self._pages.pop(query.get("page", ""), None)
        if asked is None:
            return page(400, "Authentication error", "<p>This page was used already, or is too old.</p>")
        return self.decide(asked, allow=query.get("allow") == "1")

    def decide(self, query: Mapping[str, str], *, allow: bool) -> Reply:
        """The redirect to the program that asked."""
        if not allow:
            return redirect(query, error="access_denied", error_description="The user denied the request.")
        if self.refusing:
            return redirect(query, error=self.refusing[0], error_description=self.refusing[1])
        workspace = query.get("allowed_workspace_id")
        if workspace and workspace != self.account.account_id:
            return redirect(query, error="access_denied", error_description="The workspace is not allowed.")
        code = "ac_" + secrets.token_urlsafe(32)
        made = _Code(query["code_challenge"], query["redirect_uri"], self._clock() + CODE_SECONDS)
        keep(self._codes, code, made)
        return redirect(query, code=code, scope=query["scope"])

    def consent(self, url: str, *, allow: bool = True) -> str:
        """What a person's browser is redirected to after consenting at this authorize URL.

        Raises:
          Problem: INVALID when the page would have shown an error instead.
        """
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        self._check_client(query)
        bad = _bad_authorize(query)
        invalid = {"error": "invalid_request", "error_description": bad or ""}
        reply = redirect(query, **invalid) if bad else self.decide(query, allow=allow)
        return dict(reply.headers)["location"]

    def _check_client(self, query: Mapping[str, str]) -> None:
        if query.get("client_id") != CLIENT_ID:
            raise Problem(Kind.INVALID, "unknown client_id", code="invalid_client")
        if query.get("redirect_uri") not in REDIRECTS:
            raise Problem(Kind.INVALID, "redirect_uri is not in the allow-list of this client", code="invalid_request")

    # Device codes.

    def device_start(self, body: Json) -> Reply:
        """A code for a person to type in."""
        if not self.device_enabled:
            return json_reply(404, {"detail": "Not Found"})
        if body.get("client_id") != CLIENT_ID:
            return oauth_error(401, "invalid_client", "Client authentication failed.")
        letters = "BCDFGHJKLMNPQRSTVWXZ"
        user_code = "-".join(
            (
                "".join(secrets.choice(letters) for _ in range(4)),
                "".join(secrets.choice("0123456789") for _ in range(5)),
            )
        )
        device = _Device("deviceauth_" + secrets.token_hex(16), user_code, self._clock() + DEVICE_SECONDS)
        keep(self._devices, device.id, device)
        return json_reply(
            200,
            {
                "device_auth_id": device.id,
                "user_code": user_code,
                "interval": str(self.device_interval),
                "expires_at": datetime.fromtimestamp(device.expires_at, UTC).isoformat(),
            },
        )

    def device_poll(self, body: Json) -> Reply:
        """403 until the person typed the code; then an authorization code with its PKCE pair."""
        device = self._devices.get(str(body.get("device_auth_id")))
        if device is None or device.user_code != body.get("user_code"):
            return error(404, "Device authorization is unknown. Please try again.", "deviceauth_authorization_unknown")
        if device.expires_at <= self._clock():
            return error(410, "Device authorization has expired.", "deviceauth_authorization_expired")
        if not device.approved:
            return error(403, "Device authorization is pending.", "deviceauth_authorization_pending")
        del self._devices[device.id]
        verifier = secrets.token_urlsafe(64)
        code, challenge = "ac_" + secrets.token_urlsafe(32), s256(verifier)
        made = _Code(challenge, f"{self.base}/deviceauth/callback", self._clock() + CODE_SECONDS)
        keep(self._codes, code, made)
        return json_reply(200, {"authorization_code": code, "code_challenge": challenge, "code_verifier": verifier})

    def approve(self, user_code: str) -> bool:
        """A person types the code. Returns whether it was one."""
        for device in self._devices.values():
            if device.user_code == user_code.strip().upper() and device.expires_at > self._clock():
                device.approved = True
                return True
        return False

    def device_page(self, query: Mapping[str, str]) -> Reply:
        """The page for that."""
        code = query.get("user_code")
        if code is None:
            form = '<form><input name="user_code" placeholder="ABCD-12345" autofocus> <button>Continue</button></form>'
            return page(200, "Enter your code", f"<p>This is a simulated login.</p>{form}")
        if self.approve(code):
            return page(200, "Signed in", "<p>You may close this page and return to the terminal.</p>")
        return page(400, "Unknown code", "<p>That code is not known or too old.</p>")

    # Tokens.

    def token(self, fields: Mapping[str, Any]) -> Reply:
        """The token endpoint."""
        if fields.get("client_id") != CLIENT_ID:
            return oauth_error(401, "invalid_client", "Client authentication failed.")
        grant = fields.get("grant_type")
        if grant == "authorization_code":
            return self._exchange(fields)
        if grant == "refresh_token":
            return self._renew(str(fields.get("refresh_token") or ""))
        if grant == "urn:ietf:params:oauth:grant-type:token-exchange":
            return error(401, "Invalid ID token: missing organization_id", "invalid_subject_token")
        return oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported.")

    def _exchange(self, fields: Mapping[str, Any]) -> Reply:
        code = self._codes.get(str(fields.get("code")))
        if code is None or code.expires_at <= self._clock():
            return oauth_error(400, "invalid_grant", "The authorization code is invalid or has expired.")
        if code.family is not None:
            code.family.over = "token_revoked"
            return oauth_error(400, "invalid_grant", "The authorization code has already been used.")
        if fields.get("redirect_uri") != code.redirect_uri:
            return oauth_error(400, "invalid_grant", "The redirect_uri does not match the authorization request.")
        if s256(str(fields.get("code_verifier"))) != code.challenge:
            return oauth_error(400, "invalid_grant", "The PKCE code verifier does not match the challenge.")
        code.family = Family(self.account)
        return self._issue(code.family)

    def _renew(self, token: str) -> Reply:
        family = self._refresh.get(token)
        if family is None:
            return error(401, "Could not validate your refresh token. Please try signing in again.", "invalid_grant")
        if family.over == "refresh_token_expired":
            return error(401, "Your refresh token has expired. Please log in again.", "refresh_token_expired")
        if family.over:
            return error(401, "Your session has ended. Please log in again.", "refresh_token_invalidated")
        if family.refresh != token:
            family.over = "token_revoked"
            return error(
                401,
                "Your refresh token has already been used to generate a new access token. Please try signing in again.",
                "refresh_token_reused",
            )
        family.refreshed += 1
        return self._issue(family)

    def _issue(self, family: Family) -> Reply:
        if self.rotate or not family.refresh:
            family.refresh = "rt_" + secrets.token_urlsafe(64)
            keep(self._refresh, family.refresh, family)
        now = self._clock()
        access = access_token(family.account, family.session, now, self.access_seconds)
        keep(self._access, access, _Access(family, now + self.access_seconds))
        return json_reply(
            200,
            {
                "id_token": id_token(family.account, family.session, now),
                "access_token": access,
                "refresh_token": family.refresh,
                "token_type": "bearer",
                "expires_in": int(self.access_seconds),
                "scope": " ".join(SCOPES),
            },
        )

    def revoke(self, body: Mapping[str, Any]) -> Reply:
        """The revocation endpoint: always 200, as RFC 7009 wants it."""
        token = str(body.get("token"))
        family = self._refresh.get(token)
        access = self._access.get(token)
        if family is None and access is not None:
            family = access.family
        if family is not None:
            family.over = "token_revoked"
        return json_reply(200, {})

    def end(self, why: str = "token_invalidated") -> None:
        """End every login there is: ``token_invalidated``, ``token_revoked``, ``refresh_token_expired``."""
        for family in self._refresh.values():
            family.over = why

    def expire_access(self) -> None:
        """Let every access token end now; refresh tokens stay good."""
        for access in self._access.values():
            access.expires_at = 0.0

    def check(self, authorization: str | None) -> Account:
        """Whose request this is.

        Raises:
          Refused: 401 with the backend's words.
        """
        scheme, _, token = (authorization or "").partition(" ")
        access = self._access.get(token.strip()) if scheme.lower() == "bearer" else None
        if access is None:
            raise Refused(
                unauthorized(
                    "unauthorized_unknown",
                    "Could not parse your authentication token. Please try signing in again.",
                )
            )
        if access.family.over == "token_revoked":
            message = "Encountered invalidated oauth token for user, failing request"
            raise Refused(unauthorized("token_revoked", message))
        if access.family.over == "token_invalidated":
            message = "Your authentication token has been invalidated. Please try signing in again."
            raise Refused(unauthorized("token_invalidated", message))
        if access.expires_at <= self._clock():
            message = "Provided authentication token is expired. Please try signing in again."
            raise Refused(unauthorized("token_expired", message))
        return access.family.account


def s256(verifier: str) -> str:
    """The PKCE challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _bad_authorize(query: Mapping[str, str]) -> str | None:
    """What is wrong with an authorize request, in words; None when nothing is."""
    if query.get("response_type") != "code":
        return "The response_type must be code."
    if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
        return "PKCE with S256 is required."
    if len(query.get("state", "")) < 8:
        return "The state is missing or does not have enough entropy."
    if not {"openid", "offline_access"} <= set(query.get("scope", "").split()):
        return "The scope must have openid and offline_access."
    return None
