"""The simulated issuer of xAI (auth.x.ai): discovery, consent, device codes, tokens with rotation. No I/O.

Theory of operation: as in oauth.py a consent makes a *code*, exchanging it starts a *family* of tokens, and each refresh
replaces the family's refresh token. What differs is what a second use of an old one means: for `grace` seconds after the
replacement it is taken for a retry whose answer was lost, and gets another successor; later it ends the family. Everything
that programs have met in front of this issuer can be switched on: pages of its edge, a tier that is denied, tokens without
a refresh token, short lives.
"""

from __future__ import annotations

import html
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from rotom.problem import Kind, Problem
from rotom.simulator.oauth import s256
from rotom.simulator.oauth_forms import keep, oauth_error, page, redirect
from rotom.simulator.play import Refused, Reply, json_reply
from rotom.simulator.strict_forms import words
from rotom.simulator.xai_claims import ALGORITHMS, CLIENT_ID, Signer, XaiAccount, access_claims, id_claims
from rotom.simulator.xai_forms import BAD_CREDENTIALS, CLOUDFLARE, HTML, flat, nested
from rotom.sse import Json

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES: Final = words(
    "openid profile email offline_access grok-cli:access api:access conversations:read conversations:write workspaces:read"
    " workspaces:write"
)
CODE_SECONDS: Final = 600
DEVICE_SECONDS: Final = 1800
ACCESS_SECONDS: Final = 21_600
SLOWER: Final = 5.0
"""What ``slow_down`` adds to the pause between two polls, by RFC 8628."""

TROUBLES: Final[Mapping[str, Reply]] = {
    "html_403": CLOUDFLARE,
    "503": flat(503, None, "Service temporarily unavailable"),
    "429": flat(429, "rate_limit", "too many requests", ("retry-after", "1")),
    "500": Reply(500, b"<html><body>Internal Server Error</body></html>", (HTML,)),
    "nested": nested(400, "Something about this request is wrong", "invalid_request_error"),
    "tier_denied": flat(403, "permission-denied", "Your plan does not include access to this application."),
}
"""What can stand in front of every answer of the token endpoint, by name."""


@dataclass(slots=True)
class Family:
    """All tokens that come from one consent. `replaced`: old refresh tokens and when they were."""

    account: XaiAccount
    scope: str
    nonce: str | None = None
    refresh: str = ""
    refreshed: int = 0
    over: bool = False
    replaced: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Code:
    asked: Mapping[str, str]
    expires_at: float
    family: Family | None = None


@dataclass(slots=True)
class _Device:
    user_code: str
    scope: str
    expires_at: float
    polled_at: float
    interval: float
    state: str = "authorization_pending"


@dataclass(slots=True)
class _Access:
    family: Family
    expires_at: float


class XaiIssuer:
    """The issuer.

    Arguments:
      clock: unix time. monotonic: seconds of whatever time polls are paced in.

    Attributes (settable at any time):
      base: its own address.
      account: who consents next.
      access_seconds: how long access tokens last. grace: how long a replaced refresh token is still taken, seconds.
      rotate: whether a refresh gives a new refresh token; withhold_refresh: leave it out of every answer.
      device_enabled: whether there are device codes; device_interval: the pause they ask for; None: it is not told.
      device_answers: error codes that the next polls get whatever the person did.
      trouble: a name in TROUBLES that the token endpoint answers with; None: none.
      dead_access: how a dead access token is refused: ``slug``, ``marker`` (older) or ``401``.
      picky: refuse authorize requests without `plan` and `referrer`, as third parties met it.
    """

    def __init__(
        self, clock: Callable[[], float], monotonic: Callable[[], float], account: XaiAccount | None = None
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self.base = ""
        self.account = account or XaiAccount()
        self.signer = Signer()
        self.access_seconds: float = ACCESS_SECONDS
        self.grace = 60.0
        self.rotate = True
        self.withhold_refresh = False
        self.device_enabled = True
        self.device_interval: int | None = 5
        self.device_answers: deque[str] = deque()
        self.trouble: str | None = None
        self.dead_access = "slug"
        self.picky = True
        self.refusing: tuple[str, str] | None = None
        self._codes: OrderedDict[str, _Code] = OrderedDict()
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._access: OrderedDict[str, _Access] = OrderedDict()
        self._refresh: OrderedDict[str, Family] = OrderedDict()
        self._pages: OrderedDict[str, dict[str, str]] = OrderedDict()

    def discovery(self) -> Reply:
        """The OpenID configuration. The addresses of the keys and of the device page are inventions."""
        return json_reply(
            200,
            {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/oauth2/authorize",
                "token_endpoint": f"{self.base}/oauth2/token",
                "device_authorization_endpoint": f"{self.base}/oauth2/device/code",
                "jwks_uri": f"{self.base}/.well-known/jwks.json",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "id_token_signing_alg_values_supported": list(ALGORITHMS),
                "subject_types_supported": ["public"],
                "scopes_supported": sorted(SCOPES),
            },
        )

    def jwks(self) -> Reply:
        """The keys that tokens are signed with."""
        return json_reply(200, self.signer.keys())

    # Consent.

    def authorize(self, query: Mapping[str, str], *, person: bool = False) -> Reply:
        """A redirect with a code, or, for a person's browser, the page to consent on."""
        try:
            self._check_client(query)
        except Problem as problem:
            return page(400, "Sign in failed", f"<p>{html.escape(problem.message)}</p>")
        if bad := _bad_authorize(query):
            return redirect(query, error=bad[0], error_description=bad[1])
        if not person:
            return self.decide(query, allow=True)
        ticket = secrets.token_urlsafe(16)
        keep(self._pages, ticket, dict(query))
        who = html.escape(f"{self.account.email} ({self.account.subscription or 'no subscription'})")
        link = f"{urlsplit(self.base).path}/oauth2/consent?page={ticket}"
        return page(
            200,
            "Sign in with xAI",
            f"<p>This is a simulated login. Nothing leaves this computer.</p><p>Account: <b>{who}</b></p>"
            f'<p><a href="{link}&amp;allow=1">Continue</a> · <a href="{link}&amp;allow=0">Cancel</a></p>',
        )

    def consent_page(self, query: Mapping[str, str]) -> Reply:
        """Where the links of the page lead."""
        asked = self._pages.pop(query.get("page", ""), None)
        if asked is None:
            return page(400, "Sign in failed", "<p>This page was used already, or is too old.</p>")
        return self.decide(asked, allow=query.get("allow") == "1")

    def decide(self, query: Mapping[str, str], *, allow: bool) -> Reply:
        """The redirect to the program that asked."""
        if not allow:
            return redirect(query, error="access_denied", error_description="The user denied the request.")
        if self.refusing:
            return redirect(query, error=self.refusing[0], error_description=self.refusing[1])
        code = secrets.token_urlsafe(32)
        keep(self._codes, code, _Code(dict(query), self._clock() + CODE_SECONDS))
        return redirect(query, code=code)

    def consent(self, url: str, *, allow: bool = True) -> str:
        """What a person's browser is redirected to after consenting at this authorize URL.

        Raises:
          Problem: INVALID when the page would have shown an error instead.
        """
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        self._check_client(query)
        bad = _bad_authorize(query)
        reply = redirect(query, error=bad[0], error_description=bad[1]) if bad else self.decide(query, allow=allow)
        return dict(reply.headers)["location"]

    def _check_client(self, query: Mapping[str, str]) -> None:
        if query.get("client_id") != CLIENT_ID:
            raise Problem(Kind.INVALID, "unknown client_id", code="invalid_client")
        parts = urlsplit(query.get("redirect_uri", ""))
        # Grok's CLI 1.0.41 takes any free port and "/callback"; the host is this literal, never "localhost".
        if parts.scheme != "http" or parts.hostname != "127.0.0.1" or parts.path != "/callback" or parts.query:
            raise Problem(Kind.INVALID, "redirect_uri is not registered for this client", code="invalid_request")
        if self.picky and not query.get("referrer"):
            raise Problem(Kind.INVALID, "this client is not allowed here", code="invalid_client")
        if self.picky and query["referrer"] != "grok-build" and query.get("plan") != "generic":
            raise Problem(Kind.INVALID, "loopback sign-in is not allowed for this client", code="invalid_request")

    # Device codes.

    def device_start(self, fields: Mapping[str, Any]) -> Reply:
        """A code for a person to type in."""
        if not self.device_enabled:
            return flat(404, None, "Not Found")
        if fields.get("client_id") != CLIENT_ID:
            return oauth_error(400, "invalid_client", "Unknown client.")
        scope = str(fields.get("scope") or "")
        if bad := _bad_scope(scope):
            return oauth_error(400, *bad)
        letters = "BCDFGHJKLMNPQRSTVWXZ0123456789"
        user_code = "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(2))
        device_code, interval = secrets.token_urlsafe(32), self.device_interval
        now = self._monotonic()
        made = _Device(
            user_code, scope, self._clock() + DEVICE_SECONDS, now, float(5 if interval is None else interval)
        )
        keep(self._devices, device_code, made)
        page = f"{self.base}/device"
        answer: Json = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": DEVICE_SECONDS,
        }
        return json_reply(200, answer if interval is None else {**answer, "interval": interval})

    def approve(self, user_code: str, *, allow: bool = True) -> bool:
        """A person types the code and consents, or does not. Returns whether it was one."""
        for device in self._devices.values():
            if device.user_code == user_code.strip().upper() and device.expires_at > self._clock():
                device.state = "approved" if allow else "access_denied"
                return True
        return False

    def device_page(self, query: Mapping[str, str]) -> Reply:
        """The page for that."""
        code = query.get("user_code")
        if code is None:
            form = '<form><input name="user_code" placeholder="ABCD-1234" autofocus> <button>Continue</button></form>'
            return page(200, "Enter your code", f"<p>This is a simulated login.</p>{form}")
        if self.approve(code):
            return page(200, "Signed in", "<p>You may close this page and return to the terminal.</p>")
        return page(400, "Unknown code", "<p>That code is not known or too old.</p>")

    def _poll(self, fields: Mapping[str, Any]) -> Reply:
        device_code = str(fields.get("device_code"))
        device = self._devices.get(device_code)
        if device is None:
            return oauth_error(400, "invalid_grant", "The device code is not known.")
        early = self._monotonic() - device.polled_at < device.interval - 0.25  # clocks and networks are not exact
        device.polled_at = self._monotonic()
        if self.device_answers:
            code = self.device_answers.popleft()
            device.interval += SLOWER if code == "slow_down" else 0
            return oauth_error(400, code, f"The authorization request: {code}.")
        if device.expires_at <= self._clock():
            return oauth_error(400, "expired_token", "The device code has expired.")
        if early:
            device.interval += SLOWER
            return oauth_error(400, "slow_down", "Polling too fast.")
        if device.state != "approved":
            return oauth_error(400, device.state, "The authorization request is pending or was denied.")
        del self._devices[device_code]
        return self._issue(Family(self.account, device.scope))

    # Tokens.

    def token(self, fields: Mapping[str, Any]) -> Reply:
        """The token endpoint."""
        if self.trouble is not None:
            return TROUBLES[self.trouble]
        if fields.get("client_id") != CLIENT_ID:
            return oauth_error(400, "invalid_client", "Unknown client.")
        grant = fields.get("grant_type")
        if grant == "authorization_code":
            return self._exchange(fields)
        if grant == "refresh_token":
            return self._renew(fields)
        if grant == DEVICE_GRANT:
            return self._poll(fields)
        return oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported.")

    def _exchange(self, fields: Mapping[str, Any]) -> Reply:
        code = self._codes.get(str(fields.get("code")))
        if code is None or code.expires_at <= self._clock():
            return oauth_error(400, "invalid_grant", "The authorization code is invalid or has expired.")
        if code.family is not None:
            code.family.over = True
            return oauth_error(400, "invalid_grant", "The authorization code has already been used.")
        if fields.get("redirect_uri") != code.asked["redirect_uri"]:
            return oauth_error(400, "invalid_grant", "The redirect_uri does not match.")
        if s256(str(fields.get("code_verifier"))) != code.asked["code_challenge"]:
            return oauth_error(400, "invalid_grant", "The PKCE code verifier does not match the challenge.")
        code.family = Family(self.account, code.asked["scope"], code.asked.get("nonce"))
        return self._issue(code.family)

    def _renew(self, fields: Mapping[str, Any]) -> Reply:
        token = str(fields.get("refresh_token") or "")
        family, revoked = self._refresh.get(token), "Refresh token has been revoked"
        if family is None:
            return oauth_error(400, "invalid_grant", "Refresh token is not valid")
        if family.over:
            return oauth_error(400, "invalid_grant", revoked)
        principal = fields.get("principal_type"), fields.get("principal_id")
        if principal not in ((None, None), ("User", family.account.principal_id)):
            return oauth_error(400, "invalid_request", "The principal does not match the token.")
        if token != family.refresh and self._clock() - family.replaced.get(token, 0.0) > self.grace:
            family.over = True
            return oauth_error(400, "invalid_grant", revoked)
        family.refreshed += 1
        return self._issue(family)

    def _issue(self, family: Family) -> Reply:
        now = self._clock()
        if self.rotate or not family.refresh:
            if family.refresh:
                family.replaced[family.refresh] = now
            family.refresh = secrets.token_urlsafe(64)
            keep(self._refresh, family.refresh, family)
        access = self.signer.sign(access_claims(family.account, self.base, family.scope, now, self.access_seconds))
        keep(self._access, access, _Access(family, now + self.access_seconds))
        answer: Json = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(self.access_seconds),
            "scope": family.scope,
        }
        if not self.withhold_refresh and "offline_access" in family.scope.split():
            answer["refresh_token"] = family.refresh
        if "openid" in family.scope.split():
            answer["id_token"] = self.signer.sign(id_claims(family.account, self.base, family.nonce, now))
        return json_reply(200, answer)

    def end(self) -> None:
        """End every login there is."""
        for family in self._refresh.values():
            family.over = True

    def expire_access(self) -> None:
        """Let every access token end now; refresh tokens stay good."""
        for access in self._access.values():
            access.expires_at = 0.0

    def check(self, authorization: str | None) -> tuple[XaiAccount, frozenset[str]]:
        """Whose request this is, and its scopes.

        Raises:
          Refused: 401 without a bearer; 403 or 401 for one that is dead.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refused(flat(401, BAD_CREDENTIALS, "No authorization header or an invalid authorization token."))
        access = self._access.get(token.strip())
        if access is not None and not access.family.over and access.expires_at > self._clock():
            return access.family.account, frozenset(access.family.scope.split())
        said = "The OAuth2 access token could not be validated."
        if self.dead_access == "marker":
            old = "The caller does not have permission to execute the specified operation"
            raise Refused(flat(403, old, f"{said} [WKE={BAD_CREDENTIALS}]"))
        raise Refused(flat(401 if self.dead_access == "401" else 403, BAD_CREDENTIALS, said))


def _bad_authorize(query: Mapping[str, str]) -> tuple[str, str] | None:
    """What is wrong with an authorize request; None when nothing is."""
    if query.get("response_type") != "code":
        return "unsupported_response_type", "The response_type must be code."
    if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
        return "invalid_request", "PKCE with S256 is required."
    if len(query.get("state", "")) < 8:
        return "invalid_request", "The state is missing or too short."
    return _bad_scope(query.get("scope", ""))


def _bad_scope(scope: str) -> tuple[str, str] | None:
    wanted = set(scope.split())
    if not wanted <= SCOPES:
        return "invalid_scope", f"The scope is not allowed for this client: {' '.join(sorted(wanted - SCOPES))}"
    if "api:access" not in wanted:
        return "invalid_scope", "The scope must have api:access."
    return None
