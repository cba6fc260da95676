"""The benchmark's load: raw clients that read the send times back out of whatever a gateway makes of the deltas."""

import json
import re
import statistics
import time
from dataclasses import dataclass, field

import trio

SENT = re.compile(rb"T(\d+)#(\d+) ")


@dataclass
class Seen:
    """What the clients of one run saw: latencies in ns, first events in ns after the request, errors in words."""

    latencies: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    events: int = 0


def request(path: str, text: str, close: bool = False) -> bytes:
    body = {
        "model": "gpt-5.5",
        "max_tokens": 1000,
        "stream": True,
        "messages": [{"role": "user", "content": text}],
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}],
    }
    if path.endswith(("messages", "completions")):
        del body["input"]
    else:
        del body["messages"], body["max_tokens"]
    data = json.dumps(body).encode()
    return (
        b"POST %b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b"
        % (path.encode(), len(data), b"connection: close\r\n" if close else b"", data)
    )


async def stream(
    port: int, path: str, text: str, count: int, seen: Seen, repeat: int = 1, opened: "trio.Event | None" = None
) -> None:
    """Ask `repeat` times on one connection and note every delta; `count` is how many each answer must have."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as connection:
        for _ in range(repeat):
            began, next_number, tail, first, headed = time.monotonic_ns(), 0, b"", True, False
            await connection.send_all(request(path, text))
            while True:
                data = await connection.receive_some(262144)
                now = time.monotonic_ns()
                if not data:
                    seen.errors.append("closed early")
                    return
                if not headed and not data.startswith(b"HTTP/1.1 200"):
                    seen.errors.append(data[:300].decode("utf-8", "replace"))
                    return
                headed = True
                tail += data
                end = 0
                for found in SENT.finditer(tail):
                    end = found.end()
                    if int(found[2]) != next_number:
                        seen.errors.append(f"delta {int(found[2])} where {next_number} was due")
                        return
                    if first:
                        seen.firsts.append(now - began)
                        first = False
                    next_number += 1
                    seen.events += 1
                    seen.latencies.append(now - int(found[1]))
                over = tail.endswith(b"0\r\n\r\n")
                tail = tail[max(end, len(tail) - 200) :]
                if over:
                    break
            if next_number != count:
                seen.errors.append(f"{next_number} deltas of {count}")


async def many(port: int, path: str, text: str, count: int, clients: int, repeat: int = 1) -> Seen:
    seen = Seen()
    async with trio.open_nursery() as nursery:
        for _ in range(clients):
            nursery.start_soon(stream, port, path, text, count, seen, repeat)
    return seen


async def hang_up(port: int, upstream: int, path: str, text: str, wait: float) -> float:
    """Ask, wait, hang up; milliseconds until the upstream saw it."""
    await fetch(upstream, "/closed")
    connection = await trio.open_tcp_stream("127.0.0.1", port)
    await connection.send_all(request(path, text))
    await trio.sleep(wait)
    at = time.monotonic_ns()
    await connection.aclose()
    for _ in range(300):
        await trio.sleep(0.01)
        if times := json.loads(await fetch(upstream, "/closed")):
            return (times[0] - at) / 1e6
    return float("nan")


async def fetch(port: int, path: str) -> bytes:
    async with await trio.open_tcp_stream("127.0.0.1", port) as connection:
        await connection.send_all(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode())
        data = b""
        while True:
            more = await connection.receive_some(65536)
            data += more
            head, _, body = data.partition(b"\r\n\r\n")
            size = re.search(rb"(?i)content-length: *(\d+)", head)
            if not more or (size and len(body) >= int(size[1])):
                return body


def percentile(values: list[int], share: float) -> float:
    """In microseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] / 1000 if values else float("nan")


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")
