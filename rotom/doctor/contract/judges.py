"""Judges: the comparisons that tables are made of. Pure.

What is not here: what is expected (the tables).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rotom.catalogue import Model
from rotom.doctor.contract import AS_ASSUMED, Base, Judged, different, unknown
from rotom.doctor.contract.seen import Seen

Judge = Callable[[Seen, Base], Judged]

ELSEWHERE = frozenset({401, 402, 403, 407, 408, 429})
"""Statuses that speak of the account, its limits or the way there, and not of the request."""


def untold(seen: Seen) -> Judged | None:
    """When nothing can be learned of an answer: none came, or it is about something else."""
    if not seen.status:
        return unknown(seen.problem)
    if seen.status in ELSEWHERE or seen.status >= 500:
        return unknown(seen.shown())
    return None


def refused(*words: str, statuses: Iterable[int] = (400,)) -> Judge:
    """The request is refused with one of the statuses, and one of the words is in what is said.

    A status that otherwise speaks of the account counts where it is named.
    """
    expected = tuple(statuses)

    def judge(seen: Seen, base: Base) -> Judged:
        if seen.status in expected:
            if not words or any(word.lower() in seen.text for word in words):
                return AS_ASSUMED
            return different(f"{seen.shown()}, in other words than are known")
        return untold(seen) or different(seen.shown())

    return judge


def answered(test: Callable[[Seen, Base], Judged | None] = lambda _seen, _base: None) -> Judge:
    """The request is answered to the end, and the test finds nothing else."""

    def judge(seen: Seen, base: Base) -> Judged:
        if seen.completed():
            return test(seen, base) or AS_ASSUMED
        if seen.status == 200 and not seen.of("response.failed") and not seen.of("error"):
            return different("the answer does not end with response.completed")
        if seen.status == 200:
            return unknown(seen.shown())
        return untold(seen) or different(seen.shown())

    return judge


def given(test: Callable[[Any, Base], Judged | None]) -> Judge:
    """A JSON answer in which the test finds nothing else."""

    def judge(seen: Seen, base: Base) -> Judged:
        if seen.status == 200:
            return different("it is no JSON") if seen.value is None else test(seen.value, base) or AS_ASSUMED
        return untold(seen) or different(seen.shown())

    return judge


def fields(value: Any, *paths: str) -> Judged | None:
    """A value has these fields: "a.b" is b in a, "a.0.b" is b in the first of the list a."""
    missing = [path for path in paths if _at(value, path) is None]
    return different(f"without {', '.join(missing)}") if missing else None


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, list):
            index = int(step) if step.isdigit() else -1
            value = value[index] if 0 <= index < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def headers(*names: str) -> Judge:
    """The answer has these headers."""

    def test(seen: Seen, base: Base) -> Judged | None:
        missing = [name for name in names if name not in seen.headers]
        return different(f"without {', '.join(missing)}") if missing else None

    return answered(test)


USAGE = (
    "input_tokens",
    "input_tokens_details.cached_tokens",
    "output_tokens",
    "output_tokens_details.reasoning_tokens",
    "total_tokens",
)


def usage(seen: Seen, base: Base) -> Judged | None:
    """Token counts have OpenAI's form."""
    return fields(seen.final().get("usage"), *USAGE)


def numbered(seen: Seen, base: Base) -> Judged | None:
    """Every event of an answer has its number."""
    missing = {
        str(event["type"])
        for event in seen.events
        if str(event.get("type")).startswith("response.") and not isinstance(event.get("sequence_number"), int)
    }
    return different(f"without sequence_number: {', '.join(sorted(missing))}") if missing else None


def sealed(seen: Seen, base: Base) -> Judged | None:
    """Reasoning comes with what only the provider can read."""
    items = seen.items("reasoning")
    if not items:
        return unknown("the model did not reason about it")
    return None if all(item.get("encrypted_content") for item in items) else different("without encrypted_content")


def told_reasoning(seen: Seen, base: Base) -> Judged | None:
    """Reasoning is told in words when a summary is asked for."""
    if not seen.items("reasoning"):
        return unknown("the model did not reason about it")
    kinds = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
    return None if any(seen.of(kind) for kind in kinds) else unknown("the model reasoned and told nothing of it")


def same_efforts(found: Iterable[Model], builtin: Iterable[Model]) -> Judged | None:
    """The efforts of the models that we know by heart are those of the list."""
    known: Mapping[str, Model] = {model.id: model for model in builtin if not model.retired}
    both = [(model, known[model.id]) for model in found if model.id in known]
    if not both:
        return unknown("the list has no model that is known by heart")
    other = [f"{live.id}: {' '.join(live.efforts) or 'none'}" for live, ours in both if live.efforts != ours.efforts]
    return different("; ".join(other)) if other else None
