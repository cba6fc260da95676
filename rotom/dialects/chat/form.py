"""``response_format`` of a request -> the ``text.format`` of Responses."""

from __future__ import annotations

from rotom.dialects.chat.tools import schema_of
from rotom.dialects.fields import field, required, within
from rotom.dialects.names import short_name
from rotom.dialects.responses.refuse import bad_value, missing
from rotom.sse import Json
from rotom.turn import input_text, message

JSON_WORD = "Answer with a JSON object."


def read_format(body: Json) -> Json | None:
    """The form that the answer must have; None for plain text.

    Raises:
      Problem: INVALID, naming the place.
    """
    where = "response_format"
    wanted = field(body, where, dict)
    if wanted is None:
        return None
    match required(wanted, "type", str, where):
        case "text":
            return None
        case "json_object":
            return {"type": "json_object"}
        case "json_schema":
            return _schema(required(wanted, "json_schema", dict, where), within(where, "json_schema"))
        case kind:
            raise bad_value(kind, within(where, "type"), ("json_object", "json_schema", "text"))


def _schema(given: Json, where: str) -> Json:
    name = required(given, "name", str, where)
    if not name:
        raise missing(within(where, "name"))
    strict = field(given, "strict", bool, where) is True
    made: Json = {"type": "json_schema", "name": short_name(name)}
    if description := field(given, "description", str, where):
        made["description"] = description
    return {**made, "schema": schema_of(field(given, "schema", dict, where) or {}, strict), "strict": strict}


def with_word(form: Json | None, items: list[Json]) -> list[Json]:
    """The items, with a message that has the word JSON in it where the API demands one.

    "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
    instructions do not count. It stands at the end, so that the prompt cache holds whatever the next turn says.
    """
    if form is None or form["type"] != "json_object" or any(_has_word(item) for item in items):
        return items
    return [*items, message("developer", [input_text(JSON_WORD)])]


def _has_word(item: Json) -> bool:
    return item["type"] == "message" and any("json" in part.get("text", "").lower() for part in item["content"])
