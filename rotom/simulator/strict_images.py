"""What the backend refuses in its own calls for images, and in the hosted tool that makes them. Pure.

The calls take what Codex CLI 0.169 sends (2026-11), and a format and a mask as the public API has them. The words are those
of the public Images API.
"""

from __future__ import annotations

import re
from typing import Any, Final

from rotom.simulator.play import Refused, error
from rotom.simulator.strict_forms import bad_type, bad_value, only, only_fields, words
from rotom.simulator.strict_input import check_image
from rotom.sse import Json

FIELDS: Final = words("prompt background model n quality size output_format")
EDIT_FIELDS: Final = FIELDS | words("images mask")
CHOICES: Final = {
    "background": ("opaque", "transparent", "auto"),
    "quality": ("low", "medium", "high", "auto"),
    "output_format": ("png", "jpeg", "webp"),
}
LONGEST_PROMPT: Final = 32_000
TOOL_FIELDS: Final = words(
    "type action background input_fidelity input_image_mask model moderation output_compression output_format"
    " partial_images quality size"
)


def check_drawing(body: Json, edit: bool) -> None:
    """Refuse a request that the backend does not take.

    Raises:
      Refused: with the answer.
    """
    only_fields(body, EDIT_FIELDS if edit else FIELDS)
    for name in ("prompt", "model"):
        if name not in body:
            raise Refused(error(400, f"Missing required parameter: '{name}'.", "missing_required_parameter", name))
        if not isinstance(body[name], str):
            raise bad_type(name, "a string", body[name])
    if not 0 < len(body["prompt"]) <= LONGEST_PROMPT:
        message = f"Invalid 'prompt': a text of 1 to {LONGEST_PROMPT} characters was expected."
        raise Refused(error(400, message, "invalid_value", "prompt"))
    for name, choices in CHOICES.items():
        if body.get(name) not in (None, *choices):
            raise bad_value(body[name], name, choices)
    n = body.get("n", 1)
    if not isinstance(n, int) or not 1 <= n <= 10:
        raise bad_type("n", "an integer from 1 to 10", n)
    size_of(body)
    if edit:
        images = body.get("images")
        if not isinstance(images, list) or not 1 <= len(images) <= 16:
            raise bad_type("images", "an array of 1 to 16 objects", images)
        for index, image in enumerate(images):
            _check_picture(image, f"images[{index}]")
        if "mask" in body:
            _check_picture(body["mask"], "mask")


def _check_picture(value: Any, at: str) -> None:
    if not isinstance(value, dict) or set(value) != {"image_url"} or not isinstance(value["image_url"], str):
        raise bad_type(at, "an object with an image_url", value)
    check_image(value["image_url"], f"{at}.image_url")


def size_of(body: Json) -> tuple[int, int]:
    """The size that is drawn.

    Raises:
      Refused: it is none.
    """
    size = body.get("size", "auto")
    if size == "auto":
        return 1024, 1024
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", size) if isinstance(size, str) else None
    width, height = (int(match[1]), int(match[2])) if match else (1, 1)
    if match is None or width % 16 or height % 16 or max(width, height) > min(3840, 3 * min(width, height)):
        raise Refused(error(400, f"Invalid size '{size}'.", "invalid_value", "size"))
    return width, height


def check_tool(tool: Json, at: str) -> None:
    """Refuse a hosted tool for images that the backend does not take.

    Raises:
      Refused: with the answer.
    """
    only(tool, TOOL_FIELDS, at)
    # Its model is pinned, and these two it does not have: seen by others on the real service, 2026-09.
    if tool.get("background") == "transparent":
        message = "Transparent background is not supported for this model."
        raise Refused(error(400, message, None, "tools", "image_generation_user_error"))
    if "input_fidelity" in tool:
        message = "The model 'gpt-image-2-codex' does not support the 'input_fidelity' parameter."
        raise Refused(error(400, message, "invalid_input_fidelity_model", "tools", "image_generation_user_error"))
    partial = tool.get("partial_images", 0)
    if not isinstance(partial, int) or not 0 <= partial <= 3:
        raise bad_type(f"{at}.partial_images", "an integer from 0 to 3", partial)
