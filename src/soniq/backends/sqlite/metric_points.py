"""Time series in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from typing import Any, Final, Protocol, TypeVar

from pydantic_core import to_json

from soniq.backends.metric_points import (
    MERGED,
    Lengths,
    Merge,
    MetricSync,
    QueueWait,
    StoredChunk,
    SyncAnswer,
    TableSize,
    merged_rows,
)
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.failures import check_text
from soniq.backends.sqlite.times import Clock, ago, seen, stamp
from soniq.errors import SONIQ_SCHEMA_MISSING, SoniqError

T = TypeVar("T")


class Run(Protocol):
    """Runs something on one of the backend's connections."""

    async def __call__(self, work: Callable[[Database], T]) -> T: ...


class SQLiteMetrics:
    """See `MetricStore`.

    Args:
        clock: what time it is.
        read: runs a look.
        write: runs a transaction.
    """

    def __init__(self, clock: Clock, read: Run, write: Run) -> None:
        self._clock = clock
        self._reader = read
        self._writer = write

    async def _read(self, look: Callable[[Database], T]) -> T:
        return await self._reader(lambda db: _with_tables(db, look))

    async def _write(self, change: Callable[[Database], T]) -> T:
        return await self._writer(lambda db: _with_tables(db, change))

    # --- storing -------------------------------------------------------------------------------

    async def sync(self, sync: MetricSync) -> SyncAnswer:
        check_text(*(chunk.key for chunk in sync.chunks))
        return await self._write(lambda db: _sync(db, sync))

    # --- reading -------------------------------------------------------------------------------

    async def read(
        self, *, prefix: str = "", worker_id: str | None = None, resolution: str | None = None
    ) -> list[StoredChunk]:
        asked = {
            "prefix": prefix,
            "worker_id": worker_id,
            "resolution": resolution,
            "now": self._clock().timestamp(),
        }
        rows = await self._read(lambda db: db.json("metric_read", **asked))
        return [StoredChunk(*row) for row in rows]

    async def keys(self, lengths: Lengths) -> list[str]:
        asked = _times(self._clock().timestamp(), lengths)
        found: list[str] = await self._read(lambda db: db.json("metric_keys", **asked))
        return found

    # --- upkeep --------------------------------------------------------------------------------

    async def end_silent(self, seconds: float) -> int:
        def end(database: Database) -> int:
            with database.writing() as now:
                return database.change("metric_end_silent", before=ago(now, seconds))

        return await self._write(end)

    async def merge(self, merge: Merge, limit: int) -> int:
        return await self._write(lambda db: _merge(db, merge, limit))

    async def expire(self, limit: int, lengths: Lengths) -> int:
        def expire(database: Database) -> int:
            with database.writing() as now:
                asked = _times(now.timestamp(), lengths)
                gone = database.change("metric_expire", limit=limit, **asked)
                database.change("metric_forget_sessions", before=ago(now, _DAY))
                return gone

        return await self._write(expire)

    # --- what is measured on the store itself --------------------------------------------------

    async def queue_waits(self) -> list[QueueWait]:
        now = self._clock()
        rows = await self._read(lambda db: db.rows("queue_waits", now=stamp(now)))
        return [
            QueueWait(queue, depth, (now - seen(oldest)).total_seconds())
            for queue, depth, oldest in rows
        ]

    async def table_sizes(self, tables: Collection[str]) -> list[TableSize]:
        asked = to_json(list(tables)).decode()
        return await self._read(lambda db: _table_sizes(db, asked))


_DAY: Final = 86400.0


def _times(now: float, lengths: Lengths) -> dict[str, Any]:
    """The time, and the starts of the buckets that are open then."""
    starts = {name: int(now // seconds) * seconds for name, seconds in lengths.items()}
    return {"now": now, "open": to_json(starts).decode()}


def _with_tables(database: Database, work: Callable[[Database], T]) -> T:
    try:
        return work(database)
    except sqlite3.OperationalError as error:
        if "no such table: soniq_metric" not in str(error):
            raise
        raise SoniqError(
            f"SQLite file {database.path} has no tables for metrics",
            SONIQ_SCHEMA_MISSING,
            {"table": "soniq_metric_chunks", "database": database.path},
            ["Run `soniq setup` with an app that has plugins=[Metrics()]."],
        ) from error


def _sync(database: Database, sync: MetricSync) -> SyncAnswer:
    with database.writing() as now:
        taken = database.change(
            "metric_session",
            id=sync.session,
            worker_id=sync.worker_id,
            number=sync.number,
            closed=sync.closed,
            ended=sync.ends,
            now=stamp(now),
        )
        if taken:
            rows = (
                (sync.session, *chunk[:6], to_json(chunk.points).decode()) for chunk in sync.chunks
            )
            database.change_many("metric_store", rows)
        state = database.rows("metric_session_state", id=sync.session)
        number, is_open = state[0] if state else (0, False)
        return SyncAnswer(number, bool(is_open), now.timestamp())


def _merge(database: Database, merge: Merge, limit: int) -> int:
    with database.writing():
        sources = database.rows("metric_to_merge", limit=limit)
        held = [
            row
            for place in dict.fromkeys(row[1:5] for row in sources)
            for row in database.rows("metric_merged", **_named(place))
        ]
        rows = merged_rows((row[1:] for row in sources), held, merge)
        database.change_many("metric_store", ((MERGED, *row) for row in rows))
        database.change_many("metric_mark_merged", (row[:5] for row in sources))
        database.change("metric_delete_ended")
        return len(sources)


def _named(place: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(("key", "kind", "resolution", "start"), place, strict=True))


def _table_sizes(database: Database, tables: str) -> list[TableSize]:
    if not database.rows("has_table_sizes"):
        return []
    return [TableSize(*row) for row in database.rows("table_sizes", tables=tables)]
