"""Searches of the provider as blocks."""

from __future__ import annotations

from typing import Any

import pytest

from rotom.dialects.messages.search import Searches


def item(**action: Any) -> dict[str, Any]:
    return {"id": "ws_a-1", "type": "web_search_call", "status": "completed", "action": {"type": "search", **action}}


CITED = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 5}


def test_sources_of_the_item_stand_behind_the_call() -> None:
    sources = [{"type": "url", "url": "https://a"}, {"type": "url", "url": "https://b", "title": "B"}, "junk"]
    call, result = Searches().blocks(item(query="q", sources=sources))
    assert call == {"type": "server_tool_use", "id": "srvtoolu_a_1", "name": "web_search", "input": {"query": "q"}}
    assert result["tool_use_id"] == "srvtoolu_a_1"
    assert [(page["url"], page["title"]) for page in result["content"]] == [
        ("https://a", "https://a"),
        ("https://b", "B"),
    ]


def test_without_sources_the_citations_are_the_result() -> None:
    searches = Searches()
    assert [block["type"] for block in searches.blocks(item(queries=["q"]))] == ["server_tool_use"]
    assert searches.late(end=False) == []
    searches.heard(1, 0, "Hello there")
    citation = searches.cite(1, 0, CITED)
    assert citation == {
        "type": "web_search_result_location",
        "url": "https://a",
        "title": "A",
        "encrypted_index": "",
        "cited_text": "Hello",
    }
    assert searches.cite(1, 0, CITED) is None
    [result] = searches.late(end=False)
    assert [page["title"] for page in result["content"]] == ["A"]
    assert searches.late(end=True) == []


def test_a_search_without_any_result_has_an_empty_one_at_the_end() -> None:
    searches = Searches()
    searches.blocks(item(query="q"))
    assert [block["content"] for block in searches.late(end=True)] == [[]]
    assert searches.count == 1


def test_a_failed_search() -> None:
    _, result = Searches().blocks({**item(query="q"), "status": "failed"})
    assert result["content"] == {"type": "web_search_tool_result_error", "error_code": "unavailable"}


@pytest.mark.parametrize("note", [{"type": "file_citation", "url": "x"}, {"type": "url_citation"}])
def test_other_annotations(note: Any) -> None:
    assert Searches().cite(0, 0, note) is None


def test_opening_a_page_is_no_search() -> None:
    searches = Searches()
    assert searches.blocks({"id": "ws_1", "action": {"type": "open_page", "url": "https://a"}}) == []
    assert searches.count == 0
