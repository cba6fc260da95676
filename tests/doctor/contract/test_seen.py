"""Answers, read for judgement: whatever comes, and nothing of its words gets out."""

import pytest

from rotom.doctor.contract.seen import failed, read
from rotom.providers import Reply

STREAM = {"content-type": "text/event-stream; charset=utf-8"}


def stream(*lines, headers=STREAM):
    return read(Reply(200, headers, "".join(f"{line}\n\n" for line in lines).encode()))


def test_a_stream_is_its_events():
    seen = stream(
        'event: response.output_item.done\ndata: {"type":"response.output_item.done","item":{"type":"message"}}',
        'data: {"type":"response.completed","response":{"id":"a"}}',
        "data: [DONE]",
    )
    assert seen.completed()
    assert seen.done
    assert seen.items("message") == [{"type": "message"}]
    assert seen.final() == {"id": "a"}
    assert seen.shown() == "accepted"


def test_half_an_event_is_none():
    seen = stream('data: {"type":"response.crea')
    assert seen.events == ()
    assert not seen.completed()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"error":{"message":"planted","code":"bad_thing"}}', "refused with 400 (bad_thing)"),
        (b'{"detail":"planted"}', "refused with 400"),
        (b'{"detail":{"error_code":"gone"}}', "refused with 400 (gone)"),
        (b'{"code":"planted words","error":"planted"}', "refused with 400"),
        (b'{"error":{"code":"Planted Words \xc3\xa4","type":"other_type"}}', "refused with 400 (other_type)"),
        (b"<html>planted</html>", "refused with 400"),
        (b"\xff\xfe", "refused with 400"),
        (b"[" * 100_000, "refused with 400"),
    ],
)
def test_of_a_refusal_only_status_and_code_are_shown(body, shown):
    assert read(Reply(400, {}, body)).shown() == shown


def test_a_failure_in_a_stream_is_told_by_its_code():
    seen = stream('data: {"type":"response.failed","response":{"error":{"code":"server_error","message":"planted"}}}')
    assert seen.shown() == "failed in its stream (server_error)"


def test_no_answer_says_why():
    assert failed("because").shown() == "because"
