"""The OpenAI Responses dialect: the inside form itself, so that reading and rendering are nearly the identity."""

from __future__ import annotations

from rotom.dialects import Dialect
from rotom.dialects.responses.problems import headers, problem, vendor_status
from rotom.dialects.responses.read import read
from rotom.dialects.responses.render import Renderer, fold

DIALECT = Dialect(
    name="responses",
    endpoint="/v1/responses",
    read=read,
    renderer=Renderer,
    fold=fold,
    problem=problem,
    status=vendor_status,
    headers=headers,
    vendor=True,
)
