"""Reading a batch: all of it is looked at, and what is wrong is told with its place."""

import io
import json

import pytest

from rotom.dialects.messages import batches
from rotom.dialects.messages.batches import read_requests
from rotom.problem import Kind, Problem

PARAMS = {"model": "gpt-5.5", "max_tokens": 9, "messages": [{"role": "user", "content": "é"}]}


def read(*requests, **more):
    raw = json.dumps({"requests": list(requests), **more}, ensure_ascii=False).encode()
    return raw, list(read_requests(io.BytesIO(raw).read, {}, 1 << 20))


def one(name="a", **changes):
    return {"custom_id": name, "params": PARAMS | changes}


def test_requests_are_found_with_their_text():
    raw, found = read(one("a"), one("B-_9" * 16, model="claude-x[1m]", stream=False), unknown=1)
    assert [(request.custom_id, request.model) for request in found] == [
        ("a", "gpt-5.5"),
        ("B-_9" * 16, "claude-x[1m]"),
    ]
    texts = [json.loads(raw[request.offset : request.offset + request.length]) for request in found]
    assert texts[0] == one("a")


@pytest.mark.parametrize(
    ("requests", "words"),
    [
        ([], "requests: List should have at least 1 item"),
        ([one(), 1], "requests.1: Input should be an object"),
        ([{"params": PARAMS}], "requests.0.custom_id: Field required"),
        ([{"custom_id": "a"}], "requests.0.params: Field required"),
        ([{"custom_id": 1, "params": PARAMS}], "requests.0.custom_id: Input should be a valid string"),
        ([one(), one("")], "requests.1.custom_id: String should match"),
        ([one("a" * 65)], "requests.0.custom_id: String should match"),
        ([one("a b")], "requests.0.custom_id: String should match"),
        ([one("a\n")], "requests.0.custom_id: String should match"),
        ([one("é")], "requests.0.custom_id: String should match"),
        ([one("a"), one("b"), one("a")], "requests.2.custom_id: 'a' is the custom_id of requests.0 already"),
        ([{"custom_id": "a", "params": []}], "requests.0.params: Input should be an object"),
        ([one(stream=True)], "requests.0.params.stream: a batch cannot be streamed"),
        ([one(), one("b", model=None)], "requests.1.params.model: Field required"),
        ([one(max_tokens=0)], "requests.0.params.max_tokens: Input should be a whole number"),
        (
            [one(messages=[{"role": "user", "content": [{"type": "text"}]}])],
            "requests.0.params.messages.0.content.0.text: Field required",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(requests, words):
    with pytest.raises(Problem) as caught:
        read(*requests)
    assert caught.value.kind is Kind.INVALID
    assert caught.value.message.startswith(words)
    assert caught.value.param == words.partition(": ")[0]


def test_there_are_only_so_many(monkeypatch):
    monkeypatch.setattr(batches, "MOST_REQUESTS", 3)
    assert len(read(*(one(str(number)) for number in range(3)))[1]) == 3
    with pytest.raises(Problem, match="requests: List should have at most 3 items"):
        read(*(one(str(number)) for number in range(4)))


def test_each_request_is_looked_at():
    looks = []
    raw = json.dumps({"requests": [one("a"), one("b")]}).encode()
    assert len(list(read_requests(io.BytesIO(raw).read, {}, 1 << 20, lambda: looks.append(1)))) == len(looks) == 2


def test_a_model_that_is_half_a_character_is_refused():
    raw = json.dumps({"requests": [one(model="\ud800")]}).encode()
    with pytest.raises(Problem, match=r"requests\.0\.params\.model: Input should be a valid string"):
        list(read_requests(io.BytesIO(raw).read, {}, 1 << 20))
