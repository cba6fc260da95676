"""List the models, grouped by provider.

Usage:
  rotom models [options]

Options:
  --provider NAME   this provider only
  --all             hidden models too
  --json            print one JSON object
  --auth-file FILE  the credentials file
  -h, --help        show this text

With a login the provider's live list is shown, otherwise the list that this version of rotom knows by heart; the output
says which. 'retired' models are known to be refused by the provider.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rotom.catalogue import Model
from rotom.cli import usage
from rotom.config import Config, load
from rotom.problem import Problem
from rotom.sse import Json
from rotom.term import Terminal, clean


@dataclass(frozen=True, slots=True)
class Group:
    """The models of one provider. `source` is live or built-in; `problem` says why it is not live, where that is news."""

    provider: str
    title: str
    source: str
    models: Sequence[Model]
    problem: str | None = None


def run(argv: list[str]) -> int:
    """Ask and show."""
    import trio

    given = usage.parse(__doc__ or "", argv)
    groups = trio.run(_ask, load(given, os.environ).config, strict_exception_groups=True)
    hidden = bool(given["--all"])
    if given["--json"]:
        print(json.dumps(report(groups, hidden=hidden), indent=2))
    else:
        print(rendered(groups, Terminal(sys.stdout), hidden=hidden))
    return 0


async def _ask(config: Config) -> list[Group]:
    from rotom.cli.logins import our_vault
    from rotom.serve import assemble
    from rotom.upstream.flows import play

    groups = []
    async with assemble(config, os.environ, vault=our_vault(config)) as gateway:
        in_use = await gateway.in_use()
        for name, provider in gateway.providers.items():
            models, source, problem = list(provider.builtin), "built-in", None
            if name in in_use:
                try:
                    token = await gateway.keeper.token(in_use[name])
                    models, _ = await play(gateway.client, provider.models(token))
                    source = "live"
                except Problem as exc:
                    problem = exc.message
            groups.append(Group(name, provider.title, source, sorted(models, key=_order), problem))
    return groups


def _order(model: Model) -> tuple[bool, int]:
    return model.retired, model.priority


def report(groups: Sequence[Group], *, hidden: bool) -> Json:
    """The lists as one JSON object."""
    return {
        "providers": [
            {
                "provider": group.provider,
                "title": group.title,
                "source": group.source,
                "problem": group.problem,
                "models": [asdict(model) for model in group.models if hidden or not model.hidden],
            }
            for group in groups
        ]
    }


def rendered(groups: Sequence[Group], terminal: Terminal, *, hidden: bool) -> str:
    """The lists for people."""
    paragraphs = []
    for group in groups:
        title = f"{terminal.paint('bold', group.provider)}  {clean(group.title)}, "
        title += "live list" if group.source == "live" else "the list that rotom knows by heart"
        lines = [title]
        if group.problem:
            lines.append("  " + terminal.paint("red", f"# {clean(group.problem)}"))
        elif group.source != "live":
            lines.append(terminal.paint("dim", f"  # not logged in: rotom login --provider {group.provider}"))
        rows = [_row(model, terminal) for model in group.models if hidden or not model.hidden]
        lines.append(terminal.table([_head(terminal), *rows], "  ") if rows else "  no models")
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _head(terminal: Terminal) -> tuple[str, ...]:
    return tuple(terminal.paint("dim", word) for word in ("MODEL", "CONTEXT", "EFFORT", ""))


def _row(model: Model, terminal: Terminal) -> tuple[str, ...]:
    efforts = clean(" ".join(model.efforts)) or "-"
    notes = [word for word, holds in (("retired", model.retired), ("hidden", model.hidden)) if holds]
    identity = clean(model.id)
    return (terminal.paint("dim", identity) if model.retired else identity, _context(model), efforts, " ".join(notes))


def _context(model: Model) -> str:
    """The window: "272k", or "272k-872k" where more can be opted into."""
    if model.context is None:
        return "-"
    more = f"-{model.max_context // 1000}k" if model.max_context and model.max_context > model.context else ""
    return f"{model.context // 1000}k{more}"
