"""xAI's two origins for the same login, and who asks them: what each call begins with."""

from __future__ import annotations

from rotom.config import Config
from rotom.providers import Token

API, PROXY = "api", "proxy"


def base_url(config: Config, origin: str) -> str:
    """The address of an origin."""
    return (config.grok_proxy_url if origin == PROXY else config.grok_base_url).rstrip("/")


def identity(config: Config, origin: str, token: Token) -> tuple[tuple[str, str], ...]:
    """The headers that say who asks, for each call. The proxy answers 403, 404 or 426 without its own."""
    headers = (("authorization", f"Bearer {token.access}"), ("user-agent", config.grok_user_agent))
    if origin != PROXY:
        return headers
    return (
        *headers,
        ("x-xai-token-auth", config.grok_token_auth),
        ("x-grok-client-version", config.grok_client_version),
        ("x-grok-client-mode", "headless"),
    )
