"""Servers on this machine that leave nothing open behind them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]

_TURNS: Final = 10


class Door:
    """Takes connections on 127.0.0.1 and serves each in a task.

    It is used on one loop. asyncio's own server neither serves nor closes what it has taken a
    moment before it is closed itself.

    Args:
        serve: what is done with a connection, which is closed afterwards. That either side has
            ended is no failure.
    """

    def __init__(self, serve: Serve) -> None:
        self.port = 0
        """Chosen when it is first opened."""
        self._serve = serve
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Take new connections, on the port of the last time."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._take, self._listener)

    def shut(self) -> None:
        """Refuse new connections; those that exist go on."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def close(self) -> None:
        """Refuse new connections, and end those that exist."""
        self.shut()
        await _settled()  # what was taken a moment ago begins, so that it can end
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _settled()

    def _take(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            # asyncio does so where it has made the socket itself.
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.get_running_loop().create_task(self._host(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _host(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(sock=client)
            async with closing(writer):
                await self._serve(reader, writer)


@contextlib.asynccontextmanager
async def closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close a connection at the end, once all is handed on; at once after any trouble."""
    try:
        yield
        writer.close()
        await writer.wait_closed()
    finally:
        writer.transport.abort()


async def _settled() -> None:
    """Let the loop do what has been put off to its next turns."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
