"""Pages of results, by how the requests ended."""

import pytest

from rotom.state import results
from rotom.state.batches import Batches
from rotom.state.database import Database
from rotom.state.results import ENDS, ERROR, HOLDS, OUTPUT, PAGE_BYTES

NOW = 1_790_000_000.0


@pytest.fixture
def store(tmp_path):
    database = Database(tmp_path / "rotom.db")
    yield Batches(database)
    database.close()


def test_each_end_is_in_one_file():
    assert sorted(HOLDS[OUTPUT] + HOLDS[ERROR]) == sorted(ENDS)


def test_lines_come_in_pages_and_only_of_their_ends(store):
    store.add([(str(number), "m", b"{}") for number in range(1200)], NOW)
    for number in range(1200):
        item = store.take(NOW)
        long = b"x" * (PAGE_BYTES // 2 if number < 6 else 10)
        store.finish(item.number, "succeeded" if number % 2 else "errored", long, NOW)
    with store.database.reading() as db:
        for holds, odd in ((OUTPUT, 1), (ERROR, 0)):
            pages, position = [], 0
            while position is not None:
                data, position = results.lines(db, 1, holds, position)
                pages.append(data)
            whole = b"".join(pages)
            assert results.size(db, 1, holds) == (600, len(whole))
            assert whole.count(b"\n") == 600
            assert max(map(len, pages)) <= 1.5 * PAGE_BYTES + 500
            assert len(pages) > 3, odd
        results.forget(db, 1, OUTPUT)
        assert results.size(db, 1, OUTPUT)[1] == 0
        assert results.size(db, 1, ERROR)[0] == 600
