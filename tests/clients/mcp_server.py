"""A small MCP server on standard input and output, with one tool whose name is long and whose schema is odd."""

from __future__ import annotations

import json
import sys
from typing import Any

TOOL = "describe_the_weather_in_a_city_that_has_a_rather_long_name"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "when": {"oneOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "more": {"type": "object"},
    },
    "required": ["city"],
    "oneOf": [{"required": ["city"]}, {"required": ["when"]}],
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a request; None for a method that there is not."""
    match method:
        case "initialize":
            server = {"name": "weather", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
        case "tools/list":
            return {"tools": [{"name": TOOL, "description": "The weather in a city", "inputSchema": SCHEMA}]}
        case "tools/call":
            text = f"{params['arguments']['city']}: sunny (asked of {params['name']})"
            image = {"type": "image", "mimeType": "image/png", "data": PIXEL}
            return {"content": [{"type": "text", "text": text}, image]}
        case "ping":
            return {}
    return None


for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:  # a notification
        continue
    result = answer(request["method"], request.get("params") or {})
    outcome = {"error": {"code": -32601, "message": "no such method"}} if result is None else {"result": result}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **outcome}), flush=True)
