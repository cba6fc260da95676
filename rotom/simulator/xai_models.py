"""The models of simulated xAI: its three lists, and which of them a name means.

Ids, windows and efforts as collected from xAI's documents, its CLI and reports until 2026-11; the prices are made up. The
list of the API has ``capabilities``, that of the CLI's own origin is richer, and has a model more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rotom.simulator.play import Refused
from rotom.simulator.xai_forms import INVALID, NOT_FOUND, flat
from rotom.sse import Json, dumps

CREATED: Final = 1_790_000_000
EFFORTS: Final = {"none": "Off", "low": "Low", "medium": "Medium", "high": "High", "xhigh": "Extra high"}


@dataclass(frozen=True, slots=True)
class XaiModel:
    """One model for text.

    Fields:
      efforts: empty: the model refuses any.
      images: whether it draws with the hosted tool. reasoning_text: whether its thoughts come in that form.
      backend: what an answer calls it, where that is another name. origins: where it is served.
    """

    id: str
    title: str
    context: int
    aliases: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    default_effort: str | None = None
    images: bool = False
    reasoning_text: bool = False
    backend: str | None = None
    origins: tuple[str, ...] = ("api", "proxy")

    def entry(self) -> Json:
        """The entry in the API's list."""
        entry: Json = {
            "id": self.id,
            "object": "model",
            "created": CREATED,
            "owned_by": "xai",
            "aliases": list(self.aliases),
            "context_length": self.context,
        }
        if self.efforts:
            entry["capabilities"] = {
                "reasoning_effort": [*self.efforts],
                "default_reasoning_effort": self.default_effort,
            }
        return entry

    def language_entry(self) -> Json:
        """The entry in the API's list of language models."""
        return {
            **{name: value for name, value in self.entry().items() if name not in ("context_length",)},
            "fingerprint": "fp_0000000000000000",
            "version": "1.0.0",
            "input_modalities": ["text", "image"],
            "output_modalities": ["text"],
            "prompt_text_token_price": 20_000,
            "cached_prompt_text_token_price": 5_000,
            "completion_text_token_price": 60_000,
            "long_context_threshold": 200_000,
        }

    def rich_entry(self) -> Json:
        """The entry in the list of the CLI's origin."""
        return {
            "id": self.id,
            "model": self.id,
            "name": self.title,
            "description": f"{self.title}, simulated.",
            "context_window": self.context,
            "api_backend": "responses",
            "supported_in_api": "api" in self.origins,
            "supports_reasoning_effort": bool(self.efforts),
            "reasoning_effort": self.default_effort,
            "reasoning_efforts": [
                {"value": effort, "label": EFFORTS[effort], "description": "", "default": effort == self.default_effort}
                for effort in self.efforts
            ],
            "supports_backend_search": True,
            "auto_compact_threshold_percent": 80,
        }


_UP_TO_HIGH: Final = ("low", "medium", "high")
MODELS: Final = (
    XaiModel("grok-4.7", "Grok 4.7", 500_000, (), _UP_TO_HIGH, "high", images=True, reasoning_text=True),
    XaiModel(
        "grok-4.6", "Grok 4.6", 500_000, (), (*_UP_TO_HIGH, "xhigh"), "high", images=True, backend="grok-4.6-build"
    ),
    XaiModel("grok-4.5", "Grok 4.5", 500_000, (), _UP_TO_HIGH, "high"),
    XaiModel("grok-4.3", "Grok 4.3", 1_000_000, ("grok-4", "grok-latest"), ("none", *_UP_TO_HIGH), "low"),
    XaiModel("grok-4.20", "Grok 4.20", 1_000_000),
    XaiModel("grok-4.20-0309-reasoning", "Grok 4.20 Reasoning", 1_000_000),
    XaiModel("grok-4.20-0309-non-reasoning", "Grok 4.20 Non-Reasoning", 1_000_000),
    XaiModel("grok-4.20-multi-agent-0309", "Grok 4.20 Multi-Agent", 2_000_000, (), _UP_TO_HIGH, "low"),
    XaiModel("grok-build-0.1", "Grok Build", 256_000, ("grok-build", "grok-code-fast-1")),
    XaiModel("grok-composer-2.5-fast", "Grok Composer 2.5 Fast", 200_000, origins=("proxy",)),
)
DEMO_MODEL: Final = MODELS[1]
IMAGE_MODELS: Final = ("grok-imagine-image", "grok-imagine-image-quality", "grok-imagine-image-2.0")
RETIRED: Final = {"grok-2": "grok-4.3", "grok-3": "grok-4.3", "grok-beta": "grok-4.3"}
_BY_NAME: Final = {name: model for model in MODELS for name in (model.id, *model.aliases)}


def _served(origin: str) -> Sequence[XaiModel]:
    return [model for model in MODELS if origin in model.origins]


@lru_cache(maxsize=4)
def listing(origin: str) -> tuple[Json, str]:
    """The list of an origin, and its etag."""
    if origin == "proxy":
        data = [model.rich_entry() for model in _served(origin)]
    else:
        pictures = [{"id": name, "object": "model", "created": CREATED, "owned_by": "xai"} for name in IMAGE_MODELS]
        data = [*(model.entry() for model in _served(origin)), *pictures]
    value = {"object": "list", "data": data}
    return value, f'"{hashlib.sha256(dumps(value)).hexdigest()[:32]}"'


def language_models() -> Json:
    """The API's list of language models."""
    return {"models": [model.language_entry() for model in _served("api")]}


def image_models() -> Json:
    """The API's list of models for pictures."""
    entry = {"created": CREATED, "object": "model", "owned_by": "xai", "aliases": [], "output_modalities": ["image"]}
    return {"models": [{"id": name, **entry} for name in IMAGE_MODELS]}


def find(name: object, origin: str) -> XaiModel:
    """The model that a request names.

    Raises:
      Refused: there is none, or not here, or not any more.
    """
    if not isinstance(name, str) or not name:
        raise Refused(flat(400, INVALID, "The model is missing."))
    if name in RETIRED:
        text = f"The model {name} was deprecated and is no longer accessible via the API."
        raise Refused(flat(404, NOT_FOUND, f"{text} Please use {RETIRED[name]} instead."))
    model = _BY_NAME.get(name)
    if model is None or origin not in model.origins:
        text = f"The model {name} does not exist or your team does not have access to it."
        raise Refused(flat(404, NOT_FOUND, text))
    return model
