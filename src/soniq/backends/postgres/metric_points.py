"""Time series in Postgres."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from asyncpg import Record
from pydantic_core import to_json

from soniq.backends.metric_points import (
    MERGED,
    Lengths,
    Merge,
    MetricChunk,
    MetricSync,
    QueueWait,
    StoredChunk,
    SyncAnswer,
    TableSize,
    merged_rows,
)
from soniq.backends.postgres.connection import Borrow, Database, transaction
from soniq.backends.postgres.rows import is_id

_LIMITS: Final = {"lock_timeout": "1s", "statement_timeout": "20s"}
_STATEMENT_BYTES: Final = 2 * 1024 * 1024
_ROW_BYTES: Final = 100
"""What a row takes besides its key and its points."""


class PostgresMetrics:
    """See `MetricStore`.

    Args:
        database: whose tables.
        borrow: a connection of the backend's pool.
    """

    def __init__(self, database: Database, borrow: Borrow) -> None:
        self._database = database
        self._borrow = borrow

    async def _fetch(self, statement: str, *args: Any) -> list[Record]:
        async with self._borrow() as connection:
            return await self._database.fetch(connection, statement, *args)

    # --- storing -------------------------------------------------------------------------------

    async def sync(self, sync: MetricSync) -> SyncAnswer:
        fetch = self._database.fetch
        worker = sync.worker_id if is_id(sync.worker_id or "") else None
        session = (sync.session, worker, sync.number, sync.closed, sync.ends)
        async with self._borrow() as connection, transaction(connection):
            taken = await fetch(connection, "metric_session", *session)
            if not taken:
                state = await fetch(connection, "metric_session_state", sync.session)
                return SyncAnswer(*state[0])
            for part in _parts(sync.chunks):
                await fetch(connection, "metric_store", sync.session, *zip(*part, strict=True))
        return SyncAnswer(*taken[0])

    # --- reading -------------------------------------------------------------------------------

    async def read(
        self, *, prefix: str = "", worker_id: str | None = None, resolution: str | None = None
    ) -> list[StoredChunk]:
        if worker_id is not None and not is_id(worker_id):
            return []
        rows = await self._fetch("metric_read", prefix, resolution, worker_id)
        return [StoredChunk(*row) for row in rows]

    async def keys(self, lengths: Lengths) -> list[str]:
        return [row[0] for row in await self._fetch("metric_keys", _json(lengths))]

    # --- upkeep --------------------------------------------------------------------------------

    async def end_silent(self, seconds: float) -> int:
        return len(await self._fetch("metric_end_silent", seconds))

    async def merge(self, merge: Merge, limit: int) -> int:
        fetch = self._database.fetch
        async with self._borrow() as connection, transaction(connection, **_LIMITS):
            await fetch(connection, "metric_merge_turn")
            sources = await fetch(connection, "metric_to_merge", limit)
            wanted = {(row[2], row[3], row[4], row[5]) for row in sources}
            held = await fetch(connection, "metric_merged", *_columns(sorted(wanted), 4))
            rows = merged_rows([tuple(row)[2:] for row in sources], map(tuple, held), merge)
            for part in _by_size(rows):
                await fetch(connection, "metric_store", MERGED, *zip(*part, strict=True))
            marked = [(*tuple(row)[2:6], str(row[0])) for row in sources]
            await fetch(connection, "metric_mark_merged", *_columns(marked, 5))
            await fetch(connection, "metric_delete_ended")
        return len(sources)

    async def expire(self, limit: int, lengths: Lengths) -> int:
        fetch = self._database.fetch
        async with self._borrow() as connection, transaction(connection, **_LIMITS):
            rows = await fetch(connection, "metric_expire", _json(lengths), limit)
            await fetch(connection, "metric_forget_sessions")
        return len(rows)

    # --- what is measured on the store itself --------------------------------------------------

    async def queue_waits(self) -> list[QueueWait]:
        return [QueueWait(*row) for row in await self._fetch("queue_waits")]

    async def table_sizes(self, tables: Collection[str]) -> list[TableSize]:
        return [TableSize(*row) for row in await self._fetch("table_sizes", list(tables))]


def _json(lengths: Lengths) -> str:
    return to_json(lengths).decode()


def _columns(rows: Sequence[tuple[Any, ...]], number: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(number)]


def _parts(chunks: Sequence[MetricChunk]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a sync as columns are made of, in statements of bounded size."""
    return _by_size([(*chunk[:6], to_json(chunk.points).decode()) for chunk in chunks])


def _by_size(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    part: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        part.append(row)
        size += len(row[0]) + len(row[-1]) + _ROW_BYTES
        if size >= _STATEMENT_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
