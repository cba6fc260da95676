"""The OpenAI Images dialect: images from words, and images from images.

It is no `Dialect`: those read questions to models. Here a body is read into a `Drawing` (read.py, and form.py where it is
multipart), and what a provider drew, which has this API's own form, is joined to one answer or told as events (answer.py).
Problems are told as in the other dialects of OpenAI.
"""

from __future__ import annotations

NAME = "images"

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"
