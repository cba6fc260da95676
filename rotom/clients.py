"""The clients that rotom knows to set up, as data: what each must be told so that it works through the server.

`rotom env`, `rotom launch`, the banner of `rotom serve` and the README's test all read this one table. A template such as
``{model}`` stands for a field of `Target`; an entry with a field that is not known is left out, so one table does for
little knowledge and for much.

What is not here: how a shell is told (shells.py), and how a client is started (cli/launch.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from string import Formatter
from urllib.parse import urlsplit

NO_KEY = "rotom"
"""What is sent as the key where none is set: clients want to send one."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client is sent, and for what.

    Fields:
      root: the server's address, ``http://HOST:PORT``. key: the local key.
      model: the main model; context: its window in tokens.
      chosen: the main model again, where a person named it, who then means it for the subagents as well.
      small: the model for small tasks. effort: how hard the model thinks.
    """

    root: str
    key: str = field(default=NO_KEY, repr=False)
    model: str | None = None
    context: int | None = None
    chosen: str | None = None
    small: str | None = None
    effort: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """One client.

    Fields:
      name: what it is called here; program: its command. None: any command, which the person names.
      install: the command that installs it. places: where its installers put it beside PATH.
      key: the variable that takes the key.
      variables: what it reads from its environment.
      managed: further variables for `rotom launch`, which would be in the way of other uses of the same shell.
      arguments: groups of words that go before the person's own.
      foreign: variables that would lead it elsewhere.
    """

    name: str
    title: str
    key: str
    variables: Mapping[str, str]
    program: str | None = None
    install: str | None = None
    places: tuple[str, ...] = ()
    managed: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[tuple[str, ...], ...] = ()
    foreign: tuple[str, ...] = ()


CLAUDE = Client(
    name="claude",
    title="Claude Code",
    program="claude",
    install="npm install -g @anthropic-ai/claude-code",
    places=("~/.local/bin", "~/.claude/local"),
    key="ANTHROPIC_AUTH_TOKEN",
    variables={
        "ANTHROPIC_BASE_URL": "{root}",
        "ANTHROPIC_AUTH_TOKEN": "{key}",
        "ANTHROPIC_MODEL": "{model}",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "{context}",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "{chosen}",
        "ANTHROPIC_DEFAULT_SONNET_MODEL": "{chosen}",
        "ANTHROPIC_DEFAULT_FABLE_MODEL": "{chosen}",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "{small}",
        "CLAUDE_CODE_EFFORT_LEVEL": "{effort}",
    },
    # Seen in 2.1.330 (2026-11): what its settings files say under "env" wins over the environment, unless this is set.
    managed={"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"},
    foreign=(
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_CUSTOM_HEADERS",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_UNIX_SOCKET",
        "CLAUDE_CODE_API_BASE_URL",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_ANTHROPIC_AWS",
        "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_FOUNDRY",
        "CLAUDE_CODE_USE_GATEWAY",
        "CLAUDE_CODE_USE_MANTLE",
        "CLAUDE_CODE_USE_VERTEX",
    ),
)

CODEX = Client(
    name="codex",
    title="Codex CLI",
    program="codex",
    install="npm install -g @openai/codex",
    key="ROTOM_CLIENT_KEY",
    variables={"ROTOM_CLIENT_KEY": "{key}"},
    arguments=(
        ("-c", 'model_provider="rotom"'),
        (
            "-c",
            'model_providers.rotom={{name="rotom", base_url={base:toml}, env_key="ROTOM_CLIENT_KEY", '
            'wire_api="responses", supports_websockets=true}}',
        ),
        ("-c", "model={model:toml}"),
        ("-c", "model_context_window={context}"),
        ("-c", "model_reasoning_effort={effort:toml}"),
    ),
)

OPENAI = Client(
    name="openai",
    title="what is built on OpenAI's libraries",
    key="OPENAI_API_KEY",
    variables={
        "OPENAI_BASE_URL": "{base}",
        "OPENAI_API_KEY": "{key}",
        "OPENAI_DEFAULT_MODEL": "{model}",
        # The Agents SDK sends traces to OpenAI, with the key that it has.
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    },
    foreign=("OPENAI_API_BASE", "OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_PROJECT", "OPENAI_PROJECT_ID"),
)

ANTHROPIC = Client(
    name="anthropic",
    title="what is built on Anthropic's libraries",
    key="ANTHROPIC_API_KEY",
    variables={"ANTHROPIC_BASE_URL": "{root}", "ANTHROPIC_API_KEY": "{key}", "ANTHROPIC_MODEL": "{model}"},
    foreign=("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_PROFILE"),
)

CLIENTS: Mapping[str, Client] = {client.name: client for client in (CLAUDE, CODEX, OPENAI, ANTHROPIC)}


def environment(client: Client, target: Target, *, managed: bool = False) -> dict[str, str]:
    """The variables to set, in the table's order.

    Arguments:
      managed: it is started by us, alone.
    """
    words = _fields(target)
    table = {**client.variables, **(client.managed if managed else {})}
    return {name: form.format_map(words) for name, form in table.items() if _known(form, words)}


def arguments(client: Client, target: Target) -> list[str]:
    """The words that go before the person's own."""
    words = _fields(target)
    groups = [group for group in client.arguments if all(_known(form, words) for form in group)]
    return [form.format_map(words) for group in groups for form in group]


def in_the_way(client: Client, environ: Mapping[str, str]) -> list[str]:
    """The variables of an environment that would lead the client elsewhere."""
    return [name for name in client.foreign if environ.get(name)]


def around_proxies(root: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Where the environment names a proxy for http: the variables with which programs go to `root` without it."""
    if not any(environ.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")):
        return {}
    host = urlsplit(root).hostname or ""
    found = {}
    for name in ("NO_PROXY", "no_proxy"):
        known = environ.get(name) or environ.get(name.swapcase()) or ""
        entries = [entry.strip() for entry in known.split(",") if entry.strip()]
        if host not in entries and "*" not in entries:
            found[name] = ",".join([*entries, host])
    return found


class _Word(str):
    """A field; ``{field:toml}`` is it as a string of TOML, which those of JSON are, too."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return json.dumps(str(self)) if form == "toml" else str(self)


def _fields(target: Target) -> dict[str, _Word]:
    known = {name: _Word(value) for name, value in asdict(target).items() if value is not None}
    return {**known, "base": _Word(f"{target.root}/v1")}


def _known(form: str, words: Iterable[str]) -> bool:
    return all(name is None or name in words for _, name, _, _ in Formatter().parse(form))
