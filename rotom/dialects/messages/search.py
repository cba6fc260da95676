"""The provider's web searches as blocks of a Messages answer.

Responses tells a search as one item (``web_search_call``) and cites in annotations of the text; Messages wants a
``server_tool_use`` block, a ``web_search_tool_result`` block with title and URL of each page, and citations in the text.
Claude Code makes its list of links from the result block (seen 2026-11). Where the item brings its sources the result
stands directly behind the call; else it is put together from what the text cited, and follows the text.
"""

from __future__ import annotations

import re
from typing import Any

from rotom.sse import Json

_ODD = re.compile(r"[^A-Za-z0-9_]")
_CITED = 150  # characters of a cited text, as Anthropic documents


class Searches:
    """The searches of one answer.

    Attributes:
      count: how many there were.
    """

    def __init__(self) -> None:
        self.count = 0
        self._open: list[str] = []  # calls whose result block is still to come
        self._texts: dict[tuple[int, int], list[str]] = {}  # in pieces, joined when something is cited
        self._cited: dict[tuple[int, int], list[Json]] = {}
        self._pages: dict[str, str] = {}  # URL -> title, as cited since the last result block

    def heard(self, index: int, part: int, text: str) -> None:
        """More text of a content part, which citations will point into."""
        self._texts.setdefault((index, part), []).append(text)

    def cite(self, index: int, part: int, note: Json) -> Json | None:
        """An annotation as a citation; None for one that is no URL or was there before."""
        url = note.get("url")
        known = self._cited.setdefault((index, part), [])
        if note.get("type") != "url_citation" or not isinstance(url, str) or note in known:
            return None
        known.append(note)
        title = str(note.get("title") or url)
        self._pages.setdefault(url, title)
        start, end = note.get("start_index"), note.get("end_index")
        cited = ""
        if isinstance(start, int) and isinstance(end, int):
            text = "".join(self._texts.get((index, part), ()))
            self._texts[index, part] = [text]
            cited = text[start:end][:_CITED]
        return {
            "type": "web_search_result_location",
            "url": url,
            "title": title,
            "encrypted_index": "",
            "cited_text": cited,
        }

    def blocks(self, item: Json) -> list[Json]:
        """The blocks of a search that is done. Opening a page and searching in it are steps that Messages does not tell."""
        action = item.get("action")
        action = action if isinstance(action, dict) else {}
        if action.get("type", "search") != "search":
            return []
        self.count += 1
        queries = action.get("queries")
        query = action.get("query") or (queries[0] if isinstance(queries, list) and queries else "")
        name = "srvtoolu_" + _ODD.sub("_", str(item.get("id") or self.count).removeprefix("ws_"))
        call: Json = {"type": "server_tool_use", "id": name, "name": "web_search", "input": {"query": query}}
        if item.get("status") == "failed":
            return [call, _result(name, {"type": "web_search_tool_result_error", "error_code": "unavailable"})]
        sources = action.get("sources")
        pages = {
            str(source["url"]): str(source.get("title") or source["url"])
            for source in (sources if isinstance(sources, list) else ())
            if isinstance(source, dict) and source.get("url")
        }
        if pages:
            return [call, _result(name, _found(pages))]
        self._open.append(name)
        return [call]

    def late(self, end: bool) -> list[Json]:
        """The result blocks still to come: now that something was cited, or because the answer ends. Which search found a
        cited page is not known; the last one gets them all."""
        if not self._open or not (self._pages or end):
            return []
        names, self._open = self._open, []
        pages, self._pages = self._pages, {}
        return [*(_result(name, []) for name in names[:-1]), _result(names[-1], _found(pages))]


def _found(pages: dict[str, str]) -> list[Json]:
    return [
        {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "", "page_age": None}
        for url, title in pages.items()
    ]


def _result(name: str, content: Any) -> Json:
    return {"type": "web_search_tool_result", "tool_use_id": name, "content": content}
