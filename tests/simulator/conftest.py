"""A simulator on a loopback port, and a plain client that is logged in to it."""

import json
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from rotom.simulator import Simulator, serve
from rotom.simulator.oauth import s256
from rotom.simulator.oauth_claims import CLIENT_ID
from rotom.simulator.xai_claims import CLIENT_ID as XAI_CLIENT_ID
from rotom.simulator.xai_login import SCOPES as XAI_SCOPES
from rotom.sse import Decoder

REDIRECT = "http://127.0.0.1:1455/auth/callback"
VERIFIER = "v" * 86


def authorize_url(issuer="http://127.0.0.1:1", **changes):
    """The URL that a login opens; a change to None leaves the field out."""
    fields = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT,
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
        "state": "s" * 43,
        "scope": "openid profile email offline_access",
        **changes,
    }
    return f"{issuer}/oauth/authorize?" + urlencode({k: v for k, v in fields.items() if v is not None})


def exchange_form(redirected, **changes):
    """The form that turns a redirected URL into tokens."""
    code = dict(parse_qsl(urlsplit(redirected).query))["code"]
    return {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        **changes,
    }


def user(*texts):
    """What a person says."""
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text} for text in texts]}


def question(*items, **changes):
    """A question as the backend wants it; a string stands for what a person says."""
    items = [user(item) if isinstance(item, str) else item for item in items]
    body = {
        "model": "gpt-5.5",
        "instructions": "",
        "input": items,
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


class Client:
    """A logged-in client of the simulator."""

    def __init__(self, simulator, http):
        self.simulator = simulator
        self.http = http
        self.headers = {}
        self.tokens = {}

    async def log_in(self):
        redirected = self.simulator.consent(authorize_url(self.simulator.issuer))
        answer = await self.http.post(f"{self.simulator.issuer}/oauth/token", data=exchange_form(redirected))
        self.use(answer.json())

    def use(self, tokens):
        self.tokens = tokens
        self.headers = {
            "authorization": f"Bearer {tokens['access_token']}",
            "chatgpt-account-id": self.simulator.issuer_state.account.account_id,
            "version": "0.169.0",
        }

    def stream(self, body, **headers):
        return self.http.stream(
            "POST", f"{self.simulator.base_url}/responses", json=body, headers={**self.headers, **headers}
        )

    async def ask(self, *items, **changes):
        """The events of an answer, or the refusal."""
        return await self.send(question(*items, **changes))

    async def send(self, body, **headers):
        async with self.stream(body, **headers) as answer:
            raw = await answer.aread()
        if answer.status_code != 200:
            is_json = answer.headers.get("content-type", "").startswith(("application/json", "text/plain"))
            return answer.status_code, json.loads(raw) if is_json else raw
        return Decoder().feed(raw)


@pytest.fixture
async def simulator(nursery):
    simulated = Simulator(pace=0)
    await nursery.start(serve, simulated)
    yield simulated
    assert simulated.bugs == []


@pytest.fixture
async def client(simulator):
    async with httpx.AsyncClient(trust_env=False) as http:
        one = Client(simulator, http)
        await one.log_in()
        yield one


XAI_REDIRECT = "http://127.0.0.1:56121/callback"
GATE = {"x-xai-token-auth": "xai-grok-cli", "x-grok-client-version": "1.0.41"}


def xai_authorize_url(issuer="http://127.0.0.1:1/xai", **changes):
    """The URL that a login to xAI opens; a change to None leaves the field out."""
    fields = {
        "response_type": "code",
        "client_id": XAI_CLIENT_ID,
        "redirect_uri": XAI_REDIRECT,
        "scope": " ".join(sorted(XAI_SCOPES)),
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
        "state": "s" * 43,
        "nonce": "n" * 43,
        "plan": "generic",
        "referrer": "rotom",
        **changes,
    }
    return f"{issuer}/oauth2/authorize?" + urlencode({k: v for k, v in fields.items() if v is not None})


def xai_exchange_form(redirected, **changes):
    """The form that turns a redirected URL into xAI's tokens."""
    form = exchange_form(redirected, client_id=XAI_CLIENT_ID, redirect_uri=XAI_REDIRECT)
    return {**form, **changes}


def xai_question(*items, **changes):
    """A question as xAI wants it; a string stands for what a person says."""
    items = [user(item) if isinstance(item, str) else item for item in items]
    body = {
        "model": "grok-4.3",
        "input": items,
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


class XaiClient:
    """A logged-in client of simulated xAI."""

    def __init__(self, simulator, http):
        self.xai = simulator.xai
        self.http = http
        self.headers = {}
        self.tokens = {}

    async def log_in(self, **changes):
        redirected = self.xai.consent(xai_authorize_url(self.xai.issuer, **changes))
        answer = await self.http.post(f"{self.xai.issuer}/oauth2/token", data=xai_exchange_form(redirected))
        self.tokens = answer.json()
        self.headers = {"authorization": f"Bearer {self.tokens['access_token']}"}

    def base(self, origin):
        return self.xai.base_url if origin == "api" else self.xai.proxy_url

    def dressed(self, origin, model="grok-4.3"):
        return self.headers if origin == "api" else {**self.headers, **GATE, "x-grok-model-override": model}

    async def get(self, path, origin="api"):
        return await self.http.get(self.base(origin) + path, headers=self.dressed(origin))

    async def post(self, path, body, origin="api"):
        return await self.http.post(self.base(origin) + path, headers=self.dressed(origin), json=body)

    async def ask(self, *items, origin="api", **changes):
        """The events of an answer, or the refusal."""
        return await self.send(xai_question(*items, **changes), origin)

    async def send(self, body, origin="api", **headers):
        headers = {**self.dressed(origin, str(body.get("model"))), **headers}
        answer = await self.http.post(f"{self.base(origin)}/responses", json=body, headers=headers)
        kind = answer.headers.get("content-type", "")
        if kind.startswith("text/event-stream"):
            return Decoder().feed(answer.content)
        return answer.status_code, answer.json() if kind.startswith("application/json") else answer.text


@pytest.fixture
async def grok(simulator):
    async with httpx.AsyncClient(trust_env=False) as http:
        one = XaiClient(simulator, http)
        await one.log_in()
        yield one


def text_of(events):
    """What an answer says."""
    return "".join(e.data["delta"] for e in events if e.type == "response.output_text.delta")


def calls_of(events):
    """The tool calls in an answer: (name, arguments)."""
    items = [e.data["item"] for e in events if e.type == "response.output_item.done"]
    return [
        (item["name"], json.loads(item["arguments"]) if item["type"] == "function_call" else item["input"])
        for item in items
        if item["type"] in ("function_call", "custom_tool_call")
    ]


@pytest.fixture
def kit():
    """The helpers of this file, for tests that need no server."""
    return SimpleNamespace(
        authorize_url=authorize_url,
        exchange_form=exchange_form,
        user=user,
        question=question,
        text_of=text_of,
        calls_of=calls_of,
        verifier=VERIFIER,
        gate=GATE,
        xai_authorize_url=xai_authorize_url,
        xai_exchange_form=xai_exchange_form,
        xai_question=xai_question,
    )
