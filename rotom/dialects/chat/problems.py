"""Problems in OpenAI's form, in the words of Chat Completions: what a provider says of a field of the Responses request is
told of the field of this API that it was made of."""

from __future__ import annotations

import re

from rotom.dialects.responses.problems import problem as of_responses
from rotom.problem import Problem
from rotom.sse import Json

_WORDS = (
    (re.compile(r"input(\[.*|\..*)?"), "messages"),  # items and messages are not numbered alike
    (re.compile(r"instructions"), "messages"),
    (re.compile(r"reasoning\.effort"), "reasoning_effort"),
    (re.compile(r"text\.verbosity"), "verbosity"),
    (re.compile(r"text\.format"), "response_format"),
    (re.compile(r"text\.format\.type"), "response_format.type"),
    (re.compile(r"text\.format\.(.*)"), r"response_format.json_schema.\1"),
    (re.compile(r"(tools\[\d+\])\.(name|description|parameters|strict)"), r"\1.function.\2"),
    (re.compile(r"(tools\[\d+\])\.(format.*)"), r"\1.custom.\2"),
)


def problem(problem: Problem, request_id: str) -> Json:
    """The error body."""
    body = of_responses(problem, request_id)
    if problem.param:
        body["error"]["param"] = param_of(problem.param)
    return body


def param_of(param: str) -> str:
    """The field of Chat Completions behind a field of Responses; any other name stays."""
    for pattern, name in _WORDS:
        if found := pattern.fullmatch(param):
            return found.expand(name)
    return param
