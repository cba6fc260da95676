"""Values that fit a schema."""

import pytest

from rotom.simulator.sample import sample


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "words"),
        ({"type": "string", "format": "date"}, "2026-11-22"),
        ({"type": "string", "maxLength": 3}, "wor"),
        ({"type": "string", "minLength": 8}, "words..."),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 10}, 10),
        ({"type": "integer", "maximum": -5}, -5),
        ({"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991}, 1),
        ({"type": "integer", "minimum": -9, "maximum": -5}, -5),
        ({"type": "integer", "exclusiveMinimum": 0}, 1),
        ({"type": "number", "multipleOf": 5, "minimum": 7}, 10),
        ({"type": "boolean"}, True),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "null"}, None),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"const": "deep"}}}, {"a": "deep"}),
        ({}, "words"),
    ],
)
def test_the_first_thing_that_fits(schema, value):
    assert sample(schema, "field", "words") == value


def test_a_schema_that_holds_itself_ends():
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}, "required": ["kids"]}
    assert sample(tree)["kids"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": True},
        {"type": "object", "properties": [1]},
        {"type": "string", "minLength": "long"},
        {"type": "string", "minLength": 1e400},
        {"type": "array", "minItems": [2]},
        {"type": "integer", "minimum": "1"},
        {"type": "integer", "minimum": 1, "multipleOf": [2]},
        {"enum": {"a": 1}},
        {"anyOf": {"a": 1}},
        {"allOf": 3},
    ],
)
def test_nothing_fits_a_schema_that_is_none(schema):
    assert sample(schema) is None
