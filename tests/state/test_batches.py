"""Batches in the database: each request ends once, whatever is done in whatever order."""

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rotom.problem import Kind, Problem
from rotom.state.batches import (
    ANTHROPIC,
    BATCH,
    CANCELING,
    ENDED,
    EXPIRY_SECONDS,
    IN_PROGRESS,
    KEPT_SECONDS,
    OPENAI,
    REQUEST,
    VALIDATING,
    Batches,
    Pause,
)
from rotom.state.database import Database
from rotom.state.results import ENDS, PAGE_BYTES

NOW = 1_790_000_000.0


@pytest.fixture
def store(tmp_path):
    database = Database(tmp_path / "rotom.db")
    yield Batches(database)
    database.close()


def requests(*names, model="m"):
    return [(name, model, f"what {name} asks".encode()) for name in names]


def finish(store, item, state="succeeded", now=NOW):
    store.finish(item.number, state, b'{"of":%d}' % item.number, now)


def states(store, name):
    return [(result.custom_id, result.state) for result in store.results(name)]


def test_a_batch_goes_its_way(store):
    batch = store.add(requests("a", "b", "c"), NOW)
    assert (batch.status, batch.total, batch.done) == (IN_PROGRESS, 3, 0)
    assert batch.expires_at == NOW + 24 * 3600
    first, second = store.take(NOW), store.take(NOW)
    assert (first.batch, first.item, first.failures) == (batch.id, b"what a asks", 0)
    assert second.item == b"what b asks"
    finish(store, second)
    finish(store, first, "errored")
    assert store.get(batch.id).status == IN_PROGRESS
    third = store.take(NOW)
    assert store.take(NOW) is None
    finish(store, third, now=NOW + 5)
    end = store.get(batch.id)
    assert (end.status, end.ended_at, end.succeeded, end.errored, end.done) == (ENDED, NOW + 5, 2, 1, 3)
    results = store.results(batch.id)
    assert [result.custom_id for result in results] == ["a", "b", "c"]
    assert results[0].state == "errored"
    assert results[0].result == b'{"of":%d}' % first.number
    assert store.results(batch.id, results[-1].number) == []


def test_what_was_asked_is_gone_when_it_is_done(store):
    batch = store.add(requests("a", "b", "c"), NOW)
    finish(store, store.take(NOW))
    with store.database.reading() as db:
        assert db.execute("SELECT count(*) FROM questions").fetchone() == (2,)
    store.cancel(batch.id, NOW)
    with store.database.reading() as db:
        assert db.execute("SELECT count(*) FROM questions").fetchone() == (0,)
    store.delete(batch.id)
    with store.database.reading() as db:
        for table in ("batches", "requests", "results", "questions"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_result_comes_once(store):
    batch = store.add(requests("a"), NOW)
    item = store.take(NOW)
    finish(store, item)
    finish(store, item, "errored")
    store.put_back(item.number, 0.0, 0, NOW)
    assert states(store, batch.id) == [("a", "succeeded")]
    assert store.take(NOW) is None
    assert store.get(batch.id).done == 1


def test_canceling_lets_what_runs_finish(store):
    batch = store.add(requests("a", "b", "c"), NOW)
    item = store.take(NOW)
    canceling = store.cancel(batch.id, NOW + 1)
    assert (canceling.status, canceling.cancel_initiated_at, canceling.canceled) == (CANCELING, NOW + 1, 2)
    assert store.cancel(batch.id, NOW + 2) == canceling
    assert store.take(NOW) is None
    finish(store, item, now=NOW + 3)
    end = store.get(batch.id)
    assert (end.status, end.ended_at) == (ENDED, NOW + 3)
    assert states(store, batch.id) == [("a", "succeeded"), ("b", "canceled"), ("c", "canceled")]
    assert store.cancel(batch.id, NOW + 4) == end, "to cancel what has ended changes nothing"


def test_what_runs_and_fails_in_a_canceling_batch_is_canceled(store):
    batch = store.add(requests("a"), NOW)
    item = store.take(NOW)
    store.cancel(batch.id, NOW)
    store.put_back(item.number, NOW + 60, 1, NOW)
    assert states(store, batch.id) == [("a", "canceled")]


def test_what_waits_longer_than_a_day_expires(store):
    old, new = store.add(requests("a", "b"), NOW), store.add(requests("c"), NOW + 10)
    item = store.take(NOW)
    assert store.tidy(NOW + EXPIRY_SECONDS - 1)
    assert store.get(old.id).expired == 0
    later = NOW + EXPIRY_SECONDS
    assert store.take(later).item == b"what c asks", "nothing of an old batch is begun"
    assert store.tidy(later)
    assert (store.get(old.id).status, store.get(old.id).expired) == (IN_PROGRESS, 1)
    finish(store, item, now=later)
    assert states(store, old.id) == [("a", "succeeded"), ("b", "expired")]
    assert store.get(new.id).status == IN_PROGRESS


def test_results_are_kept_29_days(store):
    batch = store.add(requests("a"), NOW)
    younger = store.add(requests("b"), NOW + 1)
    finish(store, store.take(NOW))
    store.tidy(NOW + KEPT_SECONDS - 1)
    assert store.get(batch.id)
    store.tidy(NOW + KEPT_SECONDS)
    with pytest.raises(Problem) as caught:
        store.get(batch.id)
    assert caught.value.kind is Kind.NOT_FOUND
    assert store.get(younger.id).status == ENDED, "it expired long before"


def test_after_a_restart_only_what_ran_is_run_again(store):
    batch = store.add(requests("a", "b", "c"), NOW)
    doomed = store.add(requests("d", "e"), NOW)
    done, lost = store.take(NOW), store.take(NOW)
    finish(store, done)
    third = store.take(NOW)
    fourth = store.take(NOW)
    store.cancel(doomed.id, NOW)
    store.pause([Pause("openai", NOW + 9, "why")])
    again = Batches(Database(store.database.path))
    again.resume(NOW + 1)
    assert again.pauses() == []
    assert again.get(doomed.id).status == ENDED
    assert states(again, doomed.id) == [("d", "canceled"), ("e", "canceled")]
    assert {again.take(NOW).number, again.take(NOW).number} == {lost.number, third.number}
    assert fourth.batch == doomed.id
    assert again.take(NOW) is None
    assert again.get(batch.id).done == 1
    again.database.close()


def test_a_request_that_failed_waits_for_its_time_and_others_go_on(store):
    store.add(requests("a", "b"), NOW)
    item = store.take(NOW)
    store.put_back(item.number, NOW + 30, 1, NOW)
    assert store.next_due() == NOW + 30
    assert store.take(NOW).item == b"what b asks"
    assert store.take(NOW + 29) is None
    again = store.take(NOW + 30)
    assert (again.number, again.failures) == (item.number, 1)
    assert store.next_due() is None


def test_models_that_cannot_be_asked_are_passed_over(store):
    store.add([*requests("a", model="x"), *requests("b", model="y")], NOW)
    assert store.take(NOW, ["x"]).item == b"what b asks"
    assert store.take(NOW, ["x", "y"]) is None
    assert store.take(NOW).item == b"what a asks"


def test_the_oldest_batch_goes_first(store):
    store.add(requests("a", "b"), NOW)
    store.add(requests("c"), NOW - 100)
    assert [store.take(NOW).item for _ in range(3)] == [b"what a asks", b"what b asks", b"what c asks"]


def test_pages_are_newest_first_and_meet_at_their_cursors(store):
    made = [store.add(requests("a"), NOW + number).id for number in range(7)][::-1]

    def page(*arguments):
        batches, more = store.page(*arguments)
        return [batch.id for batch in batches], more

    assert page(3) == (made[:3], True)
    assert page(3, made[2]) == (made[3:6], True)
    assert page(3, made[5]) == (made[6:], False)
    assert page(3, None, made[6]) == (made[3:6], True)
    assert page(3, None, made[2]) == (made[:2], False)
    assert page(7) == (made, False)
    assert page(1, None, made[0]) == ([], False)
    for cursor in ({"after": "nothing"}, {"before": "nothing"}):
        with pytest.raises(Problem):
            store.page(1, **cursor)


def test_long_results_come_in_pages_of_bounded_size(store):
    batch = store.add(requests(*(f"r{number}" for number in range(1000))), NOW)
    for number in range(1000):
        item = store.take(NOW)
        store.finish(item.number, "succeeded", b"x" * (PAGE_BYTES // 2 if number < 10 else 10), NOW)
    pages, after = [], 0
    while page := store.results(batch.id, after):
        pages.append(page)
        after = page[-1].number
    assert [result.custom_id for page in pages for result in page] == [f"r{number}" for number in range(1000)]
    assert max(sum(len(result.result) for result in page) for page in pages) <= 1.5 * PAGE_BYTES
    assert max(map(len, pages)) <= 500


def test_open_batches_give_no_results_and_cannot_be_deleted(store):
    batch = store.add(requests("a"), NOW)
    for call in (store.results, store.delete):
        with pytest.raises(Problem) as caught:
            call(batch.id)
        assert (caught.value.kind, caught.value.code) == (Kind.INVALID, "batch_not_ended")
    for call in (store.results, store.delete, store.get, lambda name: store.cancel(name, NOW)):
        with pytest.raises(Problem) as caught:
            call("msgbatch_nothing")
        assert caught.value.kind is Kind.NOT_FOUND


def test_a_batch_that_cannot_be_drawn_to_its_end_is_not_there(store):
    def broken():
        yield from requests("a", "b")
        raise OSError(28, "No space left on device")

    with pytest.raises(Problem) as caught:
        store.add(broken(), NOW)
    assert caught.value.code == "storage_full"
    assert store.page(10) == ([], False)
    assert store.take(NOW) is None


def test_a_full_disk_loses_no_result(store):
    batch = store.add(requests("a", "b"), NOW)
    item = store.take(NOW)
    with store.database.reading() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Problem) as caught:
        store.finish(item.number, "succeeded", b"x" * 100_000, NOW)
    assert caught.value.code == "storage_full"
    assert store.get(batch.id).done == 0
    with store.database.reading() as db:
        db.execute("PRAGMA max_page_count = 1000000")
    store.finish(item.number, "succeeded", b"x" * 100_000, NOW)
    finish(store, store.take(NOW))
    assert len(store.results(batch.id)[0].result) == 100_000


# Batches whose requests are in a file.


def file_of(store, *names):
    return store.files.add("in.jsonl", iter(["".join(names).encode()]), None, NOW)


def opened(store, *names, now=NOW):
    """A batch whose requests have names of one letter, which are all that their text is."""
    return store.open("/v1/responses", file_of(store, *names).id, None, None, now)


def found(*names, model="m"):
    return [(name, model, index, 1) for index, name in enumerate(names)]


def test_a_batch_of_a_file_waits_until_somebody_has_looked_at_it(store):
    first, second = opened(store, "a", "b"), opened(store, "c")
    assert (first.status, first.api, first.total, first.begun_at) == (VALIDATING, OPENAI, 0, None)
    assert store.take(NOW) is None
    assert store.unread() == first
    assert store.begin(first.id, found("a", "b"), "m", NOW + 1)
    begun = store.get(first.id)
    assert (begun.status, begun.total, begun.begun_at, begun.model) == (IN_PROGRESS, 2, NOW + 1, "m")
    item = store.take(NOW + 1)
    assert (item.batch, item.api, item.endpoint, item.custom_id, item.item) == (
        first.id,
        OPENAI,
        "/v1/responses",
        "a",
        b"a",
    )
    assert store.unread() == second
    store.refuse(second.id, '[{"code": "x"}]', NOW + 2)
    end = store.get(second.id)
    assert (end.status, end.ended_at, end.errors) == (ENDED, NOW + 2, '[{"code": "x"}]')
    assert (end.output_file, end.error_file) == (None, None)
    assert store.unread() is None


def test_what_was_found_of_a_file_counts_once(store):
    batch = opened(store, "a")
    assert store.begin(batch.id, found("a"), "m", NOW)
    assert store.begin(batch.id, found("a", "a"), "m", NOW), "a second look changes nothing"
    store.refuse(batch.id, "[]", NOW)
    assert (store.get(batch.id).status, store.get(batch.id).total) == (IN_PROGRESS, 1)
    late = opened(store, "b")
    assert store.cancel(late.id, NOW).status == ENDED
    assert store.begin(late.id, found("b"), "m", NOW)
    assert (store.get(late.id).status, store.get(late.id).total) == (ENDED, 0)
    assert store.unread() is None


def test_a_batch_without_its_file_cannot_begin(store):
    file = file_of(store, "a")
    batch = store.open("/v1/responses", file.id, None, None, NOW)
    store.files.delete(file.id, NOW)
    assert not store.begin(batch.id, found("a"), "m", NOW)
    assert store.get(batch.id).status == VALIDATING
    for name in (file.id, "file-nothing"):
        with pytest.raises(Problem) as caught:
            store.open("/v1/responses", name, None, None, NOW)
        assert (caught.value.kind, caught.value.param) == (Kind.INVALID, "input_file_id")
    assert store.page(10)[0] == [store.get(batch.id)]


def test_a_file_that_nobody_looks_at_for_a_day_expires_with_its_batch(store):
    batch = opened(store, "a")
    assert store.tidy(NOW + EXPIRY_SECONDS - 1)
    assert not store.tidy(NOW + EXPIRY_SECONDS)
    end = store.get(batch.id)
    assert (end.status, end.total, end.cancel_initiated_at, end.errors) == (ENDED, 0, None, None)


def test_after_a_restart_a_file_is_looked_at_again(store):
    batch = opened(store, "a")
    again = Batches(Database(store.database.path))
    again.resume(NOW)
    assert again.unread() == batch
    again.database.close()


def test_each_api_sees_its_own_batches(store):
    theirs = [store.add(requests("a"), NOW).id, store.add(requests("a"), NOW).id]
    ours = [opened(store, "a").id, opened(store, "b").id]

    def page(*arguments):
        return [batch.id for batch in store.page(*arguments)[0]]

    assert page(9) == [*ours[::-1], *theirs[::-1]]
    assert page(9, None, None, ANTHROPIC) == theirs[::-1]
    assert page(9, None, None, OPENAI) == ours[::-1]
    assert page(9, ours[1], None, OPENAI) == ours[:1]
    for call in (
        lambda: store.get(theirs[0], OPENAI),
        lambda: store.get(ours[0], ANTHROPIC),
        lambda: store.cancel(theirs[0], NOW, OPENAI),
        lambda: store.delete(ours[0], ANTHROPIC),
        lambda: store.results(ours[0], 0, ANTHROPIC),
        lambda: store.page(9, theirs[0], None, OPENAI),
    ):
        with pytest.raises(Problem) as caught:
            call()
        assert caught.value.kind is Kind.NOT_FOUND
    assert store.get(theirs[0], ANTHROPIC).status == IN_PROGRESS


# Any order.


class Machine(RuleBasedStateMachine):
    """Anything in any order, kills included: counts stay true, ends stay, and whatever the tables allow is all there is."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Batches(Database(Path(self.folder.name) / "rotom.db"))
        self.now = NOW
        self.batches = []
        self.running = []
        self.ends = {}
        self.left = []  # what killed processes had open

    def teardown(self):
        for database in (self.store.database, *self.left):
            database.close()
        self.folder.cleanup()

    @rule(count=st.integers(1, 4))
    def add(self, count):
        self.batches.append(self.store.add(requests(*map(str, range(count))), self.now).id)

    @rule(count=st.integers(1, 4))
    def open(self, count):
        self.batches.append(opened(self.store, *"abcd"[:count], now=self.now).id)

    @rule(good=st.booleans())
    def look(self, good):
        if (batch := self.store.unread()) is not None:
            if good:
                assert self.store.begin(batch.id, found(*"abcd"[: self.names(batch)]), "m", self.now)
            else:
                self.store.refuse(batch.id, "[]", self.now)

    def names(self, batch):
        return self.store.files.get(batch.input_file, NOW).bytes

    @rule()
    def take(self):
        if (item := self.store.take(self.now)) is not None:
            assert item.number not in [other.number for other in self.running]
            assert item.number not in self.ends
            self.running.append(item)

    @precondition(lambda self: self.running)
    @rule(good=st.booleans(), which=st.randoms(use_true_random=False))
    def finish(self, good, which):
        item = self.running.pop(which.randrange(len(self.running)))
        finish(self.store, item, "succeeded" if good else "errored", self.now)
        self.ends[item.number] = "succeeded" if good else "errored"

    @precondition(lambda self: self.running)
    @rule(wait=st.sampled_from([0.0, 60.0]))
    def fails(self, wait):
        item = self.running.pop()
        self.store.put_back(item.number, self.now + wait, item.failures + 1, self.now)

    @precondition(lambda self: self.batches)
    @rule(which=st.randoms(use_true_random=False))
    def cancel(self, which):
        self.store.cancel(random.Random(which.random()).choice(self.batches), self.now)

    @rule(hours=st.sampled_from([0.01, 1, 13]))
    def time_passes(self, hours):
        self.now += hours * 3600
        self.store.tidy(self.now)

    @rule()
    def killed(self):
        self.left.append(self.store.database)
        self.store = Batches(Database(self.store.database.path))
        self.running = []
        self.store.resume(self.now)

    @invariant()
    def counts_are_true(self):
        with self.store.database.reading() as db:
            rows = db.execute("SELECT number, batch, state FROM requests").fetchall()
            results = {number for (number,) in db.execute("SELECT request FROM results")}
            asked = {number for (number,) in db.execute("SELECT request FROM questions")}
            for number, name in db.execute("SELECT number, id FROM batches").fetchall():
                batch = self.store.get(name)
                here = [state for _, of, state in rows if of == number]
                assert {end: here.count(end) for end in ENDS} == {end: getattr(batch, end) for end in ENDS}
                over = all(state in ENDS for state in here)
                assert batch.status == VALIDATING if over and batch.status != ENDED else (batch.status == ENDED) == over
                assert not here or batch.status != VALIDATING
                wanted = {"output": here.count("succeeded"), "error": len(here) - here.count("succeeded")}
                for holds, file in (("output", batch.output_file), ("error", batch.error_file)):
                    expected = batch.api == OPENAI and batch.status == ENDED and wanted[holds]
                    assert (file is not None) == bool(expected)
                    if file is not None:
                        text, _ = self.store.files.part(file, 0, NOW)
                        assert text.count(b"\n") == wanted[holds]
                        assert len(text) == self.store.files.get(file, NOW).bytes
                assert (batch.ended_at is not None) == (batch.status == ENDED)
                assert batch.status != CANCELING or "waiting" not in here
        for number, _, state in rows:
            assert (number in results) == (state in ("succeeded", "errored"))
            assert (number in asked) == (state not in ENDS)
            if state in ENDS:
                assert self.ends.setdefault(number, state) == state
        assert {number for number, _, state in rows if state == "running"} == {i.number for i in self.running}


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestMachine = Machine.TestCase


def test_the_tables_end_everywhere():
    assert {after for (_, _), after in BATCH.items()} == {IN_PROGRESS, CANCELING, ENDED}
    assert all(after == ENDED for (status, _), after in BATCH.items() if status == ENDED)
    assert not set(REQUEST) & set(ENDS)
    assert set(ENDS) <= set().union(*REQUEST.values())
