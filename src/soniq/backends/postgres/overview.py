"""What Postgres tells those who look.

What cannot be counted by a small index is counted while it is little, and else judged by a sample
of the table's pages: an index for every question would be paid for by each claim and each finish.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeVar

from soniq.backends.base import Unstorable
from soniq.backends.overview import (
    ENDED,
    EXACT,
    Arrivals,
    Condition,
    Counts,
    Endings,
    Found,
    Holding,
    NameCounts,
    Place,
    QueueCounts,
    QueuePace,
    Span,
    WaitingName,
    within,
)
from soniq.backends.postgres.audit import PostgresAudit
from soniq.backends.postgres.connection import Borrow, Connection, Database, Rows, transaction
from soniq.backends.postgres.rows import is_id, job_dict
from soniq.records import JobDict, JobStatus

Key = TypeVar("Key")

_WAITING: Final = 200_000
"""Queued jobs that are counted one by one."""
_SAMPLED: Final = 500
"""Pages of a sample."""
_LATELY: Final = 5_000
"""Ended jobs that a pace is judged by."""
_NAMED: Final = 100_000
"""Queued jobs whose names are read."""
_SPANNED: Final = 20_000
"""Ended jobs of a time that are read one by one."""
_GLANCE: Final = 2_000
"""The newest jobs, among which what is looked for mostly is."""
_HELD: Final = 10_000
_SUSPECTS: Final = 1_000
_LANES: Final = 10_000
"""Queues and priorities that are looked at for the oldest due job."""
_JOBS: Final = "jobs"
_LETTERS: Final = "dead_letters"
# The partial indexes are small where the table is not, whatever the statistics say.
_BY_INDEX: Final = {"enable_seqscan": "off"}
_IN_ORDER: Final = _BY_INDEX | {"enable_bitmapscan": "off"}


class PostgresOverview(PostgresAudit):
    """See `Overview`.

    Args:
        database: whose tables.
        borrow: a connection of the backend's pool.
    """

    def __init__(self, database: Database, borrow: Borrow) -> None:
        super().__init__(database, borrow)

    async def pulse(self) -> str:
        return str((await self._fetch("pulse"))[0][0])

    # --- counting ------------------------------------------------------------------------------

    async def counts(self) -> Counts:
        async with self._looking() as look:
            async with look.indexed():
                waiting = await look.fetch("count_waiting", _WAITING + 1)
                jobs_many, letters_many = await look.many()
            queued = sum(row["jobs"] for row in waiting if row["status"] == JobStatus.QUEUED)
            sampled = jobs_many or queued > _WAITING
            rows = await look.sampled("sample_counts", _JOBS) if sampled else []
            if not jobs_many:
                ended = await look.by_index("count_ended")
            else:
                ended = [row for row in rows if row["status"] != JobStatus.QUEUED]
            if queued > _WAITING:
                lanes = await look.by_index("discover", "", 0, _LANES)
                waiting = [*_not_queued(waiting), *_queued(rows), *_oldest(waiting, lanes)]
            letters = await look.letters("count_letters", "sample_letters", many=letters_many)
        queues = _together(waiting, ended, letters)
        return Counts(queues, estimated=sampled or letters_many)

    async def paces(self) -> list[QueuePace]:
        return [QueuePace(**dict(row)) for row in await self._fetch("paces", _LATELY)]

    async def endings(self, *, since: float, step: float) -> Endings:
        async with self._looking() as look:
            if (await look.by_index("has_ended_since", since, _SPANNED))[0][0]:
                share = await look.share(_JOBS)
                rows = await look.fetch("sample_endings", since, step, share)
            else:
                share = 100.0
                rows = await look.by_index("endings", since, step)
            letters = await look.fetch("letter_endings", since, step)
            told = (await look.by_index("first_end"))[0]
        spans = {row["at"]: _span(row, share) for row in rows}
        for row in letters:
            span = spans.get(row["at"], Span(row["at"]))
            spans[row["at"]] = replace(
                span, dead_letter=row["dead_letter"], failed=span.failed + (row["failed"] or 0)
            )
        return Endings([spans[at] for at in sorted(spans)], told["now"], told["oldest"])

    async def arrivals(self, *, hours: int) -> list[Arrivals]:
        async with self._looking() as look:
            many = await look.is_large()
            if many:
                share = await look.share(_JOBS)
                rows = await look.fetch("sample_arrivals", hours, share)
            else:
                share = 100.0
                rows = await look.fetch("arrivals", hours)
            letters = await look.fetch("letter_arrivals", hours)
        given_up = {row["hour"]: row["dead_letter"] for row in letters}
        stored = {row["hour"]: row for row in rows}
        return [
            _arrivals(hour, stored.get(hour), given_up.get(hour, 0), share)
            for hour in sorted(stored.keys() | given_up)
        ]

    async def names(self) -> list[NameCounts]:
        async with self._looking() as look:
            many = await look.is_large()
            if many:
                share = await look.share(_JOBS)
                rows = await look.fetch("sample_names", share)
            else:
                share = 100.0
                rows = await look.fetch("names")
            letters = {row["job_name"]: row for row in await look.fetch("letter_names")}
        stored = {row["job_name"]: row for row in rows}
        return [
            _name(name, stored.get(name), letters.get(name), share, estimated=many)
            for name in sorted(stored.keys() | letters)
        ]

    async def waiting_names(self, *, since: float) -> list[WaitingName]:
        async with self._looking() as look:
            rows = await look.by_index("waiting_names", _NAMED, since)
        return [WaitingName(*row) for row in rows]

    # --- jobs ----------------------------------------------------------------------------------

    async def find(
        self, condition: Condition, *, below: Place | None, most: int, rows: int
    ) -> Found:
        if below is not None and not is_id(below.id):
            return Found([], 0, 0, None)
        try:
            return await self._find(condition, below, most, rows)
        except Unstorable:
            # What the database cannot hold, no job has.
            return Found([], 0, 0, None)

    async def _find(self, condition: Condition, below: Place | None, most: int, rows: int) -> Found:
        pattern = None if condition.text is None else within(condition.text)
        wanted = (condition.queue, condition.status, condition.job_name, pattern)
        if condition.status in ENDED:
            return await self._walk_ended(below, rows, most, wanted)
        shortcut = _SHORTCUTS.get(condition.status or "")
        if not shortcut or condition.job_name is not None or pattern is not None:
            return await self._walk(below, rows, most, wanted)
        glance = await self._walk(below, min(rows, _GLANCE), most, wanted)
        if len(glance.ids) == most or glance.rest_from is None:
            return glance
        known = await self._all_known(shortcut, below, most, condition.queue)
        return known or await self._walk(below, rows, most, wanted)

    async def _walk(
        self, below: Place | None, rows: int, most: int, wanted: tuple[Any, ...]
    ) -> Found:
        """Look at row after row, by primary key."""
        start = below and below.id
        found = (await self._fetch("find_jobs", start, rows, most, *wanted))[0]
        rest = Place(found["last"]) if found["looked_at"] == rows else None
        return Found(_places(found), found["looked_at"], found["matching"], rest)

    async def _walk_ended(
        self, below: Place | None, rows: int, most: int, wanted: tuple[Any, ...]
    ) -> Found:
        """Look at one ended row after the other, by the index that pruning needs."""
        start, ended = below or (None, None)
        asked = (start, rows, most, *wanted, ended)
        async with self._looking() as look, look.indexed(_IN_ORDER):
            found = (await look.fetch("find_ended", *asked))[0]
        places = list(map(Place, found["ids"], found["ends"]))
        rest = Place(found["last"], found["last_end"]) if found["looked_at"] == rows else None
        return Found(places, found["looked_at"], found["matching"], rest)

    async def _all_known(
        self, shortcut: str, below: Place | None, most: int, queue: str | None
    ) -> Found | None:
        """All that match, by an index that holds nothing else; None where they are too many."""
        async with self._looking() as look:
            found = (await look.by_index(shortcut, below and below.id, _WAITING, most, queue))[0]
        if found["looked_at"] >= _WAITING:
            return None
        places, matching = _places(found), found["matching"]
        return Found(places, matching, matching, places[-1] if len(places) < matching else None)

    async def show(self, ids: Sequence[str]) -> list[JobDict]:
        rows = await self._fetch("jobs_by_id", [each for each in ids if is_id(each)])
        found = {row["id"]: job_dict(row) for row in rows}
        return [found[each] for each in ids if each in found]

    # --- workers -------------------------------------------------------------------------------

    async def holdings(self) -> Mapping[str, Holding]:
        rows = await self._fetch("holdings", _HELD)
        return {row["id"]: Holding(row["running"], row["memory_bytes"]) for row in rows}

    async def suspects(self) -> int:
        return int((await self._fetch("count_suspects", _SUSPECTS))[0][0])

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[_Look]:
        async with self._borrow() as connection:
            yield _Look(self._database, connection)


class _Look:
    """Some statements on one connection, and whether the tables are large."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection

    async def fetch(self, statement: str, *args: Any) -> Rows:
        return await self._database.fetch(self._connection, statement, *args)

    def indexed(self, settings: Mapping[str, str] = _BY_INDEX) -> AbstractAsyncContextManager[None]:
        """A block whose statements go by their indexes."""
        return transaction(self._connection, **settings)

    async def by_index(self, statement: str, *args: Any) -> Rows:
        async with self.indexed():
            return await self.fetch(statement, *args)

    async def many(self) -> tuple[bool, bool]:
        """Whether there are more ended jobs, and more dead letters, than are counted."""
        row = (await self.fetch("has_ended", EXACT))[0]
        return row["jobs"], row["dead_letters"]

    async def is_large(self) -> bool:
        """Whether there are more jobs, ended or not, than are read through."""
        async with self.indexed():
            jobs, _ = await self.many()
            return jobs or bool((await self.fetch("has_queued", _WAITING))[0][0])

    async def share(self, table: str) -> float:
        """Percent of the table that make a sample."""
        return float((await self.fetch("sample_shares", _SAMPLED))[0][table])

    async def sampled(self, statement: str, table: str) -> Rows:
        return await self.fetch(statement, await self.share(table))

    async def letters(self, statement: str, sample: str, *, many: bool) -> Rows:
        return await (self.sampled(sample, _LETTERS) if many else self.fetch(statement))


_SHORTCUTS: Final = {
    JobStatus.QUEUED.value: "find_queued",
    JobStatus.PROCESSING.value: "find_processing",
}


def _places(found: Any) -> list[Place]:
    return [Place(each) for each in found["ids"]]


def _queued(rows: Rows) -> Rows:
    return [row for row in rows if row["status"] == JobStatus.QUEUED]


def _not_queued(rows: Rows) -> Rows:
    return [row for row in rows if row["status"] != JobStatus.QUEUED]


def _oldest(counted: Rows, lanes: Rows) -> list[Any]:
    """Only how long the oldest job has been due, which no sample tells."""
    found = [(row["queue"], row["oldest_for"]) for row in _queued(counted)]
    found += [(lane["queue"], -lane["wait"]) for lane in lanes if lane["queue"] is not None]
    return [
        {"queue": queue, "status": JobStatus.QUEUED, "jobs": 0, "oldest_for": due_for}
        for queue, due_for in found
        if due_for is not None and due_for >= 0
    ]


def _together(waiting: Rows, ended: Rows, letters: Rows) -> list[QueueCounts]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in (*waiting, *ended):
        counts = found[row["queue"]]
        counts[row["status"]] = counts.get(row["status"], 0) + row["jobs"]
        oldest = row.get("oldest_for")
        if oldest is not None:
            counts["oldest_for"] = max(oldest, counts.get("oldest_for", 0.0))
    for row in letters:
        found[row["queue"]][JobStatus.DEAD_LETTER.value] = row["jobs"]
    return [QueueCounts(queue, **found[queue]) for queue in sorted(found)]


def _whole(number: int | None, share: float) -> int:
    """What a number of a sample comes to in all."""
    return round((number or 0) * 100 / share)


def _span(row: Any, share: float) -> Span:
    counted = {name: _whole(row[name], share) for name in ("done", "cancelled", "failed")}
    return Span(**dict(row) | counted)


def _arrivals(hour: datetime, row: Any, given_up: int, share: float) -> Arrivals:
    total, done = (_whole(row[name], share) if row else 0 for name in ("total", "done"))
    return Arrivals(hour, total + given_up, done, given_up)


def _name(name: str, row: Any, letter: Any, share: float, *, estimated: bool) -> NameCounts:
    given_up = letter["dead_letter"] if letter else 0
    runs = [each["last_run"] for each in (row, letter) if each and each["last_run"]]
    total, queued, done = (
        _whole(row[each], share) if row else 0 for each in ("total", "queued", "done")
    )
    return NameCounts(
        job_name=name,
        total=total + given_up,
        queued=queued,
        done=done,
        dead_letter=given_up,
        run_avg_ms=row["run_avg_ms"] if row else None,
        last_run=max(runs, default=None),
        estimated=estimated,
    )
