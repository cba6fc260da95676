"""Which account a conversation goes with: the one that it began with.

A person may have several accounts of a provider, of which one is in use; another one is put in use by ``rotom use`` and by
nothing else. Never is it changed here to get around a limit or an error. Reasoning is encrypted for the account that it was
made for, so a conversation that runs stays with its account. Where that is not logged in any more (or a person moves the
running conversations, too), the conversation goes on with the account in use and without its earlier reasoning.

Theory of operation: an account is known by its *owner*, what the token says about whose it is, so that it is found again
under another name and not mistaken when somebody else logs in by its name. Which account a conversation began with is seen
from three things, in this order: the answer that it goes on from; the latest reasoning in it, for which of it was made for
whom is remembered (as digests); and what ties its turns together, if something was said in it before. A turn without a past
begins a conversation, whatever it is tied to: programs use one key for all that they ask. Reasoning of others is left out
each time, since clients send their whole history each time; and so is what a provider once could not read. All of this is
bounded, the least recently used goes first, and is gone with the process.

What is not here: what ties turns together (Turn.session), and the answers that one goes on from (state/answers.py).
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from rotom.accounts import provider_of
from rotom.providers import Token
from rotom.upstream.logins import Login

MOST = 4096
"""Conversations that are remembered; one takes about 150 bytes."""

MOST_MADE = 20_000
"""Items of reasoning that are remembered for each provider; one takes about 200 bytes."""

NOBODY = ""
"""The owner of what no account here can read."""


@dataclass(frozen=True, slots=True)
class Seat:
    """The login that a conversation goes with at one provider.

    Fields:
      owner: whose it is. lost: the conversation began with another account, which it cannot go on with.
    """

    login: str
    owner: str
    lost: bool = False


def owner(login: str, token: Token | None) -> str:
    """Whose login it is, as far as its token tells; a login without that is its own owner."""
    return (token.owner if token is not None else None) or login


def seat(provider: str, logins: Mapping[str, Login], in_use: str, began: str | None, moved: bool) -> Seat:
    """Which login a conversation goes with.

    Arguments:
      in_use: the login of this provider that is in use.
      began: the owner of the account that the conversation began with; None for a new one.
      moved: a person wants running conversations to go with the account in use, too.
    """
    owners = {name: owner(name, login.token) for name, login in logins.items() if provider_of(name) == provider}
    now = owners.get(in_use, in_use)
    if began is None or began == now:
        return Seat(in_use, now)
    same = next((name for name, whose in owners.items() if whose == began), None)
    if same is None or moved:
        return Seat(in_use, now, lost=True)
    return Seat(same, began)


class Bonds:
    """What is remembered of conversations.

    Arguments:
      most: conversations; made: items of reasoning, for each provider.
    """

    def __init__(self, most: int = MOST, made: int = MOST_MADE) -> None:
        self._most = most
        self._owners: OrderedDict[bytes, str] = OrderedDict()  # the latest use last
        self._most_made = made
        self._made: defaultdict[str, OrderedDict[bytes, str]] = defaultdict(OrderedDict)
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)  # of the owners in there

    def __len__(self) -> int:
        return len(self._owners)

    def began(self, provider: str, conversation: str | None, items: Sequence[Any]) -> str | None:
        """The owner of the account that a conversation goes with; None for a new one, and where it is not known.

        Arguments:
          conversation: what ties its turns together. items: of the turn.
        """
        made = self._made[provider]
        for item in reversed(items):
            if (digest := _sealed(item)) is not None and (found := made.get(digest)):
                return found
        if conversation is None or not any(map(_said, items)):
            return None
        return self._owners.get(_key(conversation, provider))

    def tie(
        self, provider: str, conversation: str | None, seat: Seat, items: Iterable[Any]
    ) -> Callable[[Any], bool] | None:
        """A conversation goes with this account from now on.

        Arguments:
          items: of the turn; where the account is another than before, reasoning in them that is not known is not its.

        Returns:
          Which items the account can read; None: all.
        """
        if conversation is not None:
            key = _key(conversation, provider)
            self._owners[key] = seat.owner
            self._owners.move_to_end(key)
            if len(self._owners) > self._most:
                self._owners.popitem(last=False)
        made = self._made[provider]
        if seat.lost:
            self._note(provider, (digest for item in items if (digest := _sealed(item)) not in made), NOBODY)
        if not self._counts[provider].keys() - {seat.owner}:
            return None
        return lambda item: (
            not isinstance(item, dict)
            or item.get("type") != "reasoning"
            or made.get(_sealed(item) or b"", seat.owner) == seat.owner
        )

    def maker(self, item: Any) -> tuple[str, str] | None:
        """For which owner at which provider the encrypted part of an item was made; None where that is not known."""
        if (digest := _sealed(item)) is not None:
            for provider, made in self._made.items():
                if found := made.get(digest):
                    return provider, found
        return None

    def learn(self, provider: str, owner: str, items: Iterable[Any]) -> None:
        """This came for that owner."""
        self._note(provider, map(_sealed, items), owner)

    def spoil(self, provider: str, owner: str, items: Iterable[Any]) -> None:
        """The provider said that this owner cannot read the reasoning in these items: what did not come for it, or, if all
        did, all of it."""
        made, found = self._made[provider], [digest for item in items if (digest := _sealed(item)) is not None]
        self._note(provider, [digest for digest in found if made.get(digest) != owner] or found, NOBODY)

    def _note(self, provider: str, digests: Iterable[bytes | None], owner: str) -> None:
        made, counts = self._made[provider], self._counts[provider]
        for digest in digests:
            if digest is None:
                continue
            gone = [made.pop(digest)] if digest in made else []
            made[digest] = owner
            counts[owner] += 1
            if len(made) > self._most_made:
                gone.append(made.popitem(last=False)[1])
            for other in gone:
                counts[other] -= 1
                if not counts[other]:
                    del counts[other]


def _sealed(item: Any) -> bytes | None:
    """A digest of what is encrypted in an item: reasoning, or a conversation made shorter."""
    if not isinstance(item, dict) or not isinstance(content := item.get("encrypted_content"), str) or not content:
        return None
    return blake2b(content.encode("utf-8", "replace"), digest_size=8).digest()


def _said(item: Any) -> bool:
    """Whether an item is what a model said, or an answer to that."""
    return isinstance(item, dict) and (item.get("type", "message") != "message" or item.get("role") == "assistant")


def _key(conversation: str, provider: str) -> bytes:
    return blake2b(f"{provider} {conversation}".encode("utf-8", "replace"), digest_size=16).digest()
