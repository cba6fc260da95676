"""Images and files within messages: what no provider could read is told, and nothing else."""

from __future__ import annotations

import base64
import random

import pytest

from rotom.dialects.responses.attached import STEP, check_file, check_image, is_base64
from rotom.dialects.responses.items import read_input
from rotom.problem import Kind, Problem

BYTES = random.Random(4).randbytes(STEP)


@pytest.mark.parametrize(
    "text",
    [
        "aGk=",
        "aGk",  # padding is often left out
        "aGkh\n",
        base64.encodebytes(BYTES[:999]).decode(),  # with a line break every 76 letters
        base64.urlsafe_b64encode(BYTES[:999]).decode(),
        base64.b64encode(BYTES).decode(),
    ],
)
def test_what_can_be_read(text: str) -> None:
    assert is_base64(text)
    check_file(text, "f")
    check_file(f"data:application/pdf;base64,{text}", "f")
    check_image(f"data:image/png;base64,{text}", "i")
    check_image(f"DATA:image/png;charset=utf-8;BASE64,{text}", "i")


GOOD = base64.b64encode(BYTES).decode()


@pytest.mark.parametrize(
    "text", ["", "=", "====", "a", "aGkha", "a!k=", "aGkä", "\ud800", GOOD + "!", GOOD + "é", " \n"]
)
def test_what_cannot(text: str) -> None:
    assert not is_base64(text)
    for check, value in (
        (check_file, text),
        (check_file, f"data:application/pdf;base64,{text}"),
        (check_image, f"data:image/png;base64,{text}"),
    ):
        with pytest.raises(Problem) as caught:
            check(value, "input[0].content[1].x")
        problem = caught.value
        assert (problem.kind, problem.code, problem.param) == (Kind.INVALID, "invalid_value", "input[0].content[1].x")
        assert problem.message.startswith("Invalid 'input[0].content[1].x'. Expected a base64-encoded data URL")


@pytest.mark.parametrize(
    ("url", "got"),
    [
        ("", "an invalid format"),
        ("picture.png", "an invalid format"),
        ("data:image/png,abc", "without base64"),
        ("data:image/png;base64", "without base64"),
        ("data:,", "without base64"),
        ("data:text/plain;base64,aGk=", "the MIME type 'text/plain'"),
        ("data:;base64,aGk=", "the MIME type ''"),
    ],
)
def test_what_is_no_image(url: str, got: str) -> None:
    with pytest.raises(Problem, match=got):
        check_image(url, "x")


@pytest.mark.parametrize(
    "part",
    [
        *(
            {"type": "input_image", "image_url": url}
            for url in ("https://a/b", "HTTP://a", "sediment://f", "file:///x")
        ),
        {"type": "input_file", "file_data": "data:text/plain,hello there"},
    ],
)
def test_other_addresses_are_the_providers_affair(part: dict[str, str]) -> None:
    (item,) = read_input([{"role": "user", "content": [part]}])
    assert item["content"] == [part]
