"""The catalogue: which model a name means and who serves it. Pure: lists of models go in, a resolved model comes out.

What is not here: fetching and caching the live lists (upstream/), and the lists that providers know by heart (providers/).
"""

from __future__ import annotations

from dataclasses import dataclass


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
