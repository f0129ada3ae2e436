"""What can be seen of a store under load, past the queue: in the database itself."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import asyncpg

MOST_RESULTS = 5_000


class Look(NamedTuple):
    """The store at one moment."""

    live: int
    """Jobs queued or processing."""
    ended: int
    """Jobs done, and dead letters, that are still stored."""
    newest_end: str
    """When the last of them ended, as the store spells it."""
    results: list[list[float]]
    """What jobs that ended since the look before have returned, some thousands at most."""
    sizes: dict[str, float]
    """What may grow: bytes, dead tuples, connections."""


class Onlooker(Protocol):
    """Looks at a store."""

    async def look(self, since: str) -> Look: ...


_COUNTS = """
SELECT
    (SELECT count(*) FROM soniq_jobs WHERE status IN ('queued', 'processing')),
    (SELECT count(*) FROM soniq_jobs WHERE status = 'done')
        + (SELECT count(*) FROM soniq_dead_letter_jobs),
    (SELECT {newest} FROM soniq_jobs)
"""
_RESULTS = """
SELECT result FROM soniq_jobs
WHERE finished_at > {since} AND status = 'done' AND result IS NOT NULL LIMIT {most}
"""
_SIZES = """
SELECT
    sum(n_dead_tup)::float,
    sum(pg_table_size(relid))::float,
    sum(pg_indexes_size(relid))::float,
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())::float
FROM pg_stat_user_tables WHERE relname LIKE 'soniq%'
"""


class PostgresOnlooker:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def look(self, since: str) -> Look:
        counts = _COUNTS.format(newest="coalesce(max(finished_at), now())::text")
        live, ended, newest = await self._connection.fetchrow(counts)
        rows = await self._connection.fetch(
            _RESULTS.format(since="$1::text::timestamptz", most=MOST_RESULTS), since
        )
        dead, tables, indexes, connections = await self._connection.fetchrow(_SIZES)
        sizes = {
            "dead tuples": dead,
            "table bytes": tables,
            "index bytes": indexes,
            "connections": connections,
        }
        return Look(live, ended, newest, [json.loads(row[0]) for row in rows], sizes)


class SQLiteOnlooker:
    """Opens the file for each look, so that no look holds a snapshot."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def look(self, since: str) -> Look:
        return await asyncio.to_thread(self._look, since)

    def _look(self, since: str) -> Look:
        with closing(sqlite3.connect(self._path, timeout=30)) as connection:
            counts = _COUNTS.format(newest="coalesce(max(finished_at), '2000')")
            live, ended, newest = connection.execute(counts).fetchone()
            rows = connection.execute(
                _RESULTS.format(since="?", most=MOST_RESULTS), (since,)
            ).fetchall()
        sizes = {"file bytes": float(Path(self._path).stat().st_size)}
        log = Path(f"{self._path}-wal")
        sizes["log bytes"] = float(log.stat().st_size) if log.exists() else 0.0
        return Look(live, ended, newest, [json.loads(row[0]) for row in rows], sizes)


@asynccontextmanager
async def onlooker(url: str) -> AsyncIterator[Onlooker]:
    """Look at the store at a ``postgresql://`` or ``sqlite:///`` URL."""
    if url.startswith("sqlite:///"):
        yield SQLiteOnlooker(url.removeprefix("sqlite:///"))
        return
    connection = await asyncpg.connect(url)
    try:
        yield PostgresOnlooker(connection)
    finally:
        await connection.close()
