"""`rotom help`: the manual, by topic."""

import pytest

from rotom import cli, exits, manual
from rotom.cli.help import TOPICS


@pytest.mark.parametrize(
    ("argv", "begins"),
    [
        ([], "NAME\n     rotom – use a ChatGPT/Codex login"),
        (["rotom"], "NAME\n     rotom – use a ChatGPT/Codex login"),
        (["config"], "NAME\n     rotom-config – settings"),
        (["rotom-config"], "NAME\n     rotom-config – settings"),
        (["rotom-config(5)"], "NAME\n     rotom-config – settings"),
        (["--text", "api"], "NAME\n     rotom-api – what the rotom server answers"),
        (["serve"], "Serve the logged-in providers"),
    ],
)
def test_in_a_pipe_it_is_plain_text(capsys, argv, begins):
    assert cli.main(["help", *argv]) == 0
    assert capsys.readouterr().out.startswith(begins)


@pytest.mark.parametrize("topic", TOPICS)
def test_there_is_something_to_every_topic(capsys, topic):
    assert cli.main(["help", topic]) == 0
    assert len(capsys.readouterr().out) > 200


def test_an_unknown_topic_names_the_nearest(capsys):
    assert cli.main(["help", "srve"]) == exits.USAGE
    said = capsys.readouterr().err
    assert said.startswith(
        "rotom: there is no topic 'srve'; did you mean 'serve'?\n       topics: config, api, and the commands"
    )


@pytest.mark.parametrize("topic", ["*", "config*", "[a-c]onfig", "../rotom", "rotom-"])
def test_a_topic_is_no_pattern(capsys, topic):
    assert cli.main(["help", topic]) == exits.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "there is no topic" in said.err


def test_pages_that_are_not_installed_are_said_to_be_so(capsys, monkeypatch):
    monkeypatch.setattr(manual, "find", lambda name: None)
    assert cli.main(["help"]) == cli.main(["help", "api"]) == exits.UNAVAILABLE
    assert "the manual page rotom is not part of this installation" in capsys.readouterr().err
    assert cli.main(["help", "config"]) == 0
    assert capsys.readouterr().out.startswith("Show and change the configuration.")
