"""The Anthropic Messages dialect: what Claude Code and Anthropic's SDKs speak.

read.py makes a Turn of a request, with content.py, history.py and tools.py for its parts; render.py makes the stream
of an answer, with writer.py, search.py and ending.py; fold.py makes one object of that stream. models.py serves a route
beside it.
"""

from __future__ import annotations

from rotom.dialects import Dialect
from rotom.dialects.messages.fold import fold
from rotom.dialects.messages.problems import headers, problem, status
from rotom.dialects.messages.read import read
from rotom.dialects.messages.render import Renderer

DIALECT = Dialect(
    name="messages",
    endpoint="/v1/messages",
    read=read,
    renderer=Renderer,
    fold=fold,
    problem=problem,
    status=status,
    headers=headers,
)
