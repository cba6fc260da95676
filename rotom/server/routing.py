"""Routing: a table of routes, matched exactly.

A path is split at ``/`` before it is percent-decoded, so that an encoded slash can never change which route is meant, and
no normalisation (``..``, ``//``, a trailing slash) takes place: what is not in the table is not there. A segment written
``{name}`` matches one non-empty segment, ``{name...}`` as the last one matches the rest of the path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from rotom.problem import Kind, Problem
from rotom.server.exchange import Exchange

Handler = Callable[[Exchange], Awaitable[None]]

JSON = ("application/json",)
FORM = ("multipart/form-data",)


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Fields:
      method: GET, POST, DELETE. A GET route answers HEAD as well.
      path: the pattern.
      handler: what answers.
      accepts: the content types that a body may have; empty: the body, if there is any, is not looked at.
      body_limit: the longest body in bytes; None: the server's limit.
    """

    method: str
    path: str
    handler: Handler
    accepts: tuple[str, ...] = ()
    body_limit: int | None = None


class Router:
    """Finds the route of a request.

    Arguments:
      prefix: a path that is not in the table is looked for once more with this before it.
    """

    def __init__(self, routes: Iterable[Route], prefix: str = "") -> None:
        self.routes = tuple(routes)
        self._prefix = prefix
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: list[tuple[list[str], Route]] = []
        for route in self.routes:
            if "{" in route.path:
                self._patterns.append((route.path.split("/"), route))
            else:
                self._exact.setdefault(route.path, {})[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the values of its pattern.

        Raises:
          Problem: NOT_FOUND, or METHOD with the methods that there are.
        """
        found = self._at(path) or (self._at(self._prefix + path) if self._prefix else [])
        if not found:
            raise Problem(Kind.NOT_FOUND, f"Invalid URL ({method} {path})", retry=False)
        wanted = "GET" if method == "HEAD" else method
        for route, params in found:
            if route.method == wanted:
                return route, params
        raise Problem(
            Kind.METHOD, f"{path} takes {', '.join(sorted({route.method for route, _ in found}))}, not {method}"
        )

    def methods(self, path: str) -> list[str]:
        """The methods that `path` takes."""
        found = self._at(path) or (self._at(self._prefix + path) if self._prefix else [])
        return sorted({route.method for route, _ in found})

    def _at(self, path: str) -> list[tuple[Route, dict[str, str]]]:
        """The routes at a path, one a method, each with the values of its pattern."""
        found: list[tuple[Route, dict[str, str]]] = [(route, {}) for route in self._exact.get(path, {}).values()]
        if not found:
            segments = path.split("/")
            for pattern, route in self._patterns:
                if (params := _match(pattern, segments)) is not None:
                    found.append((route, params))
        return found


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for index, want in enumerate(pattern):
        if want.endswith("...}"):
            rest = "/".join(segments[index:])
            if not rest:
                return None
            params[want[1:-4]] = unquote(rest)
            return params
        if index >= len(segments):
            return None
        if want.startswith("{"):
            if not segments[index]:
                return None
            params[want[1:-1]] = unquote(segments[index])
        elif want != segments[index]:
            return None
    return params if len(pattern) == len(segments) else None
