"""What a line looks like in each form, and what can never be in one."""

import io
import json
import os

import pytest

from rotom.log import FIELDS, LEVELS, Log, escaped, form_for


def logged(form="text", level="info"):
    stream = io.StringIO()
    return Log(stream, form, level), stream


def test_a_text_line_has_time_level_message_and_facts():
    log, stream = logged()
    log.notice("listening", address="127.0.0.1:14550", note="two words", seconds=1.23456, models=("a", "b"), ok=True)
    stamp, level, rest = stream.getvalue().split(" ", 2)
    assert stamp[10] == "T"
    assert level == "notice"
    assert rest == 'listening address=127.0.0.1:14550 note="two words" seconds=1.235 models=a,b ok=yes\n'


def test_a_journal_line_has_its_priority_and_no_time():
    log, stream = logged("journal")
    log.error("it broke")
    assert stream.getvalue() == "<3>it broke\n"


def test_a_json_line_is_one_object():
    log, stream = logged("json")
    log.exchange({"method": "POST", "path": "/v1/messages", "status": 200, "input": 10, "first": 0.5, "gone": False})
    document = json.loads(stream.getvalue())
    assert document.pop("time")
    assert document == {
        "level": "info",
        "message": "exchange",
        "method": "POST",
        "path": "/v1/messages",
        "status": 200,
        "first": 0.5,
        "input": 10,
    }


@pytest.mark.parametrize("form", ["text", "journal", "json"])
def test_an_exchange_tells_only_what_is_on_the_list(form):
    log, stream = logged(form, "debug")
    log.exchange(
        {"method": "POST", "path": "/v1/messages", "status": 200, "prompt": "planted", "authorization": "planted"}
    )
    assert "planted" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_an_exchange_in_text():
    log, stream = logged("journal")
    log.exchange(
        {
            "status": 200,
            "path": "/v1/messages",
            "method": "POST",
            "served": "gpt-5.5",
            "model": "sonnet",
            "id": "req_1",
            "retries": 0,
            "cached": 0,
            "dropped": [],
        }
    )
    assert stream.getvalue() == "<6>POST /v1/messages 200 id=req_1 model=sonnet served=gpt-5.5 cached=0\n"


def test_a_failure_of_ours_is_a_warning_and_passes_a_higher_threshold():
    log, stream = logged("journal", "warning")
    log.exchange({"method": "GET", "path": "/", "status": 404})
    log.exchange({"method": "GET", "path": "/", "status": 502})
    log.exchange({"method": "GET", "path": "/", "status": 200, "code": "connection_lost"})
    assert stream.getvalue() == "<4>GET / 502\n<4>GET / 200 code=connection_lost\n"


def test_levels_below_the_threshold_are_silent_until_configured():
    log, stream = logged("journal", "notice")
    for level in LEVELS:
        getattr(log, level)(level)
    assert stream.getvalue().split() == ["<5>notice", "<4>warning", "<3>error"]
    log.configure("journal", "debug")
    log.debug("now")
    assert stream.getvalue().endswith("<7>now\n")


@pytest.mark.parametrize("form", ["text", "journal", "json"])
def test_a_client_cannot_forge_a_line_or_speak_to_the_terminal(form):
    log, stream = logged(form)
    log.exchange({"method": "GET", "path": "/\r\n<3>forged\x1b[31m\u202e\x85", "status": 404})
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.endswith("\n")
    assert all(char.isprintable() for char in written[:-1])


def test_escaping_leaves_ordinary_text_alone():
    assert escaped("grün 日本") == "grün 日本"
    assert escaped("a\tb\x00") == "a\\tb\\x00"


def fail():
    try:
        raise KeyError("planted prompt")
    except KeyError as exc:
        raise ExceptionGroup("planted group", [ValueError("planted secret")]) from exc


@pytest.mark.parametrize(("level", "shown"), [("info", False), ("debug", True)])
def test_a_bug_is_logged_with_its_places_and_an_id(level, shown):
    log, stream = logged("text", level)
    with pytest.raises(ExceptionGroup) as caught:
        fail()
    name = log.bug(caught.value, "a handler")
    written = stream.getvalue()
    assert f"bug={name}" in written
    assert "test_log.py" in written
    assert all(word in written for word in ("ExceptionGroup", "ValueError", "KeyError", " fail"))
    assert ("planted" in written) is shown
    assert all(" error " in line for line in written.splitlines())


def test_a_bug_in_json_is_still_one_line():
    log, stream = logged("json")
    assert json.loads(stream.getvalue() or "{}") == {}
    name = log.bug(RuntimeError("x"))
    document = json.loads(stream.getvalue())
    assert document["bug"] == name
    assert document["trace"] == ["RuntimeError"]


def test_a_log_that_cannot_be_written_stops_nobody():
    stream = io.StringIO()
    log = Log(stream)
    stream.close()
    log.error("nobody hears this")
    assert stream.closed


def test_a_stream_of_ascii_gets_escapes():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    Log(stream, "journal").info("grün")
    assert raw.getvalue() == b"<6>gr\\xfcn\n"


def test_the_journal_is_recognised_by_device_and_inode(tmp_path):
    with open(tmp_path / "stderr", "w") as stream:
        status = os.fstat(stream.fileno())
        journal = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert form_for(stream, "text", journal) == "journal"
        assert form_for(stream, "json", journal) == "json"
        assert form_for(stream, "text", {"JOURNAL_STREAM": "1:2"}) == "text"
        assert form_for(stream, "text", {}) == "text"
    assert form_for(io.StringIO(), "text", journal) == "text"


def test_no_field_of_an_exchange_could_hold_a_secret():
    assert not set(FIELDS) & {
        "headers",
        "body",
        "query",
        "target",
        "authorization",
        "key",
        "token",
        "prompt",
        "message",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exchange_is_a_line_that_can_be_read(form):
    log, stream = logged(form)
    long = "x" * 100_000
    log.exchange({"path": f"/{long}", "model": long, "dropped": [long] * 100, "input": 10**5000, "output": {"a": long}})
    assert len(stream.getvalue()) < 20_000
    assert stream.getvalue().count("\n") == 1


def test_probes_are_no_news():
    out = io.StringIO()
    log = Log(out, "text", "info")
    log.exchange({"method": "HEAD", "path": "/", "status": 200})
    log.exchange({"method": "GET", "path": "/health", "status": 200})
    assert out.getvalue() == ""
    log.exchange({"method": "GET", "path": "/health", "status": 403})
    assert "/health 403" in out.getvalue()
