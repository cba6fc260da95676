"""What `rotom serve` says on a terminal when it is ready: where it listens, who is served, and what to paste."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

from rotom import __version__, shells
from rotom.catalogue import Model
from rotom.clients import CLAUDE, Target, environment
from rotom.config import Loaded
from rotom.server.listen import Address
from rotom.term import clean

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what stands for all addresses, and what reaches them


def banner(
    loaded: Loaded,
    logins: Sequence[Sequence[str | None]],
    fallback: Model | None,
    bound: Sequence[Address],
    *,
    demo: bool = False,
    columns: int = 80,
) -> str:
    """The text. It holds no secret: where a key is needed, the line tells where it is.

    Arguments:
      logins: for each provider served what is known of it: its title, the account's email, its plan.
      fallback: the model to name in the lines to paste; None: it is not known.
      columns: where sentences are broken; the lines to paste never are.
    """
    lines = [f"rotom {__version__} listens on {', '.join(f'http://{address}' for address in bound)}"]
    if demo:
        lines += [
            "",
            *textwrap.wrap(
                "This is a DEMONSTRATION: a simulated provider answers, nothing leaves this machine, nothing is kept. "
                "'rotom serve --demo --list' shows what it can play; 'rotom login' is the way to the real thing.",
                columns,
            ),
        ]
    lines.append("")
    lines += ["  " + clean(", ".join(word for word in login if word)) for login in logins]
    if not logins:
        lines.append("  No login yet. In another terminal: rotom login")
    how = "" if demo else ": rotom launch claude. Or"  # which looks for a server with the person's own logins
    lines += ["", f"Claude Code{how}, in the terminal where you start it:", ""]
    target = Target(
        root=f"http://{_nearest(bound)}",
        model=None if fallback is None else clean(fallback.id),
        context=None if fallback is None else fallback.context or None,
    )
    shell = shells.NAMES["sh"]
    words = {name: shell.quote(value) for name, value in environment(CLAUDE, target).items()}
    words[CLAUDE.key] = shells.key_word(loaded, shell, ["rotom"])
    lines += [f"  {shell.export.format(name=name, value=value)}" for name, value in words.items()]
    lines += ["  claude", ""]
    return "\n".join(lines)


def _nearest(bound: Sequence[Address]) -> Address:
    """The address for programs of this machine."""
    address = next((address for address in bound if address.loopback), bound[0])
    return replace(address, host=_LOOPBACK.get(address.host, address.host))
