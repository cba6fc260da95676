"""The body of a new message batch: its requests, each read as the question it will be; and the results of requests.

Everything is looked at before anything is accepted, so that a batch of a hundred thousand requests does not turn out to
be wrong in its last one a day later. The errors name the place: ``requests.3.custom_id: ...``.

What is not here: the batch as an object (routes/batches.py), which is made of what is stored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rotom.dialects import Dialect
from rotom.dialects.messages.content import bad
from rotom.dialects.messages.read import read
from rotom.elements import Element, elements
from rotom.problem import Kind, Problem
from rotom.sse import Json, dumps

MOST_REQUESTS = 100_000

_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a batch: what the client calls it, the model it asks, and where its text lies in the body (bytes)."""

    custom_id: str
    model: str
    offset: int
    length: int


def read_requests(
    source: Callable[[int], bytes], headers: Mapping[str, str], longest: int, look: Callable[[], None] = lambda: None
) -> Iterator[Request]:
    """The requests in a body.

    Arguments:
      source: gives at most so many bytes of the body, none at its end.
      longest: the longest request, in characters.
      look: called for each request; may raise to end this.

    Raises:
      Problem: INVALID or TOO_LARGE, naming the request.
    """
    seen: dict[str, int] = {}
    for element in elements(source, "requests", longest):
        look()
        where = f"requests.{element.index}"
        if element.index >= MOST_REQUESTS:
            raise bad("requests", f"List should have at most {MOST_REQUESTS} items")
        request = _request(element, where, headers)
        if (first := seen.setdefault(request.custom_id, element.index)) != element.index:
            raise bad(f"{where}.custom_id", f"{request.custom_id!r} is the custom_id of requests.{first} already")
        yield request
    if not seen:
        raise bad("requests", "List should have at least 1 item")


def _request(element: Element, where: str, headers: Mapping[str, str]) -> Request:
    value = element.value
    if not isinstance(value, dict):
        raise bad(where, "Input should be an object")
    custom_id, params = value.get("custom_id"), value.get("params")
    for name, field in (("custom_id", custom_id), ("params", params)):
        if field is None:
            raise bad(f"{where}.{name}", "Field required")
    if not isinstance(custom_id, str):
        raise bad(f"{where}.custom_id", "Input should be a valid string")
    if not _CUSTOM_ID.fullmatch(custom_id):
        raise bad(f"{where}.custom_id", "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
    if not isinstance(params, dict):
        raise bad(f"{where}.params", "Input should be an object")
    if params.get("stream"):
        raise bad(f"{where}.params.stream", "a batch cannot be streamed")
    try:
        turn = read(params, headers)
    except Problem as problem:
        if problem.kind is not Kind.INVALID:
            raise
        place = f"{where}.params.{problem.param}" if problem.param else f"{where}.params"
        message = problem.message.removeprefix(f"{problem.param}: ")
        raise Problem(Kind.INVALID, f"{place}: {message}", code=problem.code, param=place) from problem
    if any("\ud800" <= character <= "\udfff" for character in turn.asked):  # JSON may carry halves of characters
        raise bad(f"{where}.params.model", "Input should be a valid string")
    return Request(custom_id, turn.asked, element.offset, element.length)


def question(item: bytes) -> Json:
    """The body of a request."""
    params: Json = json.loads(item)["params"]
    return params


def succeeded(custom_id: str, answer: Json, request_id: str) -> bytes:
    """The result of a request that was answered."""
    return dumps({"type": "succeeded", "message": answer})


def errored(custom_id: str, dialect: Dialect, problem: Problem, request_id: str) -> bytes:
    """The result of a request that was not."""
    return dumps({"type": "errored", "error": dialect.problem(problem, request_id)})
