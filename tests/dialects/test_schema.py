"""Clients' schemas, as Responses takes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects.schema import is_strict, normal_schema
from rotom.simulator.strict import check_schema

A, B = {"a": {"type": "string"}}, {"b": {"type": "integer"}}
OBJECT: Any = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("schema", "normal"),
    [
        ({}, OBJECT),
        ({"type": "object"}, OBJECT),
        ({"$schema": "x", "type": ["object", "null"]}, OBJECT),
        ({"type": "object", "properties": None}, OBJECT),
        (
            {"oneOf": [{"properties": A, "required": ["a"]}, {"properties": {**A, **B}, "required": ["a", "b"]}]},
            {"properties": {**A, **B}, "required": ["a"], "type": "object"},
        ),
        (
            {"type": "object", "properties": A, "additionalProperties": False, "anyOf": [{"properties": B}, 5]},
            {"type": "object", "properties": {**A, **B}},
        ),
        (
            {"allOf": [{"properties": A, "required": ["a"]}, {"properties": B, "required": ["b"]}]},
            {"properties": {**A, **B}, "required": ["a", "b"], "type": "object"},
        ),
        (
            {"$ref": "#/$defs/X", "$defs": {"X": {"type": "object", "properties": A}}},
            {"type": "object", "properties": A, "$defs": {"X": {"type": "object", "properties": A}}},
        ),
        (
            {"anyOf": [{"$ref": "#/$defs/X"}], "$defs": {"X": {"properties": A}}},
            {"$defs": {"X": {"properties": A}}, "properties": A, "type": "object"},
        ),
        ({"$ref": "#/nowhere"}, {"$ref": "#/nowhere", **OBJECT}),
    ],
)
def test_schemas_are_made_whole(schema: Any, normal: Any) -> None:
    before = repr(schema)
    assert normal_schema(schema) == normal
    assert repr(schema) == before


def test_arrays_say_what_is_in_them_wherever_they_are() -> None:
    bare, whole = {"type": "array"}, {"type": "array", "items": {}}
    both, good = {"type": ["null", "array"]}, {"type": "array", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {"a": bare, "b": {"anyOf": [both, good]}, "c": {"type": "object", "additionalProperties": bare}},
        "$defs": {"X": {"type": "array", "items": bare}},
        "default": {"type": "array"},
    }
    assert normal_schema(schema) == {
        "type": "object",
        "properties": {
            "a": whole,
            "b": {"anyOf": [{**both, "items": {}}, good]},
            "c": {"type": "object", "additionalProperties": whole},
        },
        "$defs": {"X": {"type": "array", "items": whole}},
        "default": {"type": "array"},
    }


# As servers of the Model Context Protocol send them.
RAW: dict[str, Any] = {
    "type": "object",
    "properties": {
        "uri": {"type": "string", "format": "uri"},
        "count": {"type": ["integer", "null"], "exclusiveMinimum": 0},
        "any": {},
        "list": {"type": "array"},
        "either": {"oneOf": [{"type": "string"}, {"type": "object"}]},
    },
}


@pytest.mark.parametrize(
    "schema", [RAW, {"oneOf": [RAW, {"type": "object"}]}, {}, {"type": "object"}, {"type": "string"}]
)
def test_the_provider_takes_them(schema: Any) -> None:
    check_schema(normal_schema(schema), False, "function 'f'", "tools", "invalid_function_parameters")


EXACT: Any = {"type": "object", "properties": A, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (EXACT, True),
        ({**EXACT, "required": []}, False),
        ({**EXACT, "additionalProperties": True}, False),
        ({**EXACT, "properties": {"a": {}}}, False),
        ({**EXACT, "properties": {"a": {"type": "array", "items": EXACT}}}, True),
        ({**EXACT, "properties": {"a": {"type": "array", "items": OBJECT}}}, False),
        ({**EXACT, "properties": {"a": {"oneOf": []}}}, False),
        ({**EXACT, "$defs": {"X": OBJECT}}, False),
    ],
)
def test_strict_mode(schema: Any, strict: bool) -> None:
    assert is_strict(schema) is strict
    if strict:
        check_schema(schema, True, "x", "x", "x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "array", "#/$defs/a", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "oneOf", "allOf", "required", "$ref", "$defs", "a"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("target", [False, True, [], "x", 5])
def test_a_reference_to_what_is_no_object(target: Any) -> None:
    branch = {"$ref": "#/$defs/a", "properties": A}
    made = normal_schema({"$defs": {"a": target}, "allOf": [branch]})
    assert (made["type"], made["properties"]) == ("object", A)


@given(st.dictionaries(st.sampled_from(["type", "properties", "anyOf", "allOf", "required", "$ref", "$defs"]), JSON))
def test_any_json_is_made_an_object(schema: Any) -> None:
    made = normal_schema(schema)
    assert made["type"] == "object"
    assert isinstance(made["properties"], dict)
    assert not {"anyOf", "oneOf", "allOf"} & {key for key, value in made.items() if isinstance(value, list)}
    is_strict(made)
