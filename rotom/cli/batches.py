"""List the batches of all APIs, or cancel one.

Usage:
  rotom batches [--json]
  rotom batches cancel ID

Options:
  --json      print one JSON object
  -h, --help  show this text

Works while a server runs and while none does. What a canceled batch has asked already is finished; the rest is not asked.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from rotom.cli import usage
from rotom.config import load
from rotom.problem import Problem
from rotom.sse import Json
from rotom.state.batches import ENDED, Batch, Batches, Pause
from rotom.state.database import Database, database_file, worker_lock
from rotom.state.results import ENDS
from rotom.status import local_time
from rotom.term import Terminal, clean, words

PAGE = 1000


def run(argv: list[str]) -> int:
    """Look into the database, or change it."""
    given = usage.parse(__doc__ or "", argv)
    home = load(given, os.environ).config.home
    database = Database(database_file(home))
    with closing(database):
        return _shown(database, given)


def _shown(database: Database, given: dict[str, Any]) -> int:
    store = Batches(database)
    now = time.time()
    if not database.exists():
        if given["cancel"]:
            raise usage.wrong(f"there is no batch {given['ID']!r}, nor any other", "rotom batches")
        batches, pauses = list[Batch](), list[Pause]()
    elif given["cancel"]:
        batch = store.cancel(given["ID"], now)
        left = batch.total - batch.done
        print(f"{batch.id} has ended" if batch.status == ENDED else f"{batch.id} is canceling: {left} still running")
        return 0
    else:
        batches, pauses = everything(store), store.pauses()
    working = _working(database)
    if given["--json"]:
        print(json.dumps(report(batches, pauses, working=working), indent=2))
    else:
        print(rendered(batches, pauses, Terminal(sys.stdout), now, working=working))
    return 0


def everything(store: Batches) -> list[Batch]:
    """All batches, newest first."""
    found: list[Batch] = []
    more = True
    while more:
        page, more = store.page(PAGE, found[-1].id if found else None)
        found += page
    return found


def _working(database: Database) -> bool:
    """Whether a server works on the batches: then it holds the worker's lock."""
    lock = worker_lock(database.path)
    if not lock.path.exists():
        return False
    try:
        if not lock.try_acquire():
            return True
    except Problem:
        return False
    lock.release()
    return False


def report(batches: Sequence[Batch], pauses: Sequence[Pause], *, working: bool) -> Json:
    """The list as one JSON object; times are unix seconds."""
    return {
        "working": working,
        "waits": [
            {"provider": pause.provider or None, "until": int(pause.until), "reason": pause.reason}
            for pause in (pauses if working else ())
        ],
        "batches": [
            {
                "id": batch.id,
                "api": batch.api,
                "endpoint": batch.endpoint,
                "processing_status": batch.status,
                "created_at": int(batch.created_at),
                "expires_at": int(batch.expires_at),
                "cancel_initiated_at": _seconds(batch.cancel_initiated_at),
                "ended_at": _seconds(batch.ended_at),
                "total": batch.total,
                "done": batch.done,
                **{name: getattr(batch, name) for name in ENDS},
                "errors": None if batch.errors is None else json.loads(batch.errors),
            }
            for batch in batches
        ],
    }


def _seconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment)


def rendered(
    batches: Sequence[Batch], pauses: Sequence[Pause], terminal: Terminal, now: float, *, working: bool
) -> str:
    """The list for people: a line a batch, and below what they wait for."""
    if not batches:
        return "no batches"
    head = tuple(terminal.paint("dim", word) for word in ("BATCH", "API", "STATUS", "DONE", "", "CREATED"))
    lines = [terminal.table([head, *(_row(batch, terminal, now) for batch in batches)])]
    if any(batch.status != ENDED for batch in batches):
        if not working:
            lines.append("no server works on them now: 'rotom serve' does")
        for pause in pauses if working else ():
            who = f" at {clean(pause.provider)}" if pause.provider else ""
            when = f"until {local_time(pause.until)}, for {words(pause.until - now)}"
            lines.append(terminal.paint("yellow", f"they wait{who} {when}: {clean(pause.reason)}"))
    return "\n".join(lines)


def _row(batch: Batch, terminal: Terminal, now: float) -> tuple[str, ...]:
    status = batch.status.replace("_", " ") if batch.errors is None else "failed"
    bad = [f"{getattr(batch, name)} {name}" for name in ENDS[1:] if getattr(batch, name)]
    done = f"{terminal.bar(batch.done / max(1, batch.total), 10)} {batch.done}/{batch.total}"
    if batch.errors is not None and (wrong := json.loads(batch.errors)):
        where = f"line {wrong[0]['line']}: " if wrong[0].get("line") else ""
        bad.append(clean(f"its file: {where}{wrong[0].get('message')}"))
    age = f"{words(now - batch.created_at)} ago"
    shown = terminal.paint("dim", status) if batch.status == ENDED else status
    return (batch.id, batch.api, shown, done, ", ".join(bad), age)
