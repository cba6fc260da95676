"""The tables of rotom-api(7) on files and batches against OpenAI's SDK: a field that it learns fails here until it is
decided about. And against what the routes answer.
"""

from __future__ import annotations

import re
import typing
from typing import Any

import openai.types as types
import pytest
import typing_extensions
from manual import table
from openai.types import batch_create_params, file_create_params

from rotom.routes.openai_batches import shape
from rotom.state.batches import Batch

VERDICTS = ("read", "mapped", "ignored", "refused")


UPLOAD = table("Files: fields of the upload")
FILE = table("Files: fields of the answer")
REQUEST = table("OpenAI's batches: fields of the request")
ANSWER = table("OpenAI's batches: fields of the answer")


def hints(shape: Any) -> dict[str, Any]:
    return typing_extensions.get_type_hints(shape)


def words(hint: Any) -> list[str]:
    """The words in a Literal."""
    if typing.get_origin(hint) in (typing.Literal, typing_extensions.Literal):
        return list(typing.get_args(hint))
    return [word for part in typing.get_args(hint) for word in words(part)]


def unsaid(entry: str, names: typing.Iterable[str]) -> set[str]:
    return {name for name in names if not re.search(rf"(^|[\s,(]){re.escape(name)}($|[\s,;.)])", entry)}


@pytest.mark.parametrize("entries", [UPLOAD, FILE, REQUEST, ANSWER])
def test_the_tables_are_read(entries: dict[str, str]) -> None:
    assert len(entries) >= 3
    for name, text in entries.items():
        assert text.startswith(VERDICTS), f"{name}: {text}"


def test_every_field_is_decided_about_and_no_other() -> None:
    assert UPLOAD.keys() == hints(file_create_params.FileCreateParams).keys()
    assert REQUEST.keys() == hints(batch_create_params.BatchCreateParams).keys()
    assert FILE.keys() == types.FileObject.model_fields.keys()
    assert ANSWER.keys() == types.Batch.model_fields.keys()


def test_what_is_in_the_fields_is_decided_about() -> None:
    endpoints = words(hints(batch_create_params.BatchCreateParams)["endpoint"])
    assert unsaid(REQUEST["endpoint"], endpoints) == set()
    assert unsaid(ANSWER["status"], words(types.Batch.model_fields["status"].annotation)) == set()
    assert unsaid(ANSWER["errors"], types.BatchError.model_fields) == set()
    assert unsaid(ANSWER["request_counts"], types.BatchRequestCounts.model_fields) == set()
    assert unsaid(ANSWER["usage"], types.BatchUsage.model_fields) == set()
    after = hints(file_create_params.ExpiresAfter)
    assert unsaid(UPLOAD["expires_after"], after) == set()
    assert unsaid(REQUEST["output_expires_after"], hints(batch_create_params.OutputExpiresAfter)) == set()


def test_the_answer_has_what_the_table_says() -> None:
    batch = Batch("batch_1", "in_progress", 0.0, 1.0, None, None, 1, 0, 0, 0, 0, "openai", "/v1/responses", "file-1")
    assert shape(batch, []).keys() - {"rotom"} == ANSWER.keys()
    types.Batch.model_validate(shape(batch, []))
