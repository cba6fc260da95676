"""What answers are compared with: what speaks of the account tells nothing of the request."""

from types import SimpleNamespace

import pytest

from rotom.catalogue import Model
from rotom.doctor.contract import Judgement
from rotom.doctor.contract.judges import answered, fields, given, headers, refused, same_efforts, sealed
from rotom.doctor.contract.seen import Seen, failed

BASE = SimpleNamespace()
DONE = ({"type": "response.completed", "response": {}},)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("judge", [refused("word"), answered(), given(lambda value, base: None), headers("a")])
def test_limits_and_breakdowns_tell_nothing(judge, status):
    assert judge(Seen(status, text="word"), BASE).judgement is Judgement.UNKNOWN
    assert judge(failed("no network"), BASE).judgement is Judgement.UNKNOWN


def test_a_refusal_in_other_words_is_another_one():
    assert refused("this")(Seen(400, text="not THIS".lower()), BASE).judgement is Judgement.AS_ASSUMED
    assert "in other words" in refused("this")(Seen(400, text="that"), BASE).how
    assert refused("this")(Seen(200, events=DONE), BASE).how == "accepted"
    assert refused(statuses=(403,))(Seen(403), BASE).judgement is Judgement.AS_ASSUMED


def test_an_answer_without_an_end_is_another_one():
    assert answered()(Seen(200, events=DONE), BASE).judgement is Judgement.AS_ASSUMED
    assert "does not end" in answered()(Seen(200), BASE).how
    assert answered()(Seen(200, events=({"type": "error"},)), BASE).judgement is Judgement.UNKNOWN


def test_fields_are_looked_for_in_objects_and_lists():
    value = {"a": {"b": 1}, "c": [{"d": 0}]}
    assert fields(value, "a.b", "c.0.d") is None
    assert fields(value, "a.x", "c.1.d", "a.b.c").how == "without a.x, c.1.d, a.b.c"
    assert fields(None, "a").how == "without a"


def test_reasoning_that_did_not_happen_tells_nothing():
    assert sealed(Seen(200, events=DONE), BASE).judgement is Judgement.UNKNOWN


def test_efforts_are_compared_model_by_model():
    ours = [Model("a", "p", efforts=("low", "high")), Model("old", "p", efforts=("low",), retired=True)]
    assert same_efforts([Model("a", "p", efforts=("low", "high")), Model("new", "p")], ours) is None
    assert same_efforts([Model("a", "p", efforts=("low",))], ours).how == "a: low"
    assert same_efforts([Model("new", "p")], ours).judgement is Judgement.UNKNOWN
