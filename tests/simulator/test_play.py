"""The forms of refusals."""

import base64
import json

from rotom.simulator.play import detail, error, unauthorized


def test_the_two_families():
    assert json.loads(detail(400, "no").body) == {"detail": "no"}
    assert json.loads(error(400, "no", "code", "param").body) == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "param", "code": "code"}
    }


def test_the_401_repeats_itself_in_a_header():
    reply = unauthorized("token_expired", "over")
    headers = dict(reply.headers)
    assert headers["content-type"].startswith("text/plain")
    assert base64.b64decode(headers["x-error-json"]) == reply.body
