"""The OpenAI Responses dialect: the inside form itself, so that reading and rendering are nearly the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotom.dialects import Dialect
from rotom.seldom import Seldom

if TYPE_CHECKING:
    from rotom.dialects.responses import problems, read, render
else:
    problems = Seldom("rotom.dialects.responses.problems")
    read = Seldom("rotom.dialects.responses.read")
    render = Seldom("rotom.dialects.responses.render")

DIALECT = Dialect(
    name="responses",
    endpoint="/v1/responses",
    read=lambda body, headers: read.read(body, headers),
    renderer=lambda turn: render.Renderer(turn),
    fold=lambda frames: render.fold(frames),
    problem=lambda problem, request_id: problems.problem(problem, request_id),
    status=lambda problem: problems.vendor_status(problem),
    headers=lambda problem: problems.headers(problem),
    vendor=True,
)
