"""The catalogue: which model a name means and who serves it. Pure: lists of models go in, a resolved model comes out.

A name is looked for in this order: what the person made it mean (aliases, first match first), a model of that id, such an
id with an effort behind it, a name that only Anthropic hosts. Claude Code's ``[1m]`` behind a name is left out.

What is not here: fetching and caching the live lists (upstream/), and the lists that providers know by heart (providers/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rotom.problem import Kind, Problem

DEFAULT_FALLBACK = "gpt-5.5"

FOREIGN = ("claude", "sonnet", "opus", "haiku", "fable", "mythos", "best", "default")
"""First words of names that only Anthropic hosts: ids, and the aliases of Claude Code (2.x, 2026-11), whose small
background requests ask for a haiku whatever model is set."""

SMALL = ("haiku",)
"""Words in those names that stand for a small model."""

DRAWERS = ("gpt-image", "chatgpt-image", "dall-e")
"""How the names of OpenAI's models for images begin, the retired ones too: programs have them in their settings."""

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""What may stand behind a name: ``gpt-5.5:high`` or ``gpt-5.5-high``."""

LONGEST = 100
"""The characters of an unknown name that are looked at and repeated."""

PREFIXES = {"codex": "openai", "xai": "grok", "x-ai": "grok", "anthropic": None}
"""Words before a slash that are not a provider's own name -> the provider meant; None: just left out."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model of one provider.

    Fields:
      id: the name that goes upstream.
      provider: the provider's name.
      title: the name for people.
      description: one sentence.
      context: the window in tokens that a request may fill by default; None when unknown.
      max_context: the largest window that can be opted into; None when unknown.
      efforts: reasoning efforts it takes, lowest first, without client-side ones; empty when unknown.
      default_effort: what it uses when none is asked.
      images: whether it takes images.
      parallel_tools: whether it can call several tools at once.
      verbosity: whether ``text.verbosity`` may be sent.
      tiers: service tiers that may be asked for.
      served_as: other names under which the provider says that this model answered.
      retired: known to be refused by the provider today; kept so that the provider's own words reach the client.
      hidden: usable, but not listed.
      draws: it makes images and answers no questions.
      priority: the provider's own order, lower first.
    """

    id: str
    provider: str
    title: str = ""
    description: str = ""
    context: int | None = None
    max_context: int | None = None
    efforts: tuple[str, ...] = ()
    default_effort: str | None = None
    images: bool = True
    parallel_tools: bool = True
    verbosity: bool = True
    tiers: tuple[str, ...] = ()
    served_as: tuple[str, ...] = ()
    retired: bool = False
    hidden: bool = False
    draws: bool = False
    priority: int = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means.

    Fields:
      model: the model. effort: the one that the name asks for, or None.
      exact: whether the name is the model's own, rather than one that stands for it.
    """

    model: Model
    effort: str | None = None
    exact: bool = True


class Catalogue:
    """The models that can be asked now.

    Arguments:
      models: of all providers served; where two have the same id, the first one has it.
      fallback: the model for names that only Anthropic hosts, as configured; None: `DEFAULT_FALLBACK` where it is
        served, else the first listed model.
      aliases: ``NAME=MODEL`` each; a ``*`` in NAME stands for any characters, MODEL may end in an effort.
      small: the model for those of Anthropic's names that stand for a small one; None: the fallback.
    """

    def __init__(
        self,
        models: Iterable[Model],
        fallback: str | None = None,
        aliases: Iterable[str] = (),
        small: str | None = None,
    ) -> None:
        self.models = tuple(models)
        self._fallback = fallback
        self._small = small
        self._aliases = [
            (_plain(name).split("*"), target) for name, _, target in (alias.partition("=") for alias in aliases)
        ]
        self._index: dict[str, Model] = {}
        for model in self.models:
            self._index.setdefault(model.id, model)
            self._index.setdefault(model.id.lower(), model)
            self._index.setdefault(f"{model.provider}/{model.id.lower()}", model)

    def listed(self) -> list[Model]:
        """The models to show, provider by provider, each in its own order; an id that two have is the first one's."""
        order = list(dict.fromkeys(model.provider for model in self.models))
        shown = [
            model
            for model in self.models
            if not (model.hidden or model.retired) and self._index[model.id.lower()] is model
        ]
        return sorted(shown, key=lambda model: (order.index(model.provider), model.priority, model.id))

    def fallback(self) -> Model:
        """The model that answers for names that only Anthropic hosts.

        Raises:
          Problem: NOT_FOUND when the configured one does not exist.
        """
        return self._stand_in().model

    def lost(self) -> list[str]:
        """What the configuration names beside the fallback that does not exist, a sentence each."""
        named = [(target, f"the alias for {'*'.join(pieces)!r}") for pieces, target in self._aliases]
        named += [(self._small, "the small model")] if self._small is not None else []
        return [
            self._unknown(target, f"{what}, {target!r}, is not known").message
            for target, what in named
            if self._known(target) is None
        ]

    def resolve(self, name: str) -> Model:
        """The model that `name` means; see `find`."""
        return self.find(name).model

    def find(self, name: str) -> Found:
        """What `name` means: an alias of the person's; an id in any case of letters, with or without ``PROVIDER/`` before
        it and an effort behind it; or a name that only Anthropic hosts.

        Raises:
          Problem: NOT_FOUND, with the nearest names.
        """
        if self._aliases:
            plain = _plain(name)[:LONGEST]
            for pieces, target in self._aliases:
                if _matches(plain, pieces):
                    return self._meant(target, f"the alias for {plain!r}")
        if (found := self._known(name)) is not None:
            return found
        if _foreign(name):
            return self._stand_in(small=any(word in _words(name) for word in SMALL))
        plain, colon, effort = _plain(name).rpartition(":")
        if colon and effort in EFFORTS and _foreign(plain):
            return Found(self._stand_in(small=any(word in _words(plain) for word in SMALL)).model, effort, exact=False)
        raise self._unknown(name, f"there is no model {name[:LONGEST]!r}")

    def find_image(self, name: str | None) -> Found:
        """Which model draws when `name` is asked for: a model for images of that name or alias; for other names of OpenAI's
        models for images, and for none, the first one that there is.

        Raises:
          Problem: NOT_FOUND.
        """
        models = [model for model in self.models if model.draws]
        if not models:
            message = "none of the providers that are logged in makes images; 'rotom login' tells which ones do"
            raise Problem(Kind.NOT_FOUND, message, code="model_not_found", param="model", retry=False)
        if name is None:
            return Found(models[0])
        try:
            found = self.find(name)
        except Problem:
            found = None
        if found is not None and found.model.draws:
            return found
        if found is None and _plain(name).removeprefix("openai/").startswith(DRAWERS):
            return Found(models[0], exact=False)
        shown = ", ".join(model.id for model in models)
        message = f"{name[:LONGEST]!r} is no model that makes images here; there is {shown}"
        raise Problem(Kind.NOT_FOUND, message, code="model_not_found", param="model", retry=False)

    def _known(self, name: str) -> Found | None:
        """A model's own name, perhaps with an effort behind it."""
        if (model := self._index.get(name)) is not None:
            return Found(model)
        if (model := self._find(name)) is not None:
            return Found(model, exact=not _long(name))
        for mark in (":", "-"):
            plain, found, effort = _plain(name).rpartition(mark)
            if found and effort in EFFORTS and (model := self._find(plain)) is not None:
                return Found(model, effort, exact=not (_long(name) or _long(plain)))
        return None

    def _stand_in(self, small: bool = False) -> Found:
        """What answers for a name that only Anthropic hosts."""
        if small and self._small is not None:
            return self._meant(self._small, "the small model")
        if self._fallback is not None:
            return self._meant(self._fallback, "the fallback model")
        default = self._index.get(DEFAULT_FALLBACK)
        if default is not None and not (default.retired or default.hidden):
            return Found(default, exact=False)
        usable = self.listed() or [model for model in self.models if not (model.retired or model.draws)]
        if not usable:
            raise Problem(Kind.NOT_FOUND, "no model is known", code="model_not_found", param="model")
        return Found(usable[0], exact=False)

    def _meant(self, target: str, what: str) -> Found:
        """A model that the configuration names."""
        found = self._known(target)
        if found is None:
            raise self._unknown(target, f"{what}, {target!r}, is not known")
        return Found(found.model, found.effort, exact=False)

    def _find(self, name: str) -> Model | None:
        plain = _plain(name)
        prefix, slash, rest = plain.partition("/")
        if slash and prefix in PREFIXES:
            provider = PREFIXES[prefix]
            found = self._index.get(f"{provider}/{rest}" if provider else rest)
            return found or self._index.get(plain)  # gateways have such words in their own ids
        return self._index.get(plain)

    def _unknown(self, name: str, message: str) -> Problem:
        # Models known to be refused are no advice.
        from difflib import get_close_matches  # asked for seldom

        known = dict.fromkeys(model.id for model in self.models if not model.retired)  # two may have the same
        near = get_close_matches(_plain(name).rpartition("/")[2][:LONGEST], known, 3, 0.5)
        shown = ", ".join(model.id for model in self.listed()[:12])
        advice = f"did you mean {' or '.join(near)}?" if near else f"there are {shown}"
        return Problem(
            Kind.NOT_FOUND,
            f"{message}; {advice} ('rotom models' lists them all)",
            code="model_not_found",
            param="model",
            retry=False,
            hint="rotom models",
        )


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix("[1m]").strip()


def _long(name: str) -> bool:
    """Whether a name asks for a larger window, which no suffix makes."""
    return name.strip().lower().endswith("[1m]")


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", _plain(name)[:LONGEST])


def _matches(name: str, pieces: list[str]) -> bool:
    """Whether `name` consists of `pieces` with anything between them. (A regular expression could take for ever.)"""
    first, *others = pieces
    if not others:
        return name == first
    *between, last = others
    end = len(name) - len(last)
    place = len(first)
    if not name.startswith(first) or not name.endswith(last):
        return False
    for piece in between:
        found = name.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return place <= end


def _foreign(name: str) -> bool:
    plain = _plain(name).removeprefix("anthropic/")
    return any(plain == word or plain.startswith((f"{word}-", f"{word}plan")) for word in FOREIGN)
