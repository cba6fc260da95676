"""The log: lines on stderr, for people, for the journal, or as JSON.

One line an exchange, made from a list of allowed fields: what is not on the list cannot get in, so that no token and no
prompt is ever logged, whatever a handler notes. Control characters are escaped: a client cannot forge a line. Under
systemd, where stderr is the journal itself, a line begins with its priority and has no time of its own.

A bug is logged with the places it passed through and an id that the client got; its own text, which may quote a request,
only at the level debug.

What is not here: log files and their rotation (the service manager's), and records of use (the ledger's).
"""

from __future__ import annotations

import json
import os
import secrets
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

LEVELS = {"debug": 7, "info": 6, "notice": 5, "warning": 4, "error": 3}
"""Level -> priority of syslog(3) and the journal."""

FIELDS = (
    "id",
    "peer",
    "method",
    "path",
    "status",
    "dialect",
    "stream",
    "model",
    "served",
    "provider",
    "account",
    "first",
    "total",
    "input",
    "cached",
    "output",
    "reasoning",
    "dropped",
    "retries",
    "repeat",
    "code",
    "gone",
    "bug",
)
"""What an exchange's line may hold, in this order: `model` is what was asked, `served` what answered, `account` the
provider's account where it is not the first one, `first` and `total` are seconds, `input` to `reasoning` tokens, `dropped`
request fields that could not be honoured, `retries` how often the provider was asked again, `repeat` how often the client
had asked before, `code` a problem's code, `bug` the id of a traceback."""


LONGEST = 400
"""Characters of one value in an exchange's line; clients and providers choose some of them."""


class Log:
    """Where lines go.

    Arguments:
      stream: usually sys.stderr.
      form: text, json or journal.
      level: the least important level that is written.
    """

    def __init__(self, stream: TextIO, form: str = "text", level: str = "info") -> None:
        self._stream = stream
        self.configure(form, level)

    def configure(self, form: str, level: str) -> None:
        """Take another form and level, at a reload."""
        self.form = form
        self.level = level
        self._threshold = LEVELS[level]

    def debug(self, message: str, **facts: Any) -> None:
        """What only somebody who looks for a fault wants to see."""
        self._write("debug", message, facts)

    def info(self, message: str, **facts: Any) -> None:
        """What happens all the time."""
        self._write("info", message, facts)

    def notice(self, message: str, **facts: Any) -> None:
        """What happens seldom and is right: a start, a reload, a renewed login."""
        self._write("notice", message, facts)

    def warning(self, message: str, **facts: Any) -> None:
        """What somebody should look at some day."""
        self._write("warning", message, facts)

    def error(self, message: str, **facts: Any) -> None:
        """What somebody has to act on."""
        self._write("error", message, facts)

    def exchange(self, facts: Mapping[str, Any]) -> None:
        """The one line of an exchange. Of `facts` only `FIELDS` are written, and of those only what is known."""
        status = facts.get("status")
        # A code beside a good status: the answer broke when its head was sent already.
        failed = isinstance(status, int) and (status >= 500 or (status < 400 and facts.get("code") is not None))
        # Clients probe with HEAD, Claude Code at each start, and monitors ask for the health; that is no news.
        probe = facts.get("method") == "HEAD" or (facts.get("path") == "/health" and status == 200)
        level = "warning" if failed else "debug" if probe else "info"
        if LEVELS[level] > self._threshold:
            return
        known = {
            name: _short(facts[name])
            for name in FIELDS
            if _tells(facts.get(name)) and (name != "retries" or facts[name])
        }
        if self.form == "json":
            self._write(level, "exchange", known)
            return
        words = [str(known.pop(name, "-")) for name in ("method", "path", "status")]
        self._write(level, " ".join(words), known)

    def bug(self, exc: BaseException, where: str = "") -> str:
        """An exception that should not have come this far; the id under which it can be found."""
        name = "bug_" + secrets.token_hex(6)
        lines = list(_trail(exc, texts=self.level == "debug"))
        self._write("error", f"a bug in rotom{' in ' + where if where else ''}", {"bug": name, "trace": lines})
        return name

    def _write(self, level: str, message: str, facts: Mapping[str, Any]) -> None:
        if LEVELS[level] > self._threshold:
            return
        if self.form == "json":
            line = json.dumps(
                {"time": _now(), "level": level, "message": message, **facts}, default=str, separators=(",", ":")
            )
            self._emit(line + "\n")
            return
        start = f"<{LEVELS[level]}>" if self.form == "journal" else f"{_now()} {level} "
        trace = facts.get("trace", ())
        tail = "".join(f" {name}={_word(value)}" for name, value in facts.items() if name != "trace")
        self._emit("".join(f"{start}{line}\n" for line in [escaped(message) + tail, *map(escaped, trace)]))

    def _emit(self, text: str) -> None:
        # One write a line, so that lines of several processes do not mix. A log that cannot be written must not stop
        # what it is about.
        try:
            self._stream.write(text)
            self._stream.flush()
        except UnicodeEncodeError:
            self._stream.write(text.encode("ascii", "backslashreplace").decode())
            self._stream.flush()
        except (OSError, ValueError):
            pass


def form_for(stream: TextIO, wanted: str, environ: Mapping[str, str]) -> str:
    """The form to write: `wanted`, except that text becomes the journal's own form where `stream` is the journal."""
    if wanted != "text":
        return wanted
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return wanted
    return "journal" if environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}" else wanted


def escaped(text: str) -> str:
    """`text` on one line and without anything that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _tells(value: Any) -> bool:
    """Zero tokens are news, nothing is not."""
    return value is not None and value is not False and value not in ("", (), [])


def _short(value: Any) -> Any:
    """A value as it is, cut where it is long."""
    if isinstance(value, list | tuple):
        return [_short(part) for part in value[:20]]
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 1e18):
        return value
    text = value if isinstance(value, str) else repr(value) if not isinstance(value, int) else "a huge number"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    text = escaped(str(value))
    return json.dumps(text, ensure_ascii=False) if not text or " " in text or '"' in text or "=" in text else text


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _trail(exc: BaseException, *, texts: bool, depth: int = 0) -> Iterator[str]:
    """The places an exception came through, innermost last, then its cause; without its text unless `texts`."""
    indent = "  " * depth
    yield f"{indent}{type(exc).__name__}" + (f": {exc}" if texts else "")
    for frame in traceback.extract_tb(exc.__traceback__):
        file = "/".join(frame.filename.replace("\\", "/").split("/")[-2:])
        yield f"{indent}  {file}:{frame.lineno} {frame.name}"
    if depth > 8:
        return
    if isinstance(exc, BaseExceptionGroup):
        for part in exc.exceptions:
            yield from _trail(part, texts=texts, depth=depth + 1)
    before = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    if before is not None:
        yield f"{indent}after:"
        yield from _trail(before, texts=texts, depth=depth + 1)
