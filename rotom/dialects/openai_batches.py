"""OpenAI's Batch API: what a new batch is, the file with its requests, and the lines of the output files. Pure.

The file is looked at before anything of it runs, and what is wrong is told with its line (`LineError`, in the codes that
OpenAI documents where it has one). That is the form of the lines: whether the body of a request is a good one turns out
when it runs, as with the real API, and is then the error of that request alone.

What is not here: the batch as an object (routes/openai_batches.py), and when a request runs (batching/).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rotom.dialects import Dialect
from rotom.problem import Kind, Problem
from rotom.sse import Json, dumps, loads
from rotom.turn import Turn

MOST_BYTES = 200 << 20
MOST_REQUESTS = 50_000
"""The API's own numbers."""

MOST_ERRORS = 100
"""How many errors are told of one file; nothing is looked at behind them."""

MOST_CUSTOM_ID = 512
"""The longest custom_id, in characters."""

_BOM = b"\xef\xbb\xbf"

_ALONE = "its requests have no order, so none can build on another; send the whole conversation as input"


MOST_METADATA, MOST_KEY, MOST_VALUE = 16, 64, 512
"""Pairs of metadata, and the characters of a key and of a value."""

SHORTEST_SECONDS, LONGEST_SECONDS = 3600, 30 * 24 * 3600
"""How long a file may be kept at least and at most."""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What a client wants: which file, for which endpoint, what to remember with it, and how long the output files shall be
    kept (seconds; None: as long as usual)."""

    file: str
    endpoint: str
    metadata: dict[str, str] | None
    output_seconds: float | None


def read_batch(body: Json, endpoints: Collection[str]) -> NewBatch:
    """A new batch.

    Arguments:
      endpoints: those that a batch can be for.

    Raises:
      Problem: INVALID, naming the field.
    """
    file, endpoint, window = (_string(body, name) for name in ("input_file_id", "endpoint", "completion_window"))
    if endpoint not in endpoints:
        known = ", ".join(f"'{name}'" for name in endpoints)
        raise _bad("endpoint", f"Invalid value: '{endpoint[:100]}'. Supported values are: {known}.", "invalid_value")
    if window != "24h":
        message = f"Invalid value: '{window[:100]}'. Supported values are: '24h'."
        raise _bad("completion_window", message, "invalid_value")
    after = body.get("output_expires_after")
    if after is None:
        seconds = None
    elif isinstance(after, dict):
        seconds = expiry("output_expires_after", after.get("anchor"), after.get("seconds"))
    else:
        raise _bad("output_expires_after", "output_expires_after must be an object.", "invalid_type")
    return NewBatch(file, endpoint, _metadata(body.get("metadata")), seconds)


def expiry(name: str, anchor: object, seconds: object) -> float:
    """The seconds of an expiration policy.

    Raises:
      Problem: INVALID, naming the field.
    """
    for field, value in (("anchor", anchor), ("seconds", seconds)):
        if value is None:
            where = f"{name}[{field}]"
            raise _bad(where, f"Missing required parameter: '{where}'.", "missing_required_parameter")
    if anchor != "created_at":
        raise _bad(f"{name}[anchor]", "The only anchor that is supported is 'created_at'.", "invalid_value")
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise _bad(f"{name}[seconds]", "seconds must be a whole number.", "invalid_type")
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        message = f"seconds must be between {SHORTEST_SECONDS} and {LONGEST_SECONDS}."
        raise _bad(f"{name}[seconds]", message, "invalid_value")
    return float(seconds)


def _string(body: Json, name: str) -> str:
    value = body.get(name)
    if value is None:
        raise _bad(name, f"Missing required parameter: '{name}'.", "missing_required_parameter")
    if not isinstance(value, str) or not _is_text(value):
        raise _bad(name, f"{name} must be a string.", "invalid_type")
    return value


def _metadata(value: object) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _bad("metadata", "metadata must be an object of strings.", "invalid_type")
    if len(value) > MOST_METADATA:
        raise _bad("metadata", f"metadata may have {MOST_METADATA} pairs at most.", "invalid_value")
    for key, text in value.items():
        where = f"metadata.{key[:MOST_KEY]}"
        if not isinstance(text, str) or not _is_text(key + text):
            raise _bad(where, "The keys and values of metadata must be strings.", "invalid_type")
        if len(key) > MOST_KEY or len(text) > MOST_VALUE:
            message = f"In metadata a key may have {MOST_KEY} characters at most, and a value {MOST_VALUE}."
            raise _bad(where, message, "string_above_max_length")
    return value


def _bad(param: str, message: str, code: str) -> Problem:
    return Problem(Kind.INVALID, message, code=code, param=param)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what the client calls it, the model it asks, and where its line lies in the file (bytes)."""

    custom_id: str
    model: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with a file, in the shape that the API tells it; `line` counts from 1."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


def read_file(
    chunks: Iterable[bytes], endpoint: str, longest: int, look: Callable[[], None] = lambda: None
) -> tuple[list[Request], list[LineError]]:
    """The requests in a file, and what is wrong with it; one of the two lists is of no use.

    Arguments:
      endpoint: which all requests must name.
      longest: the longest line, in bytes.
      look: called for each line; may raise to end this.
    """
    requests, errors, seen = list[Request](), list[LineError](), dict[str, int]()
    for number, offset, line in _lines(chunks, longest):
        look()
        if line is None:
            errors.append(LineError("request_too_large", f"This line is longer than {longest} bytes.", number))
            break
        if line.isspace() or not line:
            continue
        if len(requests) >= MOST_REQUESTS:
            message = f"The batch has more than {MOST_REQUESTS} requests, which is the most that one may have."
            errors.append(LineError("too_many_tasks", message, number))
            break
        found = _request(line, number, offset, endpoint, seen)
        if isinstance(found, LineError):
            errors.append(found)
            if len(errors) >= MOST_ERRORS:
                break
        else:
            requests.append(found)
    if not requests and not errors:
        message = "The input file is empty. Please ensure that the batch contains at least one request."
        errors.append(LineError("empty_file", message))
    return requests, errors


def _lines(chunks: Iterable[bytes], longest: int) -> Iterator[tuple[int, int, bytes | None]]:
    """Number, offset and text of each line; None, and then nothing more, for one that is too long."""
    held, offset, number = bytearray(), 0, 1
    for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            held += chunk[start:end]
            yield number, offset, bytes(held) if len(held) <= longest else None
            offset, number, start = offset + len(held) + 1, number + 1, end + 1
            held.clear()
        held += chunk[start:]
        if len(held) > longest:
            yield number, offset, None
            return
    if held:
        yield number, offset, bytes(held)


def _request(line: bytes, number: int, offset: int, endpoint: str, seen: dict[str, int]) -> Request | LineError:
    if number == 1 and line.startswith(_BOM):
        line, offset = line.removeprefix(_BOM), offset + len(_BOM)

    def wrong(code: str, message: str, param: str) -> LineError:
        return LineError(code, message, number, param)

    try:
        value: Any = loads(line)
    except (ValueError, RecursionError):
        return LineError("invalid_json_line", "This line is not parseable as valid JSON.", number)
    if not isinstance(value, dict):
        return LineError("invalid_json_line", "This line is JSON, but not an object.", number)
    for name in ("custom_id", "method", "url", "body"):
        if value.get(name) is None:
            return wrong("missing_required_parameter", f"Missing required parameter: '{name}'.", name)
    custom_id, body = value["custom_id"], value["body"]
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= MOST_CUSTOM_ID or not _is_text(custom_id):
        message = f"The custom_id must be a string of 1 to {MOST_CUSTOM_ID} characters."
        return wrong("invalid_custom_id", message, "custom_id")
    if value["method"] != "POST":
        return wrong("invalid_method", "The method of a request must be 'POST'.", "method")
    if value["url"] != endpoint:
        message = f"The URL provided for this request does not match the batch endpoint: it must be '{endpoint}'."
        return wrong("url_mismatch", message, "url")
    if not isinstance(body, dict):
        return wrong("invalid_type", "The body of a request must be an object.", "body")
    if body.get("model") is None:
        return wrong("missing_required_parameter", "Missing required parameter: 'body.model'.", "body.model")
    model = body["model"]
    if not isinstance(model, str) or not model.strip() or not _is_text(model):
        return wrong("invalid_type", "The model must be a string that names one.", "body.model")
    if body.get("stream") not in (None, False):
        return wrong("unsupported_value", "The requests of a batch cannot be streamed.", "body.stream")
    if (first := seen.setdefault(custom_id, number)) != number:
        message = f"The custom_id is that of line {first} already; each must be unique in the batch."
        return wrong("duplicate_custom_id", message, "custom_id")
    return Request(custom_id, model.strip(), offset, len(line))


def _is_text(text: str) -> bool:
    """Whether it can be written down: JSON may carry halves of characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def question(item: bytes) -> Json:
    """The body of the request in a line."""
    body: Json = json.loads(item)["body"]
    return body


def check_alone(turn: Turn) -> None:
    """Look whether a question can be answered for itself.

    Raises:
      Problem: INVALID for one that goes on from another answer.
    """
    if turn.previous is not None:
        message = f"previous_response_id is not supported in a batch: {_ALONE}"
        raise _bad("previous_response_id", message, "unsupported_parameter")
    for index, item in enumerate(turn.body["input"]):
        if isinstance(item, dict) and item.get("type") == "item_reference":
            where = f"input[{index}]"
            raise _bad(where, f"{where}: references are not supported in a batch: {_ALONE}", "unsupported_value")


def succeeded(custom_id: str, answer: Json, request_id: str) -> bytes:
    """The line of the output file for an answer."""
    return _line(custom_id, 200, request_id, answer)


def errored(custom_id: str, dialect: Dialect, problem: Problem, request_id: str) -> bytes:
    """The line of the error file for a request that has none."""
    return _line(custom_id, dialect.status(problem), request_id, dialect.problem(problem, request_id))


def _line(custom_id: str, status: int, request_id: str, body: Json) -> bytes:
    return dumps(
        {
            "id": f"batch_{request_id}",
            "custom_id": custom_id,
            "response": {"status_code": status, "request_id": request_id, "body": body},
            "error": None,
        }
    )
