"""The OpenAI Chat Completions dialect: what most programs speak.

read.py makes a Turn of a request, with content.py, history.py, tools.py and form.py for its parts; render.py makes the
stream of an answer, with chunks.py and ending.py; fold.py makes one object of that stream. problems.py tells faults as
Responses does, in this API's names of fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotom.dialects import Dialect
from rotom.seldom import Seldom

if TYPE_CHECKING:
    from rotom.dialects.chat import fold, problems, read, render
    from rotom.dialects.responses import problems as common
else:
    fold = Seldom("rotom.dialects.chat.fold")
    problems = Seldom("rotom.dialects.chat.problems")
    read = Seldom("rotom.dialects.chat.read")
    render = Seldom("rotom.dialects.chat.render")
    common = Seldom("rotom.dialects.responses.problems")

DIALECT = Dialect(
    name="chat",
    endpoint="/v1/chat/completions",
    read=lambda body, headers: read.read(body, headers),
    renderer=lambda turn: render.Renderer(turn),
    fold=lambda frames: fold.fold(frames),
    problem=lambda problem, request_id: problems.problem(problem, request_id),
    status=lambda problem: common.status(problem),
    headers=lambda problem: common.headers(problem),
)
