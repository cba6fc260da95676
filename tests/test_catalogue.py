"""Names and the models they mean."""

import time

import pytest

from rotom.catalogue import Catalogue, Model
from rotom.problem import Kind, Problem
from rotom.providers.openai_models import BUILTIN

GROK = (Model("grok-4", "grok", priority=1), Model("grok-4.3", "grok", priority=0))
ALL = Catalogue([*BUILTIN, *GROK])


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("gpt-5.5", "gpt-5.5"),
        ("GPT-5.5", "gpt-5.5"),
        (" gpt-5.5 ", "gpt-5.5"),
        ("gpt-6.1-sol[1m]", "gpt-6.1-sol"),
        ("openai/gpt-6-luna", "gpt-6-luna"),
        ("codex/gpt-6-luna", "gpt-6-luna"),
        ("grok/grok-4", "grok-4"),
        ("gpt-5.1-codex-max", "gpt-5.1-codex-max"),  # retired: the provider's own words
        ("codex-auto-review", "codex-auto-review"),
        ("claude-sonnet-4-5-20250929", "gpt-5.5"),
        ("anthropic/claude-opus-4-6", "gpt-5.5"),
        ("claude", "gpt-5.5"),
        ("Sonnet[1m]", "gpt-5.5"),
        ("opusplan", "gpt-5.5"),
        ("haiku", "gpt-5.5"),
        ("fable", "gpt-5.5"),
    ],
)
def test_names(name: str, id: str) -> None:
    assert ALL.resolve(name).id == id


@pytest.mark.parametrize("name", ["gpt-5.5-turbo-max", "", "claudette", "grok/gpt-5.5", "/", "[1m]", "opusculum"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(Problem) as caught:
        ALL.resolve(name)
    assert (caught.value.kind, caught.value.code, caught.value.retry) == (Kind.NOT_FOUND, "model_not_found", False)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(Problem, match=r"did you mean gpt-5\.6-sol"):
        ALL.resolve("gpt-5.6-soll")
    with pytest.raises(Problem) as caught:
        ALL.resolve("gpt-5.1-codex-maxi")
    assert "gpt-5.1" not in caught.value.message.partition("did you mean")[2]  # a retired model is no advice


def test_the_same_id_belongs_to_the_first_provider() -> None:
    both = Catalogue([Model("same", "one"), Model("same", "two")])
    assert both.resolve("same").provider == "one"
    assert both.resolve("two/same").provider == "two"


def test_fallbacks() -> None:
    assert Catalogue(BUILTIN, "GPT-6-luna").resolve("sonnet").id == "gpt-6-luna"
    assert Catalogue(GROK).resolve("sonnet").id == "grok-4.3"
    hidden = [Model("gpt-5.5", "openai", hidden=True), Model("gpt-7", "openai")]
    assert Catalogue(hidden).resolve("sonnet").id == "gpt-7"  # the plan does not list gpt-5.5
    with pytest.raises(Problem, match="fallback model, 'claude-x'"):
        Catalogue(BUILTIN, "claude-x").resolve("sonnet")
    with pytest.raises(Problem, match="no model is known"):
        Catalogue([]).resolve("sonnet")


MANY = Catalogue(
    BUILTIN,
    "gpt-5.6-sol:low",
    ["claude-opus-*=gpt-6-astra", "fast=gpt-6-luna:low", "gpt-5.4=GPT-6-Sol", "lost=gpt-9", "*-mini-*=gpt-5.4-mini"],
    "gpt-5.4-mini",
)


@pytest.mark.parametrize(
    ("name", "id", "effort", "exact"),
    [
        ("gpt-5.5", "gpt-5.5", None, True),
        ("openai/GPT-5.5", "gpt-5.5", None, True),
        ("gpt-5.5[1m]", "gpt-5.5", None, False),
        ("gpt-5.5:high", "gpt-5.5", "high", True),
        ("gpt-5.5-high", "gpt-5.5", "high", True),
        ("GPT-5.5-XHigh[1m]", "gpt-5.5", "xhigh", False),
        ("gpt-5.5[1m]:minimal", "gpt-5.5", "minimal", False),
        ("openai/gpt-6.1-sol:max", "gpt-6.1-sol", "max", True),
        ("gpt-5.1-codex-max", "gpt-5.1-codex-max", None, True),  # a model of that very name
        ("claude-opus-5-5", "gpt-6-astra", None, False),
        ("Claude-Opus-5-5[1m]", "gpt-6-astra", None, False),
        ("fast", "gpt-6-luna", "low", False),
        ("gpt-5.4", "gpt-6-sol", None, False),  # the person's own word wins over a known id
        ("some-mini-thing", "gpt-5.4-mini", None, False),
        ("haiku", "gpt-5.4-mini", None, False),
        ("claude-3-5-haiku-20241022", "gpt-5.4-mini", None, False),
        ("sonnet", "gpt-5.6-sol", "low", False),
        ("sonnet:high", "gpt-5.6-sol", "high", False),
        ("haiku:none", "gpt-5.4-mini", "none", False),
    ],
)
def test_aliases_small_models_and_efforts(name: str, id: str, effort: str | None, exact: bool) -> None:
    found = MANY.find(name)
    assert (found.model.id, found.effort, found.exact) == (id, effort, exact)


@pytest.mark.parametrize("name", ["gpt-5.5:hot", "gpt-5.5:", "gpt-5.5-", "gpt-9-high", ":high", "opus-x"])
def test_no_effort(name: str) -> None:
    with pytest.raises(Problem, match=r"there is no model|is not known"):
        Catalogue(BUILTIN, "gpt-9").find(name)


def test_an_alias_that_leads_nowhere_says_so() -> None:
    with pytest.raises(Problem, match="the alias for 'lost', 'gpt-9', is not known"):
        MANY.find("lost")
    with pytest.raises(Problem, match="the small model, 'gpt-x', is not known"):
        Catalogue(BUILTIN, small="gpt-x").find("haiku")


def test_what_leads_nowhere_is_known_beforehand() -> None:
    assert [sentence.partition(";")[0] for sentence in MANY.lost()] == ["the alias for 'lost', 'gpt-9', is not known"]
    assert Catalogue(BUILTIN, small="gpt-x").lost()[0].startswith("the small model, 'gpt-x'")
    assert ALL.lost() == []


def test_without_a_small_model_haiku_is_the_fallback() -> None:
    assert ALL.find("haiku").model.id == "gpt-5.5"


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "x", True),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*-mini", "gpt-mini", True),
        ("*b*b*", "abcb", True),
        ("*b*b*", "abc", False),
        ("a*bc*c", "abc", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns(pattern: str, name: str, matches: bool) -> None:
    found = Catalogue([Model("good", "p"), Model("other", "p")], "other", [f"{pattern}=good", "*=other"]).resolve(name)
    assert (found.id == "good") is matches


def test_patterns_take_no_more_than_a_moment() -> None:
    begun = time.process_time()
    slow = Catalogue(BUILTIN, aliases=["*a*a*a*a*a*a*b=gpt-5.5"])
    with pytest.raises(Problem):
        slow.find("a" * 1_000_000)
    assert time.process_time() - begun < 2


def test_the_list_for_people() -> None:
    listed = [model.id for model in Catalogue([*GROK, *BUILTIN]).listed()]
    assert listed[:4] == ["grok-4.3", "grok-4", "gpt-6.1-sol", "gpt-6-astra"]
    assert "codex-auto-review" not in listed
    assert "gpt-5.1" not in listed


def test_an_endless_name_is_looked_at_in_part() -> None:
    begun = time.process_time()
    with pytest.raises(Problem) as caught:
        Catalogue([Model("gpt-5.5", "openai")]).resolve("gpt-" + "x" * 20_000_000)
    assert len(caught.value.message) < 400
    assert time.process_time() - begun < 2


def test_a_gateway_has_vendors_in_its_ids() -> None:
    models = [Model("gpt-5.5", "openai"), Model("anthropic/claude-x", "gate"), Model("openai/gpt-5.5", "gate")]
    catalogue = Catalogue(models)
    assert catalogue.resolve("Anthropic/Claude-X").provider == "gate"
    assert catalogue.resolve("gate/openai/gpt-5.5").provider == "gate"
    assert catalogue.resolve("openai/gpt-5.5").provider == "openai"
    assert catalogue.resolve("claude-y").id == "gpt-5.5"


def test_names_that_two_have_are_advised_once_and_vendors_have_prefixes() -> None:
    models = [Model("gpt-5.5", "openai"), Model("gpt-5.5", "chatgpt"), Model("grok-4.6", "grok")]
    catalogue = Catalogue(models)
    with pytest.raises(Problem) as caught:
        catalogue.resolve("grok/gpt-5.5")
    assert caught.value.message.count("gpt-5.5") == 2  # what was asked for, and the advice
    assert {catalogue.resolve(name).provider for name in ("grok/grok-4.6", "xai/grok-4.6", "x-ai/Grok-4.6")} == {"grok"}
    assert catalogue.resolve("chatgpt/gpt-5.5").provider == "chatgpt"
    assert catalogue.resolve("codex/gpt-5.5").provider == "openai"
