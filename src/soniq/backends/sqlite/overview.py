"""What a SQLite file tells those who look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic_core import from_json

from soniq.backends.base import Unstorable
from soniq.backends.overview import (
    ENDED,
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
from soniq.backends.sqlite.audit import SQLiteAudit
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.failures import check_text
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.rows import canonical_id, job_dict
from soniq.backends.sqlite.times import ago, seen, stamp
from soniq.backends.tempo import Ended, GivenUp, paces_of, spans_of
from soniq.records import JobDict, JobStatus

_STATUSES: Final = frozenset(status.value for status in JobStatus)
_LATELY: Final = 5_000
"""Ended jobs that a pace is judged by."""
_TIMED: Final = 20_000
"""Ended jobs whose times are read one by one."""
_HELD: Final = 10_000
_SUSPECTS: Final = 1_000
_HOUR: Final = 3600.0


class SQLiteOverview(SQLiteAudit):
    """See `Overview`. A file has one machine's jobs: they are counted, not estimated."""

    async def pulse(self) -> str:
        return await self._read(lambda db: str(db.value("pulse")))

    # --- counting ------------------------------------------------------------------------------

    async def counts(self) -> Counts:
        return await self._read(_counts)

    async def paces(self) -> list[QueuePace]:
        return paces_of(await self._read(lambda db: _lately(db, _HOUR, _LATELY)), _LATELY)

    async def endings(self, *, since: float, step: float) -> Endings:
        return await self._read(lambda db: _endings(db, since, step))

    async def arrivals(self, *, hours: int) -> list[Arrivals]:
        return await self._read(lambda db: _arrivals(db, hours))

    async def names(self) -> list[NameCounts]:
        rows = await self._read(lambda db: db.rows("names"))
        return [_name(row) for row in rows]

    async def waiting_names(self, *, since: float) -> list[WaitingName]:
        rows = await self._read(lambda db: db.rows("waiting_names", since=ago(db.clock(), since)))
        return [WaitingName(name, queued, dead, seen(last)) for name, queued, dead, last in rows]

    # --- jobs ----------------------------------------------------------------------------------

    async def find(
        self, condition: Condition, *, below: Place | None, most: int, rows: int
    ) -> Found:
        start, ended_at = below or (None, None)
        asked: dict[str, Any] = condition._asdict() | {
            "text": None if condition.text is None else within(condition.text),
            "below": start,
            "most": most,
            "rows": rows,
        }
        statement = "find_jobs"
        if condition.status in ENDED:
            statement = "find_ended"
            asked["ended_at"] = None if ended_at is None else stamp(ended_at)
        try:
            check_text(condition.queue, condition.job_name, condition.text, start)
        except Unstorable:
            # What the file cannot hold, no job has.
            return Found([], 0, 0, None)
        row = (await self._read(lambda db: db.rows(statement, **asked)))[0]
        places, looked_at, matching, last = row
        rest = _place(*from_json(last)) if looked_at == rows else None
        return Found([_place(*each) for each in from_json(places)], looked_at, matching, rest)

    async def show(self, ids: Sequence[str]) -> list[JobDict]:
        wanted = text_of(filter(None, map(canonical_id, ids)))
        rows = await self._read(lambda db: db.rows("jobs_by_id", ids=wanted))
        found = {row[0]: job_dict(row) for row in rows}
        return [found[each] for each in ids if each in found]

    # --- workers -------------------------------------------------------------------------------

    async def holdings(self) -> Mapping[str, Holding]:
        rows = await self._read(lambda db: db.rows("holdings", most=_HELD))
        return {worker: Holding(from_json(ids), memory) for worker, ids, memory in rows}

    async def suspects(self) -> int:
        return await self._read(lambda db: int(db.value("count_suspects", most=_SUSPECTS)))


def _place(id: str, ended_at: str | None) -> Place:
    return Place(id, None if ended_at is None else seen(ended_at))


def _counts(database: Database) -> Counts:
    now = database.clock()
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    for queue, status, number in database.rows("queue_stats"):
        if status in _STATUSES:
            numbers[queue][status] = number
    oldest = {
        queue: (now - seen(due)).total_seconds()
        for queue, due in database.rows("oldest_due")
        if seen(due) <= now
    }
    return Counts(
        [
            QueueCounts(queue, **numbers[queue], oldest_for=oldest.get(queue))
            for queue in sorted(numbers)
        ],
        estimated=False,
    )


def _lately(database: Database, since: float, most: int) -> list[Ended]:
    """The jobs that ended last, `most` of them at most, none longer ago than `since` seconds."""
    now = database.clock()
    rows = database.rows("lately", since=ago(now, since), most=most)
    return [ended for row in rows if (ended := _ended(row, now)).age <= since]


def _ended(row: tuple[Any, ...], now: datetime) -> Ended:
    queue, status, finished, attempts, run, waited = row
    end = seen(finished)
    return Ended(queue, status, (now - end).total_seconds(), end.timestamp(), attempts, run, waited)


def _endings(database: Database, since: float, step: float) -> Endings:
    now = database.clock()
    start = ago(now, since)
    letters = [
        GivenUp(seen(moved).timestamp(), attempts)
        for moved, attempts in database.rows("letter_endings", since=start)
        if (now - seen(moved)).total_seconds() <= since
    ]
    spans = {
        span.at: span
        for span in spans_of(
            _lately(database, since, _TIMED),
            letters,
            step,
        )
    }
    # The times are those of the jobs that ended last, the numbers those of all.
    for at, done, cancelled, failed in database.rows("endings", since=start, step=step):
        moved = datetime.fromtimestamp(at, UTC)
        span = spans.get(moved, Span(moved))
        given_up = sum(letter.attempts for letter in letters if at <= letter.at < at + step)
        spans[moved] = replace(span, done=done, cancelled=cancelled, failed=failed + given_up)
    oldest = database.value("first_end")
    return Endings([spans[at] for at in sorted(spans)], now, seen(oldest) if oldest else None)


def _name(row: tuple[Any, ...]) -> NameCounts:
    name, total, queued, done, dead, run_avg_ms, last = row
    last_run = None if last is None else seen(last)
    return NameCounts(name, total, queued, done, dead, run_avg_ms, last_run, estimated=False)


def _arrivals(database: Database, hours: int) -> list[Arrivals]:
    now = database.clock().astimezone(UTC)
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    rows = database.rows("arrivals", first=ago(first, 0))
    return [Arrivals(seen(f"{hour}:00:00"), total, done, dead) for hour, total, done, dead in rows]
