"""The OpenAI Chat Completions dialect: what most programs speak.

read.py makes a Turn of a request, with content.py, history.py, tools.py and form.py for its parts; render.py makes the
stream of an answer, with chunks.py and ending.py; fold.py makes one object of that stream. problems.py tells faults as
Responses does, in this API's names of fields.
"""

from __future__ import annotations

from rotom.dialects import Dialect
from rotom.dialects.chat.fold import fold
from rotom.dialects.chat.problems import problem
from rotom.dialects.chat.read import read
from rotom.dialects.chat.render import Renderer
from rotom.dialects.responses.problems import headers, status

DIALECT = Dialect(
    name="chat",
    endpoint="/v1/chat/completions",
    read=read,
    renderer=Renderer,
    fold=fold,
    problem=problem,
    status=status,
    headers=headers,
)
