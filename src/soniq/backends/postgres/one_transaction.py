"""Jobs in one transaction that is rolled back: what a test stores, nobody else ever sees.

Everything goes through one connection: who asks for a connection gets a handle to it, and each
statement or transaction of a handle is a savepoint. Time stands still in a transaction, so what is
due later stays so, and nothing is notified. The tables are made anew in it, in a schema of their
own, so that jobs of the database are neither counted nor run.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, cast

import asyncpg

from soniq.backends.postgres import migrate
from soniq.backends.postgres.backend import PostgresBackend
from soniq.backends.postgres.connection import Connection, Database, Rows
from soniq.backends.postgres.pool import ConnectionPool
from soniq.backends.postgres.sql import quoted
from soniq.settings import SoniqSettings


class OneTransactionBackend(PostgresBackend):
    """See `PostgresBackend`. It is open until the event loop ends that opened it, or `abandon`.

    Args:
        database_url: as `PostgresBackend` takes it.
    """

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self._shared: Shared | None = None
        self._lifetime: AsyncGenerator[None, None] | None = None

    @property
    def connection(self) -> Any:
        """The asyncpg connection with the transaction, for what a test itself asks or enqueues."""
        return self._opened().connection

    def _opened(self) -> Shared:
        if self._shared is None:
            raise RuntimeError("The transaction begins with the first use of the app")
        return self._shared

    async def open(self, settings: SoniqSettings) -> None:
        if self._shared is not None:
            if self._loop is not asyncio.get_running_loop():
                raise RuntimeError(
                    "The transaction of this test belongs to another event loop. Use the app from"
                    " the test's own loop: not from a thread, nor through app.sync."
                )
            return
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        database = Database(self._url)
        # The session may be a pooler's, and somebody else's after this.
        database.pooled = True
        with database.translated():
            shared = self._shared = Shared(await database.connect())
            self._lifetime = self._until_the_loop_ends()
            await anext(self._lifetime)
            try:
                await self._begin(shared)
            except BaseException:
                self.abandon()
                raise

    async def _begin(self, shared: Shared) -> None:
        """Make the tables in a schema of their own, which a test's own statements find first."""
        schema = quoted(f"soniq_test_{uuid.uuid4().hex}")
        self._database = _Transaction(self._url, shared)
        self._pool = _Handles(shared)
        connection = shared.connection
        await connection.transaction().start()
        path = await connection.fetchval("SELECT current_setting('search_path')")
        await connection.execute(f"CREATE SCHEMA {schema}")
        await connection.execute(
            f"SET LOCAL search_path = {', '.join(filter(None, (schema, path)))}"
        )
        await migrate.build(self._database, connection)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Cut the connection off, and so roll back. From outside its loop, too."""
        shared, self._shared = self._shared, None
        if shared is not None:
            with suppress(RuntimeError):  # its loop is closed
                shared.connection.terminate()

    async def close(self) -> None:
        """Nothing yet: another app may be using it."""

    def sibling(self) -> OneTransactionBackend:
        return self

    async def setup(self) -> list[str]:
        return []


class Shared:
    """A connection, for one handle at a time."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._turn = asyncio.Lock()
        self._left: Any = None

    async def begin(self) -> Any:
        """Wait for its turn, and begin a savepoint."""
        await self._turn.acquire()
        try:
            if self._left is not None:
                left, self._left = self._left, None
                await left.rollback()
            block = self.connection.transaction()
            await block.start()
        except BaseException:
            self._turn.release()
            raise
        return block

    def end(self) -> None:
        """Let others have their turn."""
        self._turn.release()

    def leave(self, block: Any) -> None:
        """The same, with a savepoint that is left for the next to roll back."""
        self._left = block
        self._turn.release()


class Handle:
    """What looks like a connection of its own."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.block: Any = None

    def transaction(self) -> Savepoint:
        return Savepoint(self, self._shared)

    def is_in_transaction(self) -> bool:
        return self.block is not None

    async def fetch(self, query: str, *args: Any) -> Rows:
        if self.block is not None:
            return cast(Rows, await self._shared.connection.fetch(query, *args))
        async with self.transaction():
            return cast(Rows, await self._shared.connection.fetch(query, *args))

    async def fetchval(self, query: str, *args: Any) -> Any:
        return (await self.fetch(query, *args))[0][0]

    async def execute(self, query: str, *args: Any) -> str:
        if self.block is not None:
            return str(await self._shared.connection.execute(query, *args))
        async with self.transaction():
            return str(await self._shared.connection.execute(query, *args))

    def is_closed(self) -> bool:
        return bool(self._shared.connection.is_closed())

    async def close(self, *, timeout: float | None = None) -> None:
        self.terminate()

    def terminate(self) -> None:
        block, self.block = self.block, None
        if block is not None:
            self._shared.leave(block)

    def add_termination_listener(self, callback: Any) -> None:
        """It ends with the test."""


class Savepoint:
    """A transaction of one handle; inside another one of it, a savepoint in that."""

    def __init__(self, handle: Handle, shared: Shared) -> None:
        self._handle = handle
        self._shared = shared
        self._inner: Any = None

    async def start(self) -> None:
        if self._handle.block is None:
            self._handle.block = await self._shared.begin()
        else:
            self._inner = self._shared.connection.transaction()
            await self._inner.start()

    async def commit(self) -> None:
        await self._end("commit")

    async def rollback(self) -> None:
        await self._end("rollback")

    async def _end(self, how: str) -> None:
        if self._inner is not None:
            await getattr(self._inner, how)()
            return
        block = self._handle.block
        if block is not None:
            await getattr(block, how)()
            self._handle.block = None
            self._shared.end()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await (self.commit() if kind is None else self.rollback())


class _Transaction(Database):
    """Where every connection is a handle."""

    def __init__(self, url: str, shared: Shared) -> None:
        super().__init__(url)
        self._shared = shared
        # Nothing is prepared for a session, for it is the same for all.
        self.pooled = True
        self.listens = False

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        return cast("asyncpg.Connection[asyncpg.Record]", Handle(self._shared))


class _Handles(ConnectionPool):
    """Lends handles; the connection is not its own."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        yield cast("asyncpg.Connection[asyncpg.Record]", Handle(self._shared))

    @property
    def has_room(self) -> bool:
        """A handle is kept by nobody: each use of one is a savepoint of its own."""
        return False

    def used_again(self, connection: Connection) -> None:
        """How long it is lent concerns nobody."""

    async def doubt(self, patience: float) -> None:
        """There is no other connection."""

    async def close(self) -> None:
        """There is nothing of its own."""

    def abandon(self) -> None:
        """There is nothing of its own."""
