"""The yardstick: a TCP relay in a dozen lines of Trio, doing nothing but moving bytes. ``relay.py UPSTREAM_PORT``."""

import sys

import trio


async def copy(source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope) -> None:
    try:
        while data := await source.receive_some(65536):
            await sink.send_all(data)
    except trio.BrokenResourceError:
        pass
    scope.cancel()


async def connection(client: trio.SocketStream) -> None:
    async with (
        client,
        await trio.open_tcp_stream("127.0.0.1", int(sys.argv[1])) as server,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(copy, client, server, nursery.cancel_scope)
        nursery.start_soon(copy, server, client, nursery.cancel_scope)


async def main() -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=4096)
    print(listeners[0].socket.getsockname()[1], flush=True)
    await trio.serve_listeners(connection, listeners)


if __name__ == "__main__":
    trio.run(main)
