"""How the model lists look."""

import io
import json

from rotom import cli
from rotom.catalogue import Model
from rotom.cli.models import Group, rendered, report
from rotom.term import Terminal

LUNA = Model("gpt-6-luna", "openai", context=272_000, max_context=872_000, efforts=("low", "high"), priority=2)
OLD = Model("gpt-5.1", "openai", retired=True)
HIDDEN = Model("codex-auto-review", "openai", context=1000, hidden=True)


def test_models_are_columns_under_their_provider():
    text = rendered(
        [Group("openai", "ChatGPT", "live", [LUNA, OLD, HIDDEN])], Terminal(io.StringIO(), {}), hidden=False
    )
    assert text.splitlines() == [
        "openai  ChatGPT, live list",
        "  MODEL       CONTEXT    EFFORT",
        "  gpt-6-luna  272k-872k  low high",
        "  gpt-5.1     -          -         retired",
    ]


def test_a_list_that_is_not_live_says_why():
    groups = [
        Group("openai", "ChatGPT", "built-in", [LUNA], "the network is down"),
        Group("grok", "Grok", "built-in", []),
    ]
    text = rendered(groups, Terminal(io.StringIO(), {}), hidden=False)
    assert "openai  ChatGPT, the list that rotom knows by heart\n  # the network is down\n" in text
    assert text.endswith("  # not logged in: rotom login --provider grok\n  no models")


def test_the_report_has_every_field_and_hides_what_is_hidden():
    groups = [Group("openai", "ChatGPT", "live", [LUNA, HIDDEN])]
    (provider,) = report(groups, hidden=False)["providers"]
    assert [model["id"] for model in provider["models"]] == ["gpt-6-luna"]
    assert provider["models"][0]["max_context"] == 872_000
    assert provider["source"] == "live"
    assert len(report(groups, hidden=True)["providers"][0]["models"]) == 2


def test_without_a_login_the_built_in_list_is_shown_and_nobody_is_asked(simulator, capsys):
    assert cli.main(["models"]) == 0
    out = capsys.readouterr().out
    assert "the list that rotom knows by heart" in out
    assert "# not logged in: rotom login --provider openai" in out
    assert "gpt-5.5" in out
    assert len(simulator.requests) == 0


def test_with_a_login_the_list_is_the_providers(logged_in, capsys):
    assert cli.main(["models"]) == 0
    assert "live list" in capsys.readouterr().out
    assert cli.main(["models", "--json", "--all", "--provider", "openai"]) == 0
    (provider,) = json.loads(capsys.readouterr().out)["providers"]
    assert provider["source"] == "live"
    assert {model["provider"] for model in provider["models"]} == {"openai"}


def test_a_provider_that_cannot_be_reached_is_told(logged_in, monkeypatch, capsys):
    monkeypatch.setenv("ROTOM_OPENAI_BASE_URL", "http://127.0.0.1:1/backend-api/codex")
    assert cli.main(["models"]) == 0
    out = capsys.readouterr().out
    assert "the list that rotom knows by heart\n  # " in out
    assert "gpt-5.5" in out
