"""What `rotom serve` says on a terminal when it is ready: where it listens, who is served, and what to paste."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rotom import __version__
from rotom.catalogue import Model
from rotom.config import Loaded
from rotom.server.listen import Address
from rotom.term import clean


def banner(
    loaded: Loaded, logins: Sequence[Sequence[str | None]], fallback: Model, bound: Sequence[Address], demo: bool
) -> str:
    """The text. It holds no secret: where a key is needed, the line tells where it is.

    Arguments:
      logins: for each provider served what is known of it: its title, the account's email, its plan.
      fallback: the model to name in the lines to paste.
    """
    base = next((f"http://{address}" for address in bound if address.loopback), f"http://{bound[0]}")
    lines = [f"rotom {__version__} listens on {', '.join(f'http://{address}' for address in bound)}"]
    if demo:
        lines += [
            "",
            "This is a DEMONSTRATION: a simulated provider answers, nothing leaves this machine, nothing is kept.",
            "'rotom serve --demo --list' shows what it can play; 'rotom login' is the way to the real thing.",
        ]
    lines.append("")
    lines += ["  " + clean(", ".join(word for word in login if word)) for login in logins]
    if not logins:
        lines.append("  No provider is logged in yet. In another terminal: rotom login")
    lines += ["", "Claude Code, in the terminal where you start it:", ""]
    exports = {
        "ANTHROPIC_BASE_URL": base,
        "ANTHROPIC_AUTH_TOKEN": _key(loaded),
        "ANTHROPIC_MODEL": shlex.quote(clean(fallback.id)),
    }
    if fallback.context:
        exports["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(fallback.context)
    lines += [f"  export {name}={value}" for name, value in exports.items()]
    lines += ["  claude", ""]
    return "\n".join(lines)


def _key(loaded: Loaded) -> str:
    source = loaded.sources.get("api_key", "default")
    if loaded.config.api_key is None:
        file = loaded.config.api_key_file
        return f'"$(cat {file})"' if file else "rotom"
    if source.startswith("environment"):
        return '"$' + source.removeprefix("environment ") + '"'
    return "YOUR_LOCAL_KEY"
