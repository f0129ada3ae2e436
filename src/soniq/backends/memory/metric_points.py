"""Time series in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic_core import from_json, to_json

from soniq.backends.memory.store import Store, check_text
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
from soniq.records import JobStatus

_REMEMBERED: Final = timedelta(days=1)


@dataclass(slots=True)
class Session:
    """See `MetricSync`."""

    worker_id: str | None
    synced_at: datetime
    number: int = 0
    closed: int = 0
    ended: bool = False


@dataclass(slots=True)
class Row:
    """See `MetricChunk`."""

    end: int
    keep: int
    points: dict[str, Any] = field(default_factory=dict)
    merged: bool = False


Place = tuple[str, str, str, int]
"""Key, resolution, kind and start: rows are read in this order."""


class MemoryMetrics:
    """See `MetricStore`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, Session] = {}
        self._rows: dict[tuple[Place, str], Row] = {}

    # --- storing -------------------------------------------------------------------------------

    async def sync(self, sync: MetricSync) -> SyncAnswer:
        check_text(*(chunk.key for chunk in sync.chunks))
        with self._store.lock:
            now = self._store.now()
            session = self._session(sync, now)
            if session is None:
                return SyncAnswer(0, False, now.timestamp())
            if not session.ended and sync.number > session.number:
                session.number, session.closed = sync.number, sync.closed
                session.ended, session.synced_at = sync.ends, now
                self._keep(sync)
            return SyncAnswer(session.number, not session.ended, now.timestamp())

    def _session(self, sync: MetricSync, now: datetime) -> Session | None:
        # A later sync of a session that is forgotten would add to what was merged of it.
        if sync.number == 1:
            return self._sessions.setdefault(sync.session, Session(sync.worker_id, now))
        return self._sessions.get(sync.session)

    def _keep(self, sync: MetricSync) -> None:
        for chunk in sync.chunks:
            place = (chunk.key, chunk.resolution, chunk.kind, chunk.start)
            row = self._rows.setdefault((place, sync.session), Row(chunk.end, chunk.keep))
            row.keep = chunk.keep
            # Through JSON: the rows of every store are made of the same.
            row.points.update(from_json(to_json(chunk.points)))

    # --- reading -------------------------------------------------------------------------------

    async def read(
        self, *, prefix: str = "", worker_id: str | None = None, resolution: str | None = None
    ) -> list[StoredChunk]:
        with self._store.lock:
            now, rows = self._store.now().timestamp(), self._rows.items()
            return [
                StoredChunk(key, kind, name, row.keep, to_json(row.points).decode(), start)
                for ((key, name, kind, start), session), row in sorted(rows, key=_place)
                if row.end > now - row.keep
                and (not prefix or key == prefix or key.startswith(f"{prefix}:"))
                and resolution in (None, name)
                and (not row.merged if worker_id is None else self._is_of(session, worker_id))
            ]

    async def keys(self, lengths: Lengths) -> list[str]:
        with self._store.lock:
            now = self._store.now().timestamp()
            return sorted(
                {
                    place[0]
                    for (place, _), row in self._rows.items()
                    if _is_kept(place, row, now, lengths)
                }
            )

    def _is_of(self, session: str, worker_id: str) -> bool:
        found = self._sessions.get(session)
        return found is not None and found.worker_id == worker_id

    # --- upkeep --------------------------------------------------------------------------------

    async def end_silent(self, seconds: float) -> int:
        with self._store.lock:
            before = self._store.now() - timedelta(seconds=seconds)
            silent = [
                each
                for each in self._sessions.values()
                if not each.ended and each.synced_at < before
            ]
            for session in silent:
                session.ended = True
            return len(silent)

    async def merge(self, merge: Merge, limit: int) -> int:
        with self._store.lock:
            sources = sorted(filter(self._is_over, self._rows.items()), key=_place)[:limit]
            places = dict.fromkeys(place for (place, _), _ in sources)
            held = [(place, row) for place in places if (row := self._rows.get((place, MERGED)))]
            rows = merged_rows(
                [_columns(place, row) for (place, _), row in sources],
                [(*_columns(place, row)[:4], row.keep, _text(row)) for place, row in held],
                merge,
            )
            for key, kind, resolution, start, end, keep, points in rows:
                place = (key, resolution, kind, start)
                self._rows[place, MERGED] = Row(end, keep, from_json(points))
            for (place, session), row in sources:
                row.merged = True
                if self._sessions[session].ended:
                    del self._rows[place, session]
            self._sweep()
            return len(sources)

    def _is_over(self, item: tuple[tuple[Place, str], Row]) -> bool:
        (_, session), row = item
        if session == MERGED or row.merged:
            return False
        found = self._sessions[session]
        return found.ended or row.end <= found.closed

    def _sweep(self) -> None:
        """What a session had merged before its end goes with it."""
        for (place, session), row in list(self._rows.items()):
            if row.merged and self._sessions[session].ended:
                del self._rows[place, session]

    async def expire(self, limit: int, lengths: Lengths) -> int:
        with self._store.lock:
            now = self._store.now()
            over = [
                where
                for where, row in self._rows.items()
                if not _is_kept(where[0], row, now.timestamp(), lengths)
            ][:limit]
            for where in over:
                del self._rows[where]
            self._forget_sessions(now - _REMEMBERED)
            return len(over)

    def _forget_sessions(self, before: datetime) -> None:
        used = {session for _, session in self._rows}
        for name, session in list(self._sessions.items()):
            if session.ended and session.synced_at < before and name not in used:
                del self._sessions[name]

    # --- what is measured on the store itself --------------------------------------------------

    async def queue_waits(self) -> list[QueueWait]:
        depths: Counter[str] = Counter()
        oldest: dict[str, datetime] = {}
        with self._store.lock:
            now = self._store.now()
            for row in self._store.jobs.values():
                if row.status is JobStatus.QUEUED and row.scheduled_at <= now:
                    depths[row.queue] += 1
                    oldest[row.queue] = min(oldest.get(row.queue, now), row.scheduled_at)
        return [
            QueueWait(queue, depth, (now - oldest[queue]).total_seconds())
            for queue, depth in sorted(depths.items())
        ]

    async def table_sizes(self, tables: Collection[str]) -> list[TableSize]:
        return []


def _place(item: tuple[tuple[Place, str], Row]) -> tuple[Place, str]:
    return item[0]


def _is_kept(place: Place, row: Row, now: float, lengths: Lengths) -> bool:
    """Whether the row has a point that is kept."""
    _, resolution, _, since = place
    if since > now - row.keep or row.end <= now - row.keep:
        return since > now - row.keep
    seconds = lengths[resolution]
    return any(int(start) > now // seconds * seconds - row.keep for start in row.points)


def _text(row: Row) -> str:
    return to_json(row.points).decode()


def _columns(place: Place, row: Row) -> tuple[Any, ...]:
    key, resolution, kind, start = place
    return key, kind, resolution, start, row.end, row.keep, _text(row)
