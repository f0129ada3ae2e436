"""Where the jobs of a run lie, as the bench counts them: past the queue, in the database itself."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Protocol

import asyncpg

from bench.server import connected


class Store(Protocol):
    """Answers a query that gives one number."""

    async def count(self, query: str) -> int: ...


class PostgresStore:
    """The database at `url`, over one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def count(self, query: str) -> int:
        return int(await self._connection.fetchval(query))


class SQLiteStore:
    """The file at `path`, opened for each look, so that no look holds a snapshot."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def count(self, query: str) -> int:
        with closing(sqlite3.connect(self._path, timeout=10)) as connection:
            return int(connection.execute(query).fetchone()[0])


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the store at a ``postgresql://`` or ``sqlite:///`` URL."""
    if url.startswith("sqlite:///"):
        yield SQLiteStore(url.removeprefix("sqlite:///"))
        return
    async with connected(url) as connection:
        yield PostgresStore(connection)
