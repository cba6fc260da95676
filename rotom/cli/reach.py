"""Finding the server that runs on this machine and asking it what a client must be told, from commands that run no Trio.

What is not here: the status document (report.py).
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from rotom import running
from rotom.config import Config
from rotom.problem import Kind, Problem

CONNECT_SECONDS, WAKING_SECONDS, ANSWER_SECONDS = 2.0, 60.0, 40.0
"""For a server on this machine; for one that the service manager starts for us; it may have to ask a provider for its
list."""
LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A model as the server knows it: the name to ask for, and its window in tokens."""

    model: str
    context: int | None


def found(config: Config) -> str | None:
    """The root of a server that runs with the same credentials, and answers: ``http://HOST:PORT``."""
    here = running.find(config)
    roots = () if here is None else map(running.root_of, here.addresses)
    return next((root for root in roots if answers(root)), None)


def expected(binds: Sequence[str]) -> str:
    """The root that a server with these settings will have.

    Raises:
      Problem: with code ``bad_bind``.
    """
    from rotom.server.listen import addresses  # with it comes all that serving takes

    wanted = addresses(binds)
    return running.root_of(str(next((address for address in wanted if address.loopback), wanted[0])))


def answers(root: str, seconds: float = CONNECT_SECONDS) -> bool:
    """Whether there is a server of ours."""
    try:
        status, body = _get(root, "/health", None, seconds)
    except Problem:
        return False
    return status == 200 and isinstance(body, dict) and body.get("status") == "ok"


def model(root: str, key: str | None, name: str | None) -> Answer:
    """What the server makes of a model's name; None: the one that it takes where nobody chose.

    Raises:
      Problem: it does not know the name, wants another key, or cannot be asked.
    """
    path = f"/v1/models/{quote(name or 'default', safe='')}"
    status, body = _get(root, path, key, ANSWER_SECONDS)
    if status == 200 and isinstance(body, dict) and isinstance(body.get("id"), str):
        context = body.get("max_input_tokens")
        return Answer(name or body["id"], context if isinstance(context, int) else None)
    said = body.get("error") if isinstance(body, dict) else None
    message = str(said.get("message")) if isinstance(said, dict) else f"status {status}"
    if status == 401:
        raise Problem(
            Kind.UNAUTHENTICATED,
            f"the server at {root} wants another local key than the one configured here",
            hint="rotom config set api_key -",
        )
    if status == 404:
        raise Problem(Kind.NOT_FOUND, message.replace(" ('rotom models' lists them all)", ""), hint="rotom models")
    raise Problem(Kind.UNAVAILABLE, f"the server at {root} cannot say which models there are: {message}")


def _get(root: str, path: str, key: str | None, seconds: float) -> tuple[int, Any]:
    """The status and the JSON of an answer.

    Raises:
      Problem: UNAVAILABLE.
    """
    parts = urlsplit(root)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    headers = {"anthropic-version": "2023-06-01", "user-agent": "rotom"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read(LONGEST))
    except (OSError, http.client.HTTPException, ValueError) as exc:
        message = f"the server at {root} does not answer: {type(exc).__name__}"
        raise Problem(Kind.UNAVAILABLE, message, hint="rotom serve") from exc
    finally:
        connection.close()
