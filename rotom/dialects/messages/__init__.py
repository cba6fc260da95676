"""The Anthropic Messages dialect: what Claude Code and Anthropic's SDKs speak.

read.py makes a Turn of a request, with content.py, history.py and tools.py for its parts; render.py makes the stream
of an answer, with writer.py, search.py and ending.py; fold.py makes one object of that stream. models.py serves a route
beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotom.dialects import Dialect
from rotom.seldom import Seldom

if TYPE_CHECKING:
    from rotom.dialects.messages import fold, problems, read, render
else:
    fold = Seldom("rotom.dialects.messages.fold")
    problems = Seldom("rotom.dialects.messages.problems")
    read = Seldom("rotom.dialects.messages.read")
    render = Seldom("rotom.dialects.messages.render")

DIALECT = Dialect(
    name="messages",
    endpoint="/v1/messages",
    read=lambda body, headers: read.read(body, headers),
    renderer=lambda turn: render.Renderer(turn),
    fold=lambda frames: fold.fold(frames),
    problem=lambda problem, request_id: problems.problem(problem, request_id),
    status=lambda problem: problems.status(problem),
    headers=lambda problem: problems.headers(problem),
)
