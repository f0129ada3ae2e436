"""What the memory backend tells those who look."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from heapq import nlargest

from uuid_utils import uuid7

from soniq.backends.memory.rows import Row
from soniq.backends.memory.schedules import MemorySchedules
from soniq.backends.memory.store import Store, check_text
from soniq.backends.overview import (
    ENDED,
    Arrivals,
    AuditEntry,
    AuditPage,
    Condition,
    Counts,
    Endings,
    Found,
    Holding,
    NameCounts,
    Place,
    QueueCounts,
    QueuePace,
    WaitingName,
)
from soniq.backends.process_size import process_size
from soniq.backends.tempo import Ended, GivenUp, average_ms, paces_of, spans_of
from soniq.records import JobDict, JobStatus

_LATELY = 5_000
_A_YEAR = timedelta(days=365)


class MemoryOverview:
    """See `Overview`; everything is counted, and lies in memory anyway."""

    def __init__(self, store: Store, schedules: MemorySchedules) -> None:
        self._store = store
        self._schedules = schedules
        self._audit: dict[str, AuditEntry] = {}

    async def pulse(self) -> str:
        with self._store.lock:
            store = self._store
            newest = max((row.updated_at for row in store.jobs.values()), default=None)
            parts = (
                len(store.jobs),
                newest,
                len(store.ended),
                {worker: len(held) for worker, held in store.held.items()},
                len(store.dead),
                next(reversed(store.dead), None),
                [(worker.about.id, worker.status) for worker in store.workers.values()],
                self._schedules.fire_times(),
            )
            return repr(parts)

    # --- counting ------------------------------------------------------------------------------

    async def counts(self) -> Counts:
        with self._store.lock:
            now = self._store.now()
            rows = [*self._store.jobs.values(), *self._store.dead.values()]
            numbers = Counter((row.queue, row.status) for row in rows)
            due: dict[str, float] = defaultdict(lambda: -1.0)
            for row in rows:
                if row.status is JobStatus.QUEUED and row.scheduled_at <= now:
                    age = (now - row.scheduled_at).total_seconds()
                    due[row.queue] = max(due[row.queue], age)
        queues = sorted({queue for queue, _ in numbers})
        return Counts(
            [
                QueueCounts(
                    queue,
                    **{status.value: numbers[queue, status] for status in JobStatus},
                    oldest_for=due.get(queue),
                )
                for queue in queues
            ],
            estimated=False,
        )

    async def paces(self) -> list[QueuePace]:
        with self._store.lock:
            now = self._store.now()
            ended = [_ended(row, now) for row in self._store.ended.values()]
        lately = nlargest(_LATELY, ended, key=lambda one: one.at)
        return paces_of([one for one in lately if one.age < 3600], _LATELY)

    async def endings(self, *, since: float, step: float) -> Endings:
        with self._store.lock:
            now = self._store.now()
            ended = [_ended(row, now) for row in self._store.ended.values()]
            letters = [
                GivenUp(row.updated_at.timestamp(), row.attempts)
                for row in self._store.dead.values()
                if (now - row.updated_at).total_seconds() < since
            ]
        spans = spans_of([one for one in ended if one.age < since], letters, step)
        first = min((one.at for one in ended), default=None)
        oldest = None if first is None else datetime.fromtimestamp(first, UTC)
        return Endings(spans, now, oldest)

    async def arrivals(self, *, hours: int) -> list[Arrivals]:
        with self._store.lock:
            now = self._store.now()
            rows = [*self._store.jobs.values(), *self._store.dead.values()]
        first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
        by_hour: dict[datetime, list[Row]] = defaultdict(list)
        for row in rows:
            if row.created_at >= first:
                hour = row.created_at.replace(minute=0, second=0, microsecond=0)
                by_hour[hour].append(row)
        return [
            Arrivals(hour, len(rows), _number(rows, "done"), _number(rows, "dead_letter"))
            for hour, rows in sorted(by_hour.items())
        ]

    async def names(self) -> list[NameCounts]:
        with self._store.lock:
            by_name: dict[str, list[Row]] = defaultdict(list)
            for row in (*self._store.jobs.values(), *self._store.dead.values()):
                by_name[row.job_name].append(row)
            now = self._store.now()
            return [_name(name, by_name[name], now) for name in sorted(by_name)]

    async def waiting_names(self, *, since: float) -> list[WaitingName]:
        with self._store.lock:
            now = self._store.now()
            queued = [row for row in self._store.jobs.values() if row.status is JobStatus.QUEUED]
            dead = [
                row
                for row in self._store.dead.values()
                if (now - row.updated_at).total_seconds() < since
            ]
        by_name: dict[str, list[Row]] = defaultdict(list)
        for row in (*queued, *dead):
            by_name[row.job_name].append(row)
        return [
            WaitingName(
                name,
                _number(rows, "queued"),
                _number(rows, "dead_letter"),
                max(row.updated_at for row in rows),
            )
            for name, rows in sorted(by_name.items())
        ]

    # --- jobs ----------------------------------------------------------------------------------

    async def find(
        self, condition: Condition, *, below: Place | None, most: int, rows: int
    ) -> Found:
        by_end = condition.status in ENDED
        with self._store.lock:
            listed = self._store.ended if by_end else self._store.jobs
            some = [(_place(row, by_end=by_end), row) for row in listed.values()]
            left = [one for one in some if below is None or _rank(one[0]) < _rank(below)]
            looked = nlargest(rows, left, key=lambda one: _rank(one[0]))
            matching = [place for place, row in looked if _matches(row, condition)]
        rest = looked[-1][0] if len(left) > len(looked) else None
        return Found(matching[:most], len(looked), len(matching), rest)

    async def show(self, ids: Sequence[str]) -> list[JobDict]:
        with self._store.lock:
            jobs = self._store.jobs
            return [jobs[each].as_dict() for each in ids if each in jobs]

    # --- workers -------------------------------------------------------------------------------

    async def holdings(self) -> Mapping[str, Holding]:
        with self._store.lock:
            return {
                key: Holding(list(self._store.held.get(key, ())), process_size())
                for key, worker in self._store.workers.items()
                if worker.live
            }

    async def suspects(self) -> int:
        with self._store.lock:
            return sum(
                row.status is JobStatus.QUEUED and row.crashes > 0
                for row in self._store.jobs.values()
            )

    # --- the record ----------------------------------------------------------------------------

    async def begin_audit(
        self, *, actor: str, action: str, target: str, address: str, detail: str
    ) -> str:
        check_text(actor, action, target, address, detail)
        with self._store.lock:
            now, audit = self._store.now(), self._audit
            while (first := next(iter(audit), None)) and audit[first].at < now - _A_YEAR:
                del audit[first]
            entry_id = str(uuid7())
            audit[entry_id] = AuditEntry(now, actor, action, target, address, detail)
            return entry_id

    async def end_audit(self, entry_id: str, detail: str) -> None:
        check_text(detail)
        with self._store.lock:
            entry = self._audit.get(entry_id)
            if entry is not None:
                values = asdict(entry) | {"detail": detail}
                self._audit[entry_id] = AuditEntry(**values)

    async def audit(self, *, after: str | None, limit: int) -> AuditPage:
        with self._store.lock:
            newest = [(key, entry) for key, entry in reversed(self._audit.items())]
        left = [(key, entry) for key, entry in newest if after is None or key < after]
        page = left[:limit]
        more = len(left) > limit
        return AuditPage([entry for _, entry in page], page[-1][0] if more else None)


def _number(rows: Iterable[Row], status: str) -> int:
    return sum(row.status == status for row in rows)


def _ended(row: Row, now: datetime) -> Ended:
    end = row.finished_at or row.updated_at
    run = waited = None
    if row.started_at is not None:
        run = (end - row.started_at).total_seconds()
        waited = (row.started_at - row.scheduled_at).total_seconds()
    age = (now - end).total_seconds()
    return Ended(row.queue, row.status.value, age, end.timestamp(), row.attempts, run, waited)


def _name(name: str, rows: Sequence[Row], now: datetime) -> NameCounts:
    done = [_ended(row, now) for row in rows if row.status is JobStatus.DONE]
    begun = [
        row.updated_at if row.status is JobStatus.DEAD_LETTER else row.started_at for row in rows
    ]
    return NameCounts(
        job_name=name,
        total=len(rows),
        queued=_number(rows, "queued"),
        done=len(done),
        dead_letter=_number(rows, "dead_letter"),
        run_avg_ms=average_ms([one.run for one in done if one.run is not None]),
        last_run=max((time for time in begun if time is not None), default=None),
        estimated=False,
    )


def _place(row: Row, *, by_end: bool) -> Place:
    return Place(row.id, (row.finished_at or row.updated_at) if by_end else None)


def _rank(place: Place) -> tuple[datetime, str]:
    return place.ended_at or datetime.max.replace(tzinfo=UTC), place.id


def _matches(row: Row, condition: Condition) -> bool:
    one = condition
    return (
        one.queue in (None, row.queue)
        and one.status in (None, row.status.value)
        and one.job_name in (None, row.job_name)
        and (one.text is None or _contains(row, one.text.casefold()))
    )


def _contains(row: Row, text: str) -> bool:
    return any(text in field.casefold() for field in (row.job_name, row.queue, row.id, row.args))
