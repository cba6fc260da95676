"""The catalogue: which model a name means and who serves it. Pure: lists of models go in, a resolved model comes out.

What is not here: fetching and caching the live lists (upstream/), and the lists that providers know by heart (providers/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from rotom.problem import Kind, Problem

DEFAULT_FALLBACK = "gpt-5.5"

FOREIGN = ("claude", "sonnet", "opus", "haiku", "fable", "mythos", "best", "default")
"""First words of names that only Anthropic hosts: ids, and the aliases of Claude Code (2.x, 2026-11), whose small
background requests ask for a haiku whatever model is set."""

LONGEST = 100
"""The characters of an unknown name that are looked at and repeated."""

PREFIXES = {"codex": "openai", "anthropic": None}
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
      retired: known to be refused by the provider today; kept so that the provider's own words reach the client.
      hidden: usable, but not listed.
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
    retired: bool = False
    hidden: bool = False
    priority: int = 1000


class Catalogue:
    """The models that can be asked now.

    Arguments:
      models: of all providers served; where two have the same id, the first one has it.
      fallback: the model for names that only Anthropic hosts, as configured; None: `DEFAULT_FALLBACK` where it is
        served, else the first listed model.
    """

    def __init__(self, models: Iterable[Model], fallback: str | None = None) -> None:
        self.models = tuple(models)
        self._fallback = fallback
        self._index: dict[str, Model] = {}
        for model in self.models:
            self._index.setdefault(model.id, model)
            self._index.setdefault(model.id.lower(), model)
            self._index.setdefault(f"{model.provider}/{model.id.lower()}", model)

    def listed(self) -> list[Model]:
        """The models to show, provider by provider, each in its own order."""
        order = list(dict.fromkeys(model.provider for model in self.models))
        shown = [model for model in self.models if not (model.hidden or model.retired)]
        return sorted(shown, key=lambda model: (order.index(model.provider), model.priority, model.id))

    def fallback(self) -> Model:
        """The model that answers for names that only Anthropic hosts.

        Raises:
          Problem: NOT_FOUND when the configured one does not exist.
        """
        if self._fallback is not None:
            model = self._find(self._fallback)
            if model is None:
                raise self._unknown(self._fallback, f"the fallback model {self._fallback!r} is not known")
            return model
        default = self._index.get(DEFAULT_FALLBACK)
        if default is not None and not (default.retired or default.hidden):
            return default
        usable = self.listed() or [model for model in self.models if not model.retired]
        if not usable:
            raise Problem(Kind.NOT_FOUND, "no model is known", code="model_not_found", param="model")
        return usable[0]

    def resolve(self, name: str) -> Model:
        """The model that `name` means: an id in any case of letters, with or without ``PROVIDER/`` before it and Claude
        Code's ``[1m]`` behind it, or a name that only Anthropic hosts.

        Raises:
          Problem: NOT_FOUND, with the nearest names.
        """
        model = self._index.get(name) or self._find(name)
        if model is not None:
            return model
        if _foreign(name):
            return self.fallback()
        raise self._unknown(name, f"there is no model {name[:LONGEST]!r}")

    def _find(self, name: str) -> Model | None:
        plain = _plain(name)
        prefix, slash, rest = plain.partition("/")
        if slash and prefix in PREFIXES:
            provider = PREFIXES[prefix]
            plain = f"{provider}/{rest}" if provider else rest
        return self._index.get(plain)

    def _unknown(self, name: str, message: str) -> Problem:
        # Models known to be refused are no advice.
        near = get_close_matches(
            _plain(name).rpartition("/")[2][:LONGEST], [model.id for model in self.models if not model.retired], 3, 0.5
        )
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


def _foreign(name: str) -> bool:
    plain = _plain(name).removeprefix("anthropic/")
    return any(plain == word or plain.startswith((f"{word}-", f"{word}plan")) for word in FOREIGN)
