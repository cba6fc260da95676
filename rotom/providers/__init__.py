"""Providers: what we know of each upstream, as data and pure functions. No I/O in here.

Everything a provider wants done over the network is written as a *flow*: a generator that yields the steps of a dialogue
(a request to send, a page to show, a pause) and is sent what came of them. upstream/flows.py plays a flow over the real
network; a test plays it by hand with ``next(flow)`` and ``flow.send(Reply(...))``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from rotom.catalogue import Model
from rotom.drawing import Drawing
from rotom.problem import Problem
from rotom.receipt import Receipt
from rotom.sse import Event, Json, dumps
from rotom.turn import Turn


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """What one login gave us. Its repr shows no secret.

    Fields:
      access: the bearer token.
      refresh: the refresh token; single use where the provider rotates.
      expires_at: unix seconds at which `access` ends; None when unknown.
      account_id, email, plan: what the token says about its owner.
      obtained_at: unix seconds when this set was received.
      extra: what else the provider's dresser needs (workspace routing, FedRAMP flag, subscription dates). JSON only.
    """

    access: str
    refresh: str | None = None
    expires_at: float | None = None
    account_id: str | None = None
    email: str | None = None
    plan: str | None = None
    obtained_at: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> str | None:
        """Whose it is, as far as it says so: an account, and the person in it, since workspaces have several."""
        person = self.extra.get("user_id")
        return f"{self.account_id}/{person}" if self.account_id and person else self.account_id

    def __repr__(self) -> str:
        return f"Token(account_id={self.account_id!r}, plan={self.plan!r}, expires_at={self.expires_at!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """One HTTP request to a provider: exact url, headers in order, body bytes. Its repr shows no secret."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @classmethod
    def get(cls, url: str, headers: tuple[tuple[str, str], ...] = ()) -> Outgoing:
        """A GET."""
        return cls("GET", url, headers)

    @classmethod
    def form(cls, url: str, fields: Mapping[str, str], headers: tuple[tuple[str, str], ...] = ()) -> Outgoing:
        """A POST of form fields, in their order."""
        return cls(
            "POST", url, (("content-type", "application/x-www-form-urlencoded"), *headers), urlencode(fields).encode()
        )

    @classmethod
    def json(cls, url: str, value: Json, headers: tuple[tuple[str, str], ...] = ()) -> Outgoing:
        """A POST of a JSON object."""
        return cls("POST", url, (("content-type", "application/json"), *headers), dumps(value))

    def __repr__(self) -> str:
        return f"Outgoing({self.method} {self.url.partition('?')[0]})"


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What came back: status, lower-case headers, the whole body. Its repr shows no secret."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Authorize:
    """Ask the person to open `url` and consent. Answered with what the browser's callback brought or the person pasted:
    the redirected URL, its query string, or ``code#state``.

    Fields:
      url: the authorize URL, whole.
      state: the state in it, for the loopback listener to refuse foreign callbacks early.
      complaint: why the last answer was not good, when this is asked again.
    """

    url: str
    state: str
    complaint: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """Show the person a page and a code to type there. Answered with None, at once."""

    url: str
    code: str
    expires_in: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait some seconds. Answered with None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Earlier:
    """Asks for the login that this one replaces. Answered with its Token, or None."""


@dataclass(frozen=True, slots=True, repr=False)
class Verify:
    """Check the signature of an ID token. Answered with None; a Problem FORBIDDEN is thrown when it is not good.

    Fields:
      token: the JWT. keys: its issuer's JWKS. provider: for what a person is told to do.
    """

    token: str
    keys: Json
    provider: str

    def __repr__(self) -> str:
        return f"Verify({self.provider})"


Step = Outgoing | Authorize | DeviceCode | Pause | Earlier | Verify
Flow = Generator[Step, Any, Any]
"""A dialogue with a provider. An Outgoing is answered with a Reply; network failures are thrown into it as Problems."""


@dataclass(frozen=True, slots=True)
class Window:
    """One rate-limit window: its length and how much of it is used."""

    minutes: int
    used_percent: float
    resets_at: float | None
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider says about an account's limits."""

    plan: str | None = None
    email: str | None = None
    account_id: str | None = None
    windows: tuple[Window, ...] = ()
    credits: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Images:
    """How a provider makes images: calls of its own, which no model has a say in.

    Fields:
      models: the names that it goes by, the usual one first.
      take: (drawing, model) -> the body of each call, which makes one image, and what of the request is not in it; raises
        Problem INVALID for what cannot be drawn.
      dress: (body, whether it is an edit, token) -> the exact request. May take long, so it is called in a thread.
      read: its answer -> the same in the form of OpenAI's Images API.
    """

    models: tuple[Model, ...]
    take: Callable[[Drawing, Model], tuple[Json, Receipt]]
    dress: Callable[[Json, bool, Token], Outgoing]
    read: Callable[[Json], Json] = lambda answer: answer


@dataclass(frozen=True, slots=True)
class Speech:
    """How a provider turns text into speech, in its own form: what it is sent is checked, what it answers goes as it is.

    Fields:
      say: (body, token) -> the request; its answer is audio, or JSON with audio in it.
      voices: (voice or None, token) -> the request for one voice or all of them.
      connect: (query, token) -> the request that becomes a WebSocket, with an http address.
      frame: a client's message on that WebSocket -> the message to send.
      All but `voices` raise Problem INVALID for what is not known to be taken.
    """

    say: Callable[[Json, Token], Outgoing]
    voices: Callable[[str | None, Token], Outgoing]
    connect: Callable[[Mapping[str, str], Token], Outgoing]
    frame: Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class Provider:
    """One upstream that a person can log in to. Made by ``make(config)`` of its module.

    Fields:
      name: ``openai`` ...; aliases: other names accepted on the command line (``codex``).
      title: what `rotom login` shows; about: when to choose it, in a line.
      callback_ports: loopback ports its login may be redirected to, in order; callback_path: the path there.
      login: redirect URI -> flow that returns a Token, asking by Authorize.
      login_device: flow that returns a Token, asking by DeviceCode; None where there is none.
      login_key: API key -> flow that tries it and returns a Token; None where there are logins instead.
      renew: (token, reason) -> flow that returns the renewed Token; raises Problem UNAUTHENTICATED with retry=False when
        the login is over (log in again) and any other Problem when it may work later.
      revoke: token -> flow, returns None; its failures are only told.
      may_renew: (token, now) -> whether a renewal is possible; as a rule, once there is a refresh token.
      renewable_at: token -> unix seconds before which a renewal would do harm; 0: at any time.
      models: token or None -> flow that returns (list of Model, etag or None).
      usage: token -> flow that returns a Usage.
      builtin: the models known without asking.
      dress: (turn, model, token) -> the exact request.
      receipt: (turn, model) -> what of the turn's body that request leaves out or changes.
      refusal: (status, headers, body) -> the Problem that a non-200 answer means.
      failure: event -> the Problem that an event inside a 200 stream means, or None.
      windows: response headers -> the rate-limit windows in them.
      import_login: bytes of the vendor's own credentials file -> Token; None where there is none.
      settle: token -> flow that returns the token with what else its account needs (routing), asked once after a login.
      told: response headers -> those that the vendor's own clients want to see; never a cookie.
      vendor_models: (client version, token) -> flow that returns (list of models as the vendor's own client gets it, etag).
      images: how it makes images; None where it does not.
      speech: how it turns text into speech; None where it does not.
      private: event type -> whether it is for the vendor's own clients only; asked for types outside of ``response.*``.
      dress_socket: (turn, model, token) -> the handshake of a WebSocket (a GET, its url begins with ``https``) and the
        message that asks on it; None where turns go by HTTP only. Equal handshakes may share a WebSocket.
      notes: private event, or error -> the response headers that say the same: on a WebSocket nothing else has headers.
      reader: turn -> a function for its answer, which takes the events of each network read in turn and gives them as
        OpenAI's own stream would have them (types, order, ids); None: they come like that.
      origin: token -> the address that is asked for this account, for status; None: there is but one.
      detour: (problem, token) -> whether another origin is asked for this account from now on. Asked when a turn was
        refused before anything of its answer came, at most once for each turn; true: the turn is worth one more attempt.
      compact: (turn, model, token) -> the request that has its conversation compacted, whose answer has the form of
        OpenAI's; None: a ``compaction_trigger`` behind the conversation does that.
      callback_origins: web origins whose pages may bring a login's callback by a request of their own.
    """

    name: str
    title: str
    login: Callable[[str], Flow]
    login_device: Callable[[], Flow] | None
    renew: Callable[[Token, str], Flow]
    revoke: Callable[[Token], Flow]
    models: Callable[[Token], Flow]
    usage: Callable[[Token], Flow]
    builtin: tuple[Model, ...]
    dress: Callable[[Turn, Model, Token], Outgoing]
    refusal: Callable[[int, Mapping[str, str], bytes], Problem]
    failure: Callable[[Event], Problem | None]
    windows: Callable[[Mapping[str, str]], tuple[Window, ...]]
    may_renew: Callable[[Token, float], bool] = lambda token, _now: token.refresh is not None
    login_key: Callable[[str], Flow] | None = None
    import_login: Callable[[bytes], Token] | None = None
    settle: Callable[[Token], Flow] | None = None
    images: Images | None = None
    speech: Speech | None = None
    private: Callable[[str], bool] = lambda _type: False
    told: Callable[[Mapping[str, str]], tuple[tuple[str, str], ...]] = lambda _headers: ()
    vendor_models: Callable[[str, Token], Flow] | None = None
    renewable_at: Callable[[Token], float] = lambda _token: 0.0
    receipt: Callable[[Turn, Model], Receipt] = lambda _turn, _model: Receipt()
    dress_socket: Callable[[Turn, Model, Token], tuple[Outgoing, Json]] | None = None
    notes: Callable[[Event], Mapping[str, str]] = lambda _event: {}
    about: str = ""
    aliases: tuple[str, ...] = ()
    callback_ports: tuple[int, ...] = ()
    callback_path: str = "/auth/callback"
    callback_origins: tuple[str, ...] = ()
    reader: Callable[[Turn], Callable[[list[Event]], list[Event]]] | None = None
    origin: Callable[[Token], str] | None = None
    detour: Callable[[Problem, Token], bool] | None = None
    compact: Callable[[Turn, Model, Token], Outgoing] | None = None
