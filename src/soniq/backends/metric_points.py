"""What a store must do with time series. These docstrings are the specification of every backend.

The rules of `soniq.backends.base` hold here too. A store keeps rows and knows nothing of what their
points mean: a row holds the points of a chunk of time of one series, as one session has recorded
them. A session is what one worker (or another process) records under one id; only it writes its
rows, until it has ended and `merge` makes its rows part of those that belong to nobody.

Times of points are whole seconds since the epoch. The tables are the plugin's: where they are
missing, everything here raises SONIQ_SCHEMA_MISSING.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

MERGED: Final = "00000000-0000-0000-0000-000000000000"
"""The session to which the rows of ended ones belong."""


class MetricChunk(NamedTuple):
    """Points of one series in one chunk of time."""

    key: str
    kind: str
    resolution: str
    start: int
    end: int
    keep: int
    """Seconds for which each point is kept."""
    points: dict[int, Any]
    """What is JSON, by the start of its bucket."""


class MetricSync(NamedTuple):
    """What a session has to store."""

    session: str
    worker_id: str | None
    """Of the worker that records; None for a process without one."""
    number: int
    """One higher at each sync of the session, from 1; the same when one is repeated."""
    closed: int
    """No later sync of this session has points that end at or before this time."""
    ends: bool
    """The session has nothing more to store."""
    chunks: Sequence[MetricChunk]


class SyncAnswer(NamedTuple):
    """What became of a sync."""

    number: int
    """Of the last sync of this session that is stored; 0 for none, or none that is known."""
    open: bool
    """Whether the session takes more."""
    now: float
    """The store's time, in seconds since the epoch."""


class StoredChunk(NamedTuple):
    """A row as it is read."""

    key: str
    kind: str
    resolution: str
    keep: int
    points: str
    """A JSON object: what is stored, by the start of its bucket."""
    since: int = 0
    """No point is older."""


class QueueWait(NamedTuple):
    """The due queued jobs of a queue; the oldest has been due for `oldest_age` seconds."""

    queue: str
    depth: int
    oldest_age: float


class TableSize(NamedTuple):
    """What a table takes, in bytes; the total is that of the table and its indexes."""

    table: str
    total: int
    data: int
    indexes: int


Lengths = Mapping[str, int]
"""How many seconds a bucket of each resolution takes.

A point is kept while less than the row's `keep` lies between its bucket's start and that of the
bucket which is open now.
"""

Merge = Callable[[str, Sequence[str]], str]
"""Given a kind and the points of rows (JSON objects), the points of all of them as one object."""


SourceRow = tuple[str, str, str, int, int, int, str]
"""Key, kind, resolution, start, end, keep and points of a row, in this order."""
HeldRow = tuple[str, str, str, int, int, str]
"""Key, kind, resolution, start, keep and points of a row of `MERGED`."""


def merged_rows(
    sources: Iterable[tuple[Any, ...]], held: Iterable[tuple[Any, ...]], merge: Merge
) -> list[SourceRow]:
    """The rows of `MERGED` once `sources` (each a `SourceRow`) are part of `held` (`HeldRow`)."""
    parts: dict[tuple[str, str, str, int], list[str]] = {}
    keeps: dict[tuple[str, str, str, int], int] = {}
    ends: dict[tuple[str, str, str, int], int] = {}
    for key, kind, resolution, start, keep, points in held:
        place = (key, kind, resolution, start)
        parts[place], keeps[place] = [points], keep
    for key, kind, resolution, start, end, keep, points in sources:
        place = (key, kind, resolution, start)
        parts.setdefault(place, []).append(points)
        keeps[place] = max(keep, keeps.get(place, 0))
        ends[place] = end
    return [
        (*place, ends[place], keeps[place], merge(place[1], points))
        for place, points in parts.items()
    ]


class MetricStore(Protocol):
    """The time series of a store."""

    async def sync(self, sync: MetricSync) -> SyncAnswer:
        """Store the points, in one transaction, unless this sync is stored already.

        A point replaces the one that its session has stored for the same bucket; the row's other
        points stay. Nothing is stored for a session that has ended: then the answer tells the
        number of the last sync that it stored before. A session begins with sync number 1; one that
        is not known and comes with a later number has ended, and is forgotten.
        """
        ...

    async def read(
        self,
        *,
        prefix: str = "",
        worker_id: str | None = None,
        resolution: str | None = None,
    ) -> list[StoredChunk]:
        """Rows that may have points which are kept, those of one series after each other.

        Only rows whose chunks are past their time are left out: no points are looked at.

        Without `worker_id` each point stands in exactly one row of those returned, whoever recorded
        it; with it, those of the sessions of that worker that have not been merged.

        Args:
            prefix: parts of a key, as `matches_prefix` takes them, without a colon at the end.
            worker_id: only what this worker has recorded.
            resolution: only these.
        """
        ...

    async def keys(self, lengths: Lengths) -> list[str]:
        """The keys of the series of which points are kept, in order."""
        ...

    async def end_silent(self, seconds: float) -> int:
        """End the sessions that have not synced for so long; how many."""
        ...

    async def merge(self, merge: Merge, limit: int) -> int:
        """Make rows of sessions that have ended, and closed rows of others, part of `MERGED`.

        At most `limit` rows, in one transaction that no other `merge` overlaps. The rows of ended
        sessions go; closed ones of others stay for reads with their `worker_id`. How many rows.
        """
        ...

    async def expire(self, limit: int, lengths: Lengths) -> int:
        """Delete at most `limit` rows without a point that is kept, and sessions ended for a day.

        Returns:
            How many rows of points went.
        """
        ...

    async def queue_waits(self) -> list[QueueWait]:
        """The queues that have due jobs, by name."""
        ...

    async def table_sizes(self, tables: Collection[str]) -> list[TableSize]:
        """The sizes of Soniq's tables, and of `tables`, by name; none where a store cannot tell."""
        ...
