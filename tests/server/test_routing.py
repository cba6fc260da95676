"""Routing: an exact table."""

import pytest

from rotom.problem import Kind, Problem
from rotom.server.exchange import Exchange
from rotom.server.routing import Route, Router


async def nothing(exchange: Exchange) -> None:
    """A handler."""


ROUTER = Router(
    [
        Route("GET", "/", nothing),
        Route("POST", "/v1/messages", nothing),
        Route("GET", "/v1/models", nothing),
        Route("GET", "/v1/models/{id...}", nothing),
        Route("GET", "/v1/batches/{id}", nothing),
        Route("DELETE", "/v1/batches/{id}", nothing),
        Route("POST", "/v1/batches/{id}/cancel", nothing),
        Route("GET", "/v1/batches/special", nothing),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "pattern", "params"),
    [
        ("GET", "/", "/", {}),
        ("HEAD", "/", "/", {}),
        ("POST", "/v1/messages", "/v1/messages", {}),
        ("GET", "/v1/models", "/v1/models", {}),
        ("GET", "/v1/models/a/b%20c", "/v1/models/{id...}", {"id": "a/b c"}),
        ("GET", "/v1/batches/b%2F1", "/v1/batches/{id}", {"id": "b/1"}),
        ("DELETE", "/v1/batches/b", "/v1/batches/{id}", {"id": "b"}),
        ("POST", "/v1/batches/b/cancel", "/v1/batches/{id}/cancel", {"id": "b"}),
        ("GET", "/v1/batches/special", "/v1/batches/special", {}),
    ],
)
def test_what_is_there(method: str, path: str, pattern: str, params: dict[str, str]) -> None:
    route, found = ROUTER.find(method, path)
    assert (route.path, found) == (pattern, params)


MISSING = """
* /v1 /v1/messages/ //v1/messages /v1//messages /V1/messages /v1/%6dessages /x/../v1/models /v1/models/ /v1/batches/
/v1/batches//cancel /v1/batches/a/b /v1%2Fmodels v1/models
"""


@pytest.mark.parametrize("path", ["", *MISSING.split()])
def test_what_is_not_there(path: str) -> None:
    with pytest.raises(Problem, match="Invalid URL") as told:
        ROUTER.find("GET", path)
    assert told.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path", "takes"),
    [
        ("GET", "/v1/messages", "POST"),
        ("HEAD", "/v1/messages", "POST"),
        ("PUT", "/v1/batches/b", "DELETE, GET"),
        ("get", "/", "GET"),
        ("CONNECT", "/", "GET"),
    ],
)
def test_other_methods(method: str, path: str, takes: str) -> None:
    with pytest.raises(Problem, match=f"takes {takes}, not {method}") as told:
        ROUTER.find(method, path)
    assert told.value.kind is Kind.METHOD


def test_a_prefix_may_be_left_out() -> None:
    router = Router(ROUTER.routes, "/v1")
    assert router.find("GET", "/models")[0].path == "/v1/models"
    assert router.find("GET", "/models/a/b")[1] == {"id": "a/b"}
    assert router.find("GET", "/")[0].path == "/"
    assert router.methods("/messages") == ["POST"]
    assert router.methods("/nothing") == []
    for path in ("/v1/v1/models", "models", "//models", ""):
        with pytest.raises(Problem):
            router.find("GET", path)
