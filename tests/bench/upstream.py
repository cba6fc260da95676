"""The benchmark's upstream: as little code as possible between a socket and Responses events.

The request's text says what to send: ``flood N``, ``paced RATE COUNT``, ``short``, ``silent`` (a head and nothing more) or
``mute`` (nothing at all). Each delta reads ``T<monotonic ns>#<number> ``, padded to 30 bytes. ``GET /closed`` answers with
the monotonic times (ns) at which clients hung up inside an answer, and forgets them.
"""

import json
import re
import sys
import time

import trio

CLOSED: list[int] = []
WANTED = re.compile(rb"(flood \d+|paced \d+ \d+|short|silent|mute)")
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"openai-model: gpt-5.5\r\nx-request-id: bench\r\n\r\n"
)


def chunk(kind: str, **fields: object) -> bytes:
    data = b"event: %b\ndata: %b\n\n" % (
        kind.encode(),
        json.dumps({"type": kind, **fields}, separators=(",", ":")).encode(),
    )
    return b"%x\r\n%b\r\n" % (len(data), data)


RESPONSE = {"id": "resp_bench", "object": "response", "model": "gpt-5.5", "status": "in_progress", "output": []}
ITEM = {"id": "msg_bench", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
PART = {"type": "output_text", "text": "", "annotations": []}
OPENING = (
    chunk("response.created", response=RESPONSE, sequence_number=0)
    + chunk("response.in_progress", response=RESPONSE, sequence_number=1)
    + chunk("response.output_item.added", output_index=0, item=ITEM, sequence_number=2)
    + chunk(
        "response.content_part.added",
        item_id="msg_bench",
        output_index=0,
        content_index=0,
        part=PART,
        sequence_number=3,
    )
)
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 110,
}
CLOSING = (
    chunk("response.output_text.done", item_id="msg_bench", output_index=0, content_index=0, text="", sequence_number=9)
    + chunk("response.output_item.done", output_index=0, item={**ITEM, "status": "completed", "content": [PART]})
    + chunk("response.completed", response={**RESPONSE, "status": "completed", "usage": USAGE})
    + b"0\r\n\r\n"
)


def delta(number: int) -> bytes:
    text = f"T{time.monotonic_ns()}#{number} ".ljust(30, ".")
    data = (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_bench",'
        b'"output_index":0,"content_index":0,"delta":"%b","sequence_number":%d}\n\n' % (text.encode(), number)
    )
    return b"%x\r\n%b\r\n" % (len(data), data)


async def answer(stream: trio.SocketStream, wanted: list[bytes]) -> None:
    if wanted[0] == b"mute":
        await trio.sleep_forever()
    if wanted[0] == b"silent":
        await stream.send_all(HEAD + chunk("response.created", response=RESPONSE, sequence_number=0))
        await trio.sleep_forever()
    await stream.send_all(HEAD + OPENING)
    if wanted[0] == b"short":
        await stream.send_all(delta(0))
    elif wanted[0] == b"flood":
        left, number = int(wanted[1]), 0
        while left:
            some = min(left, 100)
            await stream.send_all(b"".join(delta(number + i) for i in range(some)))
            left, number = left - some, number + some
    else:
        rate, count = int(wanted[1]), int(wanted[2])
        start = trio.current_time() + (hash(id(stream)) % 97) / 97 / rate  # streams do not beat in time
        for number in range(count):
            await trio.sleep_until(start + number / rate)
            await stream.send_all(delta(number))
    await stream.send_all(CLOSING)


async def connection(stream: trio.SocketStream) -> None:
    held = b""
    async with stream:
        while True:
            while b"\r\n\r\n" not in held:
                if not (data := await stream.receive_some(65536)):
                    return
                held += data
            head, _, held = held.partition(b"\r\n\r\n")
            if head.startswith(b"GET /closed"):
                body = json.dumps(CLOSED).encode()
                CLOSED.clear()
                await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
                continue
            if not head.startswith(b"POST"):
                await stream.send_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                continue
            size = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
            while len(held) < size:
                held += await stream.receive_some(65536)
            found = WANTED.findall(held[:size])
            held = held[size:]
            gone = True
            try:
                async with trio.open_nursery() as nursery:

                    async def watch(scope: trio.CancelScope = nursery.cancel_scope) -> None:
                        nonlocal held
                        try:
                            while data := await stream.receive_some(65536):
                                held += data
                        except trio.BrokenResourceError:
                            pass
                        CLOSED.append(time.monotonic_ns())
                        scope.cancel()

                    nursery.start_soon(watch)
                    await answer(stream, found[-1].split())
                    gone = False
                    nursery.cancel_scope.cancel()
            except* trio.BrokenResourceError:
                pass
            if gone:
                return


async def main() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=4096)
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(connection, listeners)


if __name__ == "__main__":
    sys.exit(trio.run(main))
