"""A transaction pooler as unkind as one can be: each transaction runs in another server session.

It knows just enough of the protocol to do to a client what real poolers do: it makes up the
process id, refuses startup parameters it does not know, keeps nothing of a session between
transactions, and drops notifications.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tests.doors import Door

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PROTOCOL: Final = 196608
_SSL_REQUEST: Final = 80877103
_KNOWN_PARAMETERS: Final = {"user", "database", "client_encoding"}
_MADE_UP_PID: Final = 424242
_SESSIONS: Final = 3


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The kind of the next message, and all of it."""
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], head + await reader.readexactly(length - 4)


def _framed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


class TransactionPooler:
    """Stands before one database.

    Args:
        url: the database, on a server that trusts its clients.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._idle: deque[Streams] = deque()
        self._free = asyncio.Semaphore(_SESSIONS)
        self._greeting = b""
        self._door = Door(self._host)

    @property
    def url(self) -> str:
        return self._target._replace(netloc=f"postgres@127.0.0.1:{self._door.port}").geturl()

    async def __aenter__(self) -> Self:
        self._idle.extend([await self._connect() for _ in range(_SESSIONS)])
        self._door.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._door.close()
        for _, writer in self._idle:
            writer.close()

    async def _connect(self) -> Streams:
        reader, writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        database = self._target.path.lstrip("/")
        parameters = f"user\0postgres\0database\0{database}\0client_encoding\0UTF8\0\0".encode()
        writer.write(struct.pack("!ii", len(parameters) + 8, _PROTOCOL) + parameters)
        greeting = b""
        while True:
            kind, message = await _message(reader)
            if kind == b"S":
                greeting += message
            if kind == b"Z":
                self._greeting = greeting
                return reader, writer

    async def _host(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await self._greet(reader, writer):
            while await self._serve(reader, writer):
                pass

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        while True:
            length, code = struct.unpack("!ii", await reader.readexactly(8))
            body = await reader.readexactly(length - 8)
            if code != _SSL_REQUEST:
                break
            writer.write(b"N")
        names = set(body.decode().split("\0")[:-2:2])
        if code != _PROTOCOL or not names <= _KNOWN_PARAMETERS:
            return False
        key = _framed(b"K", struct.pack("!ii", _MADE_UP_PID, 1))
        accepted = _framed(b"R", struct.pack("!i", 0))
        writer.write(accepted + self._greeting + key + _framed(b"Z", b"I"))
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One transaction, in the session that has rested longest; whether there may be more."""
        kind, message = await _message(reader)
        if kind == b"X":
            return False
        async with self._free:
            session = self._idle.popleft()
            states: asyncio.Queue[bytes] = asyncio.Queue()
            answers = asyncio.create_task(self._answer(session[0], writer, states))
            state = b""
            try:
                while state != b"I":
                    session[1].write(message)
                    state = await states.get() if kind in (b"Q", b"S") else b""
                    if state != b"I":
                        kind, message = await _message(reader)
            finally:
                if state != b"I":
                    answers.cancel()
                    session[1].close()
                    session = await self._connect()
                await asyncio.gather(answers, return_exceptions=True)
                self._idle.append(session)
        return True

    async def _answer(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        states: asyncio.Queue[bytes],
    ) -> None:
        """Pass on what the server says until the transaction has ended."""
        state = b""
        while state != b"I":
            kind, message = await _message(reader)
            if kind != b"A":
                writer.write(message)
            if kind == b"Z":
                state = message[5:]
                states.put_nowait(state)
