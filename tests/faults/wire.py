"""A Postgres server as it is seen through a connection that breaks at a statement of choice.

It stands between client and server and understands as much of the protocol as tells where a
statement ends: messages are a letter, a length and the rest; a client waits for an answer after
Query or Sync, and the answer ends with ReadyForQuery.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from tests.doors import Door
from tests.faults.fuse import Fuse, Moment

_ASKS: Final = (b"Q", b"S")
_ANSWERED: Final = b"Z"
_LENGTH: Final = 4


class _Cut(Exception):
    """This connection is to break now."""


class Wire:
    """Serves one address and passes everything on to another.

    Args:
        url: the server's, with its database.
        fuse: asked at each statement, whichever connection it comes over.
    """

    def __init__(self, url: str, fuse: Fuse) -> None:
        self._target = urlsplit(url)
        self._fuse = fuse
        self._door = Door(self._serve)

    @property
    def url(self) -> str:
        """Where to connect instead of at the server."""
        netloc = f"{self._target.username}@127.0.0.1:{self._door.port}"
        return urlunsplit(self._target._replace(netloc=netloc, query="sslmode=disable"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._target.hostname, self._target.port
        server_reader, server_writer = await asyncio.open_connection(host, port)
        line = _Line(self._fuse, writer, server_writer)
        try:
            # Whichever side ends first ends the other.
            async with asyncio.TaskGroup() as group:
                group.create_task(line.questions(reader))
                group.create_task(line.answers(server_reader))
        except* (_Cut, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in (writer, server_writer):
                end.transport.abort()

    def open(self) -> None:
        self._door.open()

    async def close(self) -> None:
        await self._door.close()


class _Line:
    """One connection through the wire."""

    def __init__(
        self, fuse: Fuse, client: asyncio.StreamWriter, server: asyncio.StreamWriter
    ) -> None:
        self._fuse = fuse
        self._client = client
        self._server = server
        self._swallows = False

    async def questions(self, reader: asyncio.StreamReader) -> None:
        self._server.write(await _untyped(reader))
        asked = b""
        while True:
            kind, message = await _message(reader)
            asked += message
            if kind in _ASKS:
                self._cut_before_or_after()
                self._server.write(asked)
                asked = b""
            elif kind not in (b"P", b"B", b"D", b"E", b"C", b"d"):
                self._server.write(asked)
                asked = b""

    def _cut_before_or_after(self) -> None:
        if self._fuse.burns():
            if self._fuse.moment is Moment.BEFORE:
                raise _Cut
            self._swallows = True

    async def answers(self, reader: asyncio.StreamReader) -> None:
        while True:
            kind, message = await _message(reader)
            if not self._swallows:
                self._client.write(message)
            elif kind == _ANSWERED:
                raise _Cut


async def _untyped(reader: asyncio.StreamReader) -> bytes:
    """The first message of a client, which has no letter."""
    length = await reader.readexactly(_LENGTH)
    return length + await reader.readexactly(int.from_bytes(length) - _LENGTH)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind = await reader.readexactly(1)
    return kind, kind + await _untyped(reader)


@asynccontextmanager
async def wire_to(url: str, fuse: Fuse) -> AsyncIterator[str]:
    """The URL of a wire to the server at `url`, while inside."""
    wire = Wire(url, fuse)
    wire.open()
    try:
        yield wire.url
    finally:
        with suppress(OSError):
            await wire.close()
