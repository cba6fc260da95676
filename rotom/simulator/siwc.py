"""Sign in with ChatGPT as a part of the simulator: its issuer and the public API on a person's plan, under one port.

Two addresses stand for two hosts: ``/siwc`` for auth.openai.com as that login sees it, ``/siwc-api/v1`` for
api.openai.com/v1. Everything here is from public documentation and from what independent implementations do (2026-10).

Theory of operation: a consent for ``dynamic_agent_client`` issues a client id, which the callback names; the code is good
for that one. Exchanging it starts a family of tokens, each refresh replaces the family's refresh token, and one that comes
before ``earliest_refresh_at`` is refused and spent, as is one that comes twice. ID tokens are really signed.

What is not here: questions to models beyond what this API refuses; they are answered as in the Codex part.
"""

from __future__ import annotations

import html
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from rotom.problem import Kind, Problem
from rotom.server.exchange import Exchange
from rotom.server.routing import Route
from rotom.simulator import brain, models, strict
from rotom.simulator.account import PromptCache
from rotom.simulator.oauth import s256
from rotom.simulator.oauth_claims import AUTH, Account
from rotom.simulator.oauth_forms import keep, location, oauth_error, page
from rotom.simulator.perform import perform, send_reply
from rotom.simulator.play import Refused, Reply, error, json_reply
from rotom.simulator.scenarios_ask import Ask
from rotom.simulator.seal import Seal
from rotom.simulator.stream import Pen
from rotom.simulator.strict_forms import words
from rotom.simulator.xai_claims import Signer
from rotom.sse import Json

if TYPE_CHECKING:
    from rotom.simulator import Simulator

ISSUER: Final = "/siwc"
API: Final = "/siwc-api/v1"
QUESTIONS: Final = f"{API}/responses"

NEWCOMER: Final = "dynamic_agent_client"
PLAN: Final = "chatgpt.tokens.use.direct"
SCOPES: Final = words("openid profile email offline_access resource.invoke chatgpt.tokens.use.direct")
ACCESS_SECONDS: Final = 3600.0
EARLY_SECONDS: Final = 360.0
CODE_SECONDS: Final = 600

MANAGEMENT: Final = "context_management"
FIELDS: Final = strict.FIELDS - {"client_metadata"} | {MANAGEMENT}
"""What a question may hold: what the Codex backend takes, but for its own clients' metadata, and how to keep it short."""

UNSUPPORTED: Final = frozenset({"image_generation", "tool_search"})


@dataclass(slots=True)
class Family:
    """All tokens that come from one consent."""

    client: str
    scope: str
    nonce: str
    refresh: str = ""
    earliest: float = 0.0
    refreshed: int = 0
    over: bool = False


@dataclass(slots=True)
class _Code:
    asked: Mapping[str, str]
    client: str
    expires_at: float
    family: Family | None = None


class Siwc:
    """The issuer and the API.

    Arguments:
      stage: the simulator that it is a part of.

    Attributes (settable at any time):
      account: who consents next. granted: the scope that is given; None: what was asked.
      access_seconds: how long access tokens last. refusing: (status, code) that every question gets.
    """

    def __init__(self, stage: Simulator, account: Account | None = None) -> None:
        self._stage = stage
        self.account = account or Account()
        self.granted: str | None = None
        self.access_seconds = ACCESS_SECONDS
        self.refusing: tuple[int, str] | None = None
        self.signer = Signer("RS256")
        self._hosts: OrderedDict[str, str] = OrderedDict()  # client id -> host id
        self._codes: OrderedDict[str, _Code] = OrderedDict()
        self._refresh: OrderedDict[str, Family] = OrderedDict()
        self._access: OrderedDict[str, tuple[Family, float]] = OrderedDict()
        self._cache = PromptCache()
        self._seal = Seal(stage.clock)
        login = self._login
        self.routes = (
            Route("GET", f"{ISSUER}/api/accounts/authorize", login(lambda e, b: self._authorize(e.query))),
            Route("POST", f"{ISSUER}/api/accounts/oauth/token", login(lambda e, b: self.token(b))),
            Route("POST", f"{ISSUER}/api/accounts/oauth/revoke", login(lambda e, b: self._revoke(b))),
            Route("GET", f"{ISSUER}/.well-known/jwks.json", login(lambda e, b: json_reply(200, self.signer.keys()))),
            Route("GET", f"{API}/models", login(lambda e, b: self._models(e))),
            Route("POST", QUESTIONS, self._responses),
        )

    @property
    def issuer(self) -> str:
        """Setting ``chatgpt_issuer``."""
        return f"{self._stage.issuer}{ISSUER}"

    @property
    def base_url(self) -> str:
        """Setting ``chatgpt_base_url``."""
        return f"{self._stage.issuer}{API}"

    def _login(self, answer: Callable[[Exchange, Json], Reply]) -> Callable[[Exchange], Any]:
        async def handler(exchange: Exchange) -> None:
            body = exchange.log["received"].body
            await send_reply(exchange, answer(exchange, body if isinstance(body, dict) else {}))

        return handler

    # The consent.

    def consent(self, url: str, *, allow: bool = True) -> str:
        """What a browser is redirected to after a person consented (or not) at this authorize URL.

        Raises:
          Problem: INVALID when the page would have shown an error instead.
        """
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        if (bad := self._bad(query)) is not None:
            raise Problem(Kind.INVALID, bad, code="invalid_request")
        if not allow:
            return location(query, error="access_denied", error_description="The user denied the request.")
        client = query["client_id"]
        if client == NEWCOMER:
            client = f"oaiapp_{secrets.token_hex(12)}"
            keep(self._hosts, client, query["ext_agent_host_id"])
        code = "ac_" + secrets.token_urlsafe(32)
        keep(self._codes, code, _Code(query, client, self._stage.clock() + CODE_SECONDS))
        return location(query, code=code, client_id=client)

    def _authorize(self, query: Mapping[str, str]) -> Reply:
        """The page; it consents at once with ``auto=1``, else it says how to."""
        if (bad := self._bad(query)) is not None:
            return page(400, "Authentication error", f"<p>{html.escape(bad)}</p>")
        url = f"{self.issuer}/api/accounts/authorize?{urlencode(query)}"
        if query.get("auto") == "1":
            return Reply(302, b"", (("location", self.consent(url)),))
        link = html.escape(f"{url}&auto=1")
        who = html.escape(f"{self.account.email} ({self.account.plan})")
        return page(
            200, "Sign in with ChatGPT", f'<p>This is a simulated login. {who}: <a href="{link}">Continue</a></p>'
        )

    def _bad(self, query: Mapping[str, str]) -> str | None:
        client, host = query.get("client_id"), query.get("ext_agent_host_id", "")
        if client != NEWCOMER and client not in self._hosts:
            return "unknown client_id"
        if client == NEWCOMER and not query.get("agent_name_hint"):
            return "agent_name_hint is required to register"
        if not host.startswith("urn:uuid:") or self._hosts.get(str(client), host) != host:
            return "ext_agent_host_id is not this client's"
        if urlsplit(query.get("redirect_uri", "")).hostname != "127.0.0.1":
            return "redirect_uri must be http://127.0.0.1:PORT/..."
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            return "PKCE with S256 is required"
        if len(query.get("state", "")) < 8 or len(query.get("nonce", "")) < 8:
            return "state and nonce are required"
        if query.get("resource") != self.base_url:
            return "resource is not an API that can be shared"
        if not {"openid", "offline_access"} <= set(query.get("scope", "").split()):
            return "scope must have openid and offline_access"
        return None

    # Tokens.

    def token(self, fields: Mapping[str, Any]) -> Reply:
        """The token endpoint."""
        if fields.get("client_id") not in self._hosts:
            return oauth_error(401, "invalid_client", "Client authentication failed.")
        if fields.get("resource") != self.base_url:
            return oauth_error(400, "invalid_target", "The resource is missing or unknown.")
        grant = fields.get("grant_type")
        if grant == "authorization_code":
            return self._exchange(fields)
        if grant == "refresh_token":
            return self._renew(fields)
        return oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported.")

    def _exchange(self, fields: Mapping[str, Any]) -> Reply:
        code = self._codes.get(str(fields.get("code")))
        if code is None or code.expires_at <= self._stage.clock() or code.family is not None:
            return oauth_error(400, "invalid_grant", "The authorization code is invalid, expired or used.")
        if fields.get("client_id") != code.client or fields.get("redirect_uri") != code.asked["redirect_uri"]:
            return oauth_error(400, "invalid_grant", "The code was issued for another client or redirect_uri.")
        if s256(str(fields.get("code_verifier"))) != code.asked["code_challenge"]:
            return oauth_error(400, "invalid_grant", "The PKCE code verifier does not match the challenge.")
        asked = " ".join(scope for scope in code.asked["scope"].split() if scope in SCOPES)
        code.family = Family(code.client, self.granted if self.granted is not None else asked, code.asked["nonce"])
        return self._issue(code.family)

    def _renew(self, fields: Mapping[str, Any]) -> Reply:
        token = str(fields.get("refresh_token"))
        family = self._refresh.get(token)
        if family is None or family.over or family.client != fields.get("client_id"):
            return oauth_error(400, "invalid_grant", "The refresh token is invalid or has expired.")
        if family.refresh != token or self._stage.clock() < family.earliest:
            family.over = True  # spent, too early or twice
            return oauth_error(400, "invalid_grant", "The refresh token was used before earliest_refresh_at.")
        family.refreshed += 1
        return self._issue(family)

    def _issue(self, family: Family) -> Reply:
        now = self._stage.clock()
        family.refresh = "rt_" + secrets.token_urlsafe(48)
        family.earliest = now + self.access_seconds - EARLY_SECONDS
        keep(self._refresh, family.refresh, family)
        account = self.account
        auth = {AUTH: {"chatgpt_account_id": account.account_id, "chatgpt_plan_type": account.plan}}
        common = {"iss": self.issuer, "sub": account.user_id, "iat": int(now), **auth}
        access = self.signer.sign(
            {**common, "aud": self.base_url, "exp": int(now + self.access_seconds), "jti": secrets.token_hex(8)}
        )
        keep(self._access, access, (family, now + self.access_seconds))
        person = {**common, "aud": family.client, "exp": int(now) + 3600, "nonce": family.nonce, "email": account.email}
        return json_reply(
            200,
            {
                "access_token": access,
                "refresh_token": family.refresh,
                "id_token": self.signer.sign(person),
                "token_type": "Bearer",
                "expires_in": int(self.access_seconds),
                "scope": family.scope,
                "earliest_refresh_at": int(family.earliest),
            },
        )

    def _revoke(self, fields: Mapping[str, Any]) -> Reply:
        if (family := self._refresh.get(str(fields.get("token")))) is not None:
            family.over = True
        return json_reply(200, {})

    def end(self) -> None:
        """End every login there is."""
        for family in self._refresh.values():
            family.over = True

    def families(self) -> list[Family]:
        """Every login that was made, oldest first."""
        return list({id(family): family for family in self._refresh.values()}.values())

    def check(self, authorization: str | None) -> Account:
        """Whose request this is.

        Raises:
          Refused: 401 or 403 with the API's words.
        """
        scheme, _, token = (authorization or "").partition(" ")
        found = self._access.get(token.strip()) if scheme.lower() == "bearer" else None
        if found is None or found[0].over or found[1] <= self._stage.clock():
            raise Refused(json_reply(401, {"detail": {"error_code": "invalid_token"}}))
        if PLAN not in found[0].scope.split():
            raise Refused(error(403, "The scope does not permit this.", "chatpass_v2_scope_not_authorized"))
        return self.account

    # The API.

    def _models(self, exchange: Exchange) -> Reply:
        self.check(exchange.headers.get("authorization"))
        shown = [slug for slug, model in models.BY_SLUG.items() if not model.hidden]
        data = [{"id": slug, "object": "model", "created": 1, "owned_by": "openai"} for slug in shown]
        return json_reply(200, {"object": "list", "data": data})

    async def _responses(self, exchange: Exchange) -> None:
        async with self._stage.answering(exchange) as received:
            account = self.check(exchange.headers.get("authorization"))
            if self.refusing is not None:
                status, code = self.refusing
                raise Refused(error(status, f"Simulated: {code}", code, headers=(("retry-after", "60"),)))
            body = received.body
            if body is None:
                raise Refused(error(400, "We could not parse the JSON body of your request."))
            model = self._check(body, account)
            prompt, since = brain.last_prompt([item for item in body["input"] if isinstance(item, dict)])
            tokens, cached = self._cache.measure(body)
            seal = partial(self._seal.make, account.account_id)
            pen = Pen(body, model.slug, self._stage.clock(), seal, tokens, cached)
            ask = Ask(body, prompt, pen, account, self._stage.quota, self._stage.clock, since=since)
            steps = self._stage.choose(ask, received)
            head = [("content-type", "text/event-stream; charset=utf-8"), ("openai-version", "2020-10-01")]
            async with exchange.attended():
                await perform(exchange, steps, head, self._stage.pace)

    def _check(self, body: Json, account: Account) -> models.SimulatedModel:
        for name in body:
            if name not in FIELDS:
                message = f"'{name}' is not supported with ChatGPT subscription sharing."
                raise Refused(error(400, message, "subscription_sharing_unsupported_capability", name))
        for index, tool in enumerate(body.get("tools") or []):
            if isinstance(tool, dict) and tool.get("type") in UNSUPPORTED:
                message = f"Tool type '{tool['type']}' is not supported with ChatGPT subscription sharing."
                param = f"tools[{index}].type"
                raise Refused(error(400, message, "subscription_sharing_unsupported_capability", param))
        _check_management(body.get(MANAGEMENT))
        strict.check_request({name: value for name, value in body.items() if name != MANAGEMENT})
        strict.check_input(body["input"], partial(self._seal.good, owner=account.account_id))
        strict.check_tools(body)
        name = body["model"]
        model = models.DEMO_MODEL if name.startswith("demo-") else models.BY_SLUG.get(name)
        if model is None:
            raise Refused(error(404, f"The model '{name}' does not exist.", "model_not_found", "model"))
        strict.check_limits(body, model, False)
        return model


def _check_management(rules: object) -> None:
    good = isinstance(rules, list) and all(
        isinstance(rule, dict)
        and rule.get("type") == "compaction"
        and isinstance(rule.get("compact_threshold"), int | None)
        for rule in rules
    )
    if rules is not None and not good:
        raise Refused(error(400, f"Invalid '{MANAGEMENT}'.", "invalid_value", MANAGEMENT))
