"""The bench's own Postgres, and the databases it measures in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.postgres_server import DURABLE_SETTINGS, PostgresServer

# No checkpoint falls into a run: one is made before each.
SETTINGS = {**DURABLE_SETTINGS, "max_wal_size": "8GB", "checkpoint_timeout": "1h"}

Fill = Callable[[str], Awaitable[None]]


class Databases:
    """Makes databases to measure in: each a copy of a template that is filled once."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._templates: set[str] = set()

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._server.log

    def url(self, name: str) -> str:
        return self._server.database_url(name)

    async def template(self, name: str, fill: Fill, *, of: str = "template1") -> str:
        """Make the template `name` as a copy of `of` and fill it, unless it is there already."""
        if name not in self._templates:
            await self._copy(of, name)
            await fill(self.url(name))
            async with connected(self.url(name)) as connection:
                await connection.execute("VACUUM (ANALYZE)")
            self._templates.add(name)
        return name

    @asynccontextmanager
    async def fresh(self, template: str) -> AsyncIterator[str]:
        """The URL of a copy of `template`, after a checkpoint; the copy goes with the block."""
        name = f"run_{template}"
        await self._copy(template, name)
        await self._execute("CHECKPOINT")
        try:
            yield self.url(name)
        finally:
            await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def settings(self) -> dict[str, str]:
        """What the server says of itself, for the report."""
        names = ["server_version", "shared_buffers", *sorted(SETTINGS)]
        async with connected(self._server.url) as connection:
            return {name: await connection.fetchval(f"SHOW {name}") for name in names}

    async def _copy(self, template: str, name: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')

    async def _execute(self, statement: str) -> None:
        async with connected(self._server.url) as connection:
            await connection.execute(statement)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for the block."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def running_server() -> AsyncIterator[Databases]:
    """Start a Postgres with fsync and synchronous_commit on for the block."""
    server = await asyncio.to_thread(PostgresServer, SETTINGS)
    try:
        await asyncio.to_thread(server.start)
        yield Databases(server)
    finally:
        await asyncio.to_thread(server.close)
