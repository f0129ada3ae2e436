"""A TCP proxy that does to its connections what networks do, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tests.doors import Door, closing

_CHUNK: Final = 64 * 1024
_PATIENCE: Final = 10.0
_RESET: Final = struct.pack("ii", 1, 0)


class _Way:
    """One direction of a connection."""

    def __init__(self, proxy: Proxy, source: asyncio.StreamReader, sink: asyncio.StreamWriter):
        self._proxy = proxy
        self._source = source
        self._sink = sink
        self._due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self.swallows = False

    async def read(self) -> None:
        """Take what comes, each piece with the time at which it is to arrive."""
        clock = asyncio.get_running_loop()
        data = b"..."
        while data:
            data = await self._next()
            if not self.swallows:
                self._due.put_nowait((clock.time() + self._proxy.latency, data))

    async def _next(self) -> bytes:
        try:
            return await self._source.read(_CHUNK)
        except OSError:  # a reset is an end, too
            return b""

    async def write(self) -> None:
        """Hand on what is due; the end of the stream is the end of it."""
        clock = asyncio.get_running_loop()
        while True:
            due, data = await self._due.get()
            await asyncio.sleep(due - clock.time())
            if self.swallows:
                continue
            if not data:
                break
            self._sink.write(data)
            await self._sink.drain()


class _Answers(_Way):
    """The way from the server, on which answers may be lost, and the connection with them."""

    async def _next(self) -> bytes:
        data = await super()._next()
        if data and not self.swallows and self._proxy.loses():
            return b""
        return data


class _Connection:
    """A client, the server, and both ways between them."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.client, self.server = client[1], server[1]
        self.ways = (_Way(proxy, client[0], self.server), _Answers(proxy, server[0], self.client))

    async def carry(self) -> None:
        """Until either side has ended."""
        work = [
            asyncio.create_task(step) for way in self.ways for step in (way.read(), way.write())
        ]
        try:
            # A reader ends before what it read has been handed on; a writer ends after it.
            await asyncio.wait(work[1::2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self.client.close()
            self.server.close()

    def swallow(self) -> None:
        for way in self.ways:
            way.swallows = True


class Proxy:
    """Stands before the server at `url`; a context manager.

    Its methods may be called from any thread. What they do to connections is done when they return.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.latency = 0.0
        """Seconds that each piece is under way, in each direction."""
        self.loss = 0.0
        """Share of the server's answers that never arrive: their connections end instead."""
        self.lost = 0
        """Answers lost so far."""
        self._swallows = False
        self._connections: set[_Connection] = set()
        self._door = Door(self._carry)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """The URL of the server, by way of the proxy."""
        user = f"{self._target.username}@" if self._target.username else ""
        return self._target._replace(netloc=f"{user}127.0.0.1:{self._door.port}").geturl()

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._door.close(), self._loop).result(_PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    # --- faults --------------------------------------------------------------------------------

    def accept(self) -> None:
        """Take new connections."""
        self._call(self._door.open)

    def refuse(self) -> None:
        """Refuse new connections; those that exist go on."""
        self._call(self._door.shut)

    def black_hole(self) -> None:
        """Swallow every byte; connections stay, new ones are taken, and all are mute."""

        def swallow() -> None:
            self._swallows = True
            for connection in self._connections:
                connection.swallow()

        self._call(swallow)

    def heal(self) -> None:
        """Carry new connections again; those that lost bytes stay mute."""
        self._swallows = False

    def reset(self) -> None:
        """Reset every connection on both sides."""
        self._call(lambda: self._cut(client=True, server=True))

    def forget_clients(self) -> None:
        """Reset the clients; the server hears nothing of it, and waits for them."""
        self._call(lambda: self._cut(client=True, server=False))

    def forget_server(self) -> None:
        """Reset the server's side; the clients hear nothing of it, and wait for an answer."""
        self._call(lambda: self._cut(client=False, server=True))

    def bury(self) -> None:
        """Reset the connections that are mute, as their ends would in time."""

        def reset() -> None:
            for connection in self._connections:
                if connection.ways[0].swallows:
                    _reset(connection.client)
                    _reset(connection.server)

        self._call(reset)

    def _cut(self, *, client: bool, server: bool) -> None:
        for connection in self._connections:
            connection.swallow()
            if client:
                _reset(connection.client)
            if server:
                _reset(connection.server)

    # --- on the proxy's own thread -------------------------------------------------------------

    def _call(self, work: Callable[[], object]) -> None:
        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(_PATIENCE)

    def loses(self) -> bool:
        """Count an answer that has come; whether it is to be lost."""
        lost = random.random() < self.loss
        self.lost += lost
        return lost

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await _dialled(self._target.hostname, self._target.port)
        async with closing(server[1]):
            connection = _Connection(self, (reader, writer), server)
            if self._swallows:
                connection.swallow()
            self._connections.add(connection)
            try:
                await connection.carry()
            finally:
                self._connections.discard(connection)


async def _dialled(
    host: str | None, port: int | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection; one that is made while this is cancelled is closed."""
    dialling = asyncio.ensure_future(asyncio.open_connection(host, port))
    try:
        return await asyncio.shield(dialling)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            (await dialling)[1].close()
        raise


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of a farewell."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
