"""OpenAI's batches: what a new one must look like, its file line by line, and the lines that come of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotom.dialects import openai_batches, responses
from rotom.dialects.openai_batches import (
    MOST_CUSTOM_ID,
    check_alone,
    errored,
    expiry,
    question,
    read_batch,
    read_file,
    succeeded,
)
from rotom.problem import Kind, Problem

ENDPOINTS = ("/v1/responses", "/v1/chat/completions")
LONGEST = 1 << 20


def request(name="a", **more):
    body = {"model": "gpt-5.5", "input": "hi"}
    return {"custom_id": name, "method": "POST", "url": "/v1/responses", "body": body} | more


def document(*requests):
    return b"".join(json.dumps(one).encode() + b"\n" for one in requests)


def read(data, *, cut=None, longest=LONGEST):
    chunks = [data] if cut is None else [data[start : start + cut] for start in range(0, len(data), cut)]
    return read_file(iter(chunks), "/v1/responses", longest)


def errors(data, **more):
    return [(error.line, error.code, error.param) for error in read(data, **more)[1]]


def test_each_request_is_where_it_says():
    data = document(request("a"), request('ä\n"😀'), request("c", body={"model": " m ", "stream": False}))
    found, wrong = read(data)
    assert wrong == []
    assert [(one.custom_id, one.model) for one in found] == [("a", "gpt-5.5"), ('ä\n"😀', "gpt-5.5"), ("c", "m")]
    for one in found:
        assert json.loads(data[one.offset : one.offset + one.length])["custom_id"] == one.custom_id


@pytest.mark.parametrize(
    "data",
    [
        document(request("a"), request("b")).rstrip(b"\n"),
        document(request("a"), request("b")).replace(b"\n", b"\r\n"),
        b"\n  \n" + document(request("a")) + b"\r\n\n" + document(request("b")) + b"\n\n",
        b"\xef\xbb\xbf" + document(request("a"), request("b")),
    ],
)
def test_ends_of_lines_empty_ones_and_a_mark_at_the_beginning_do_no_harm(data):
    found, wrong = read(data)
    assert wrong == []
    assert [one.custom_id for one in found] == ["a", "b"]
    for one in found:
        text = data[one.offset : one.offset + one.length]
        assert question(text) == {"model": "gpt-5.5", "input": "hi"}


@given(cut=st.integers(1, 400))
def test_where_the_bytes_are_cut_changes_nothing(cut):
    data = document(request("a"), request("b")) + b"{\n" + document(request("a"), request("ä"))
    assert read(data, cut=cut) == read(data)


@pytest.mark.parametrize(
    ("line", "code", "param"),
    [
        (b"{", "invalid_json_line", None),
        (b"[]", "invalid_json_line", None),
        (b"7", "invalid_json_line", None),
        (b"\xff\xfe", "invalid_json_line", None),
        (b'{"custom_id": NaN}', "invalid_json_line", None),
        (b"[" * 100_000, "invalid_json_line", None),
        (b"9" * 5000, "invalid_json_line", None),
        (b"{} {}", "invalid_json_line", None),
        (b"{}", "missing_required_parameter", "custom_id"),
        (document({"custom_id": "b"}), "missing_required_parameter", "method"),
        (document(request("b", url=None)), "missing_required_parameter", "url"),
        (document(request("b", body=None)), "missing_required_parameter", "body"),
        (document(request("b", body={})), "missing_required_parameter", "body.model"),
        (document(request("b", body=[1])), "invalid_type", "body"),
        (document(request("b", body={"model": 7})), "invalid_type", "body.model"),
        (document(request("b", body={"model": " "})), "invalid_type", "body.model"),
        (document(request("b", body={"model": "\ud800"})), "invalid_type", "body.model"),
        (document(request("b", body={"model": "m", "stream": True})), "unsupported_value", "body.stream"),
        (document(request("b", body={"model": "m", "stream": 1})), "unsupported_value", "body.stream"),
        (document(request(7)), "invalid_custom_id", "custom_id"),
        (document(request("")), "invalid_custom_id", "custom_id"),
        (document(request("\udfff")), "invalid_custom_id", "custom_id"),
        (document(request("x" * (MOST_CUSTOM_ID + 1))), "invalid_custom_id", "custom_id"),
        (document(request("b", method="GET")), "invalid_method", "method"),
        (document(request("b", url="/v1/chat/completions")), "url_mismatch", "url"),
        (document(request("a")), "duplicate_custom_id", "custom_id"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line, code, param):
    data = document(request("a")) + line.rstrip(b"\n") + b"\n" + document(request("z")) + b"{}\n"
    assert errors(data) == [(2, code, param), (4, "missing_required_parameter", "custom_id")]
    for error in read(data)[1]:
        assert error.message.endswith(".")


def test_an_empty_file_is_none():
    for data in (b"", b"\n\n", b" \r\n"):
        assert errors(data) == [(None, "empty_file", None)]


def test_there_is_a_most_of_everything(monkeypatch):
    assert errors(document(request("a")) + b'{"' + b"x" * 2000, longest=1000) == [(2, "request_too_large", None)]
    assert errors(document(request("a")) + b'{"' + b"x" * 2000, longest=1000, cut=64) == [
        (2, "request_too_large", None)
    ]
    assert errors(b"{}\n" * 500) == [(line, "missing_required_parameter", "custom_id") for line in range(1, 101)]
    monkeypatch.setattr(openai_batches, "MOST_REQUESTS", 3)
    assert errors(document(*(request(str(number)) for number in range(3)))) == []
    assert errors(document(*(request(str(number)) for number in range(9)))) == [(4, "too_many_tasks", None)]


def test_reading_can_be_ended():
    def look():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_file(iter([document(request())]), "/v1/responses", LONGEST, look)


def test_a_new_batch_is_read():
    new = read_batch(
        {
            "input_file_id": "file-1",
            "endpoint": "/v1/responses",
            "completion_window": "24h",
            "metadata": {"a": "b"},
            "output_expires_after": {"anchor": "created_at", "seconds": 3600},
            "whatever": 1,
        },
        ENDPOINTS,
    )
    assert (new.file, new.endpoint, new.metadata, new.output_seconds) == ("file-1", "/v1/responses", {"a": "b"}, 3600.0)


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"input_file_id": None}, "input_file_id", "missing_required_parameter"),
        ({"input_file_id": 7}, "input_file_id", "invalid_type"),
        ({"input_file_id": "\ud800"}, "input_file_id", "invalid_type"),
        ({"endpoint": "/v1/embeddings"}, "endpoint", "invalid_value"),
        ({"endpoint": None}, "endpoint", "missing_required_parameter"),
        ({"completion_window": "7d"}, "completion_window", "invalid_value"),
        ({"metadata": []}, "metadata", "invalid_type"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"metadata": {"a": "\ud800"}}, "metadata.a", "invalid_type"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a", "string_above_max_length"),
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata", "invalid_value"),
        ({"output_expires_after": 7}, "output_expires_after", "invalid_type"),
        ({"output_expires_after": {"seconds": 3600}}, "output_expires_after[anchor]", "missing_required_parameter"),
    ],
)
def test_a_new_batch_that_is_not_good_is_refused(change, param, code):
    good = {"input_file_id": "file-1", "endpoint": "/v1/responses", "completion_window": "24h"}
    assert read_batch(good, ENDPOINTS).metadata is None
    with pytest.raises(Problem) as caught:
        read_batch(good | change, ENDPOINTS)
    assert (caught.value.kind, caught.value.param, caught.value.code) == (Kind.INVALID, param, code)


@pytest.mark.parametrize(
    ("anchor", "seconds", "param"),
    [
        (None, 3600, "x[anchor]"),
        ("created_at", None, "x[seconds]"),
        ("updated_at", 3600, "x[anchor]"),
        ("created_at", "3600", "x[seconds]"),
        ("created_at", True, "x[seconds]"),
        ("created_at", 3599, "x[seconds]"),
        ("created_at", 2592001, "x[seconds]"),
    ],
)
def test_times_of_expiry(anchor, seconds, param):
    assert expiry("x", "created_at", 2592000) == 2592000.0
    with pytest.raises(Problem) as caught:
        expiry("x", anchor, seconds)
    assert caught.value.param == param


def test_a_question_stands_alone():
    def turn(**more):
        return responses.DIALECT.read({"model": "m", "input": "hi"} | more, {})

    check_alone(turn())
    for more, param in (
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "rs_1"}]}, "input[1]"),
        ({"input": [{"id": "rs_1"}]}, "input[0]"),
    ):
        with pytest.raises(Problem) as caught:
            check_alone(turn(**more))
        assert (caught.value.kind, caught.value.param) == (Kind.INVALID, param)


def test_lines():
    good = json.loads(succeeded("ä", {"id": "resp_1"}, "req_1"))
    assert good == {
        "id": "batch_req_1",
        "custom_id": "ä",
        "response": {"status_code": 200, "request_id": "req_1", "body": {"id": "resp_1"}},
        "error": None,
    }
    problem = Problem(Kind.OVERLOADED, "too much", code="server_is_overloaded")
    bad = json.loads(errored("b", responses.DIALECT, problem, "req_2"))
    assert bad["response"]["status_code"] == 503
    assert bad["response"]["body"]["error"]["message"] == "too much"
    assert bad["error"] is None
    assert b"\n" not in succeeded("a\nb", {}, "req_3")
