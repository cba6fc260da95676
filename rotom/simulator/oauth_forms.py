"""The forms that simulated issuers have in common: pages, redirects, OAuth's errors, and a memory that forgets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import urlencode

from rotom.simulator.play import Reply, json_reply

KEPT: Final = 4096
"""Entries that one memory holds."""

V = TypeVar("V")


def location(query: Mapping[str, str], **fields: str) -> str:
    """Where the browser goes after a consent: back to the program that asked with this query."""
    state = {"state": query["state"]} if "state" in query else {}
    return f"{query['redirect_uri']}?{urlencode({**fields, **state})}"


def redirect(query: Mapping[str, str], **fields: str) -> Reply:
    """The answer that sends the browser there."""
    return Reply(302, b"", (("location", location(query, **fields)),))


def page(status: int, title: str, inside: str) -> Reply:
    """A page; `inside` is HTML."""
    text = f"<!doctype html><title>{title}</title><h1>{title}</h1>{inside}"
    return Reply(status, text.encode(), (("content-type", "text/html; charset=utf-8"),))


def oauth_error(status: int, code: str, description: str) -> Reply:
    """A refusal as the OAuth standard has it."""
    return json_reply(status, {"error": code, "error_description": description})


def keep(table: OrderedDict[str, V], key: str, value: V) -> None:
    """Remember, and forget the oldest beyond a bound."""
    table[key] = value
    if len(table) > KEPT:
        table.popitem(last=False)
