"""Where the Codex service is for an account, and who asks it: what each of its calls begins with."""

from __future__ import annotations

from urllib.parse import urlsplit

from rotom.config import Config
from rotom.problem import Kind, Problem
from rotom.providers import Token

ORIGIN = "https://chatgpt.com"
"""What a workspace's own origin stands in for; a configured mirror is never overridden."""

NO_CONSTRAINT = "NO_CONSTRAINT"


def identity(config: Config, token: Token) -> tuple[tuple[str, str], ...]:
    """The headers that say who asks, for each call to the service."""
    headers = [
        ("authorization", f"Bearer {token.access}"),
        ("originator", config.openai_originator),
        ("user-agent", config.openai_user_agent),
        ("version", config.openai_client_version),
    ]
    if token.account_id:
        headers.append(("chatgpt-account-id", token.account_id))
    if token.extra.get("fedramp") is True:
        headers.append(("x-openai-fedramp", "true"))
    override = token.extra.get("account_routing_override")
    if isinstance(override, str) and override != NO_CONSTRAINT:
        headers.append(("x-openai-account-routing-override", override))
    return tuple(headers)


def base_url(config: Config, token: Token) -> str:
    """Where the service is for this account: some workspaces have an origin of their own (seen in Codex CLI 0.169).

    Raises:
      Problem: UPSTREAM when that origin is not an https one; a token does not go there.
    """
    base = config.openai_base_url.rstrip("/")
    origin = token.extra.get("workspace_backend_origin")
    if not isinstance(origin, str) or origin == NO_CONSTRAINT or not base.startswith(ORIGIN + "/"):
        return base
    parts = urlsplit(origin)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise Problem(
            Kind.UPSTREAM,
            "the provider names an address for your workspace that is not a plain https origin; nothing was sent there",
            code="workspace_origin",
            retry=False,
        )
    return f"https://{parts.netloc}{base.removeprefix(ORIGIN)}"
