"""Dead letters in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime

from pydantic_core import from_json

from soniq.backends.dead_letters import (
    Changes,
    DeadLetterJob,
    Picked,
    Replay,
    Replayed,
    Selection,
    Tally,
)
from soniq.backends.memory.rows import Row
from soniq.backends.memory.store import Store, check_text
from soniq.globs import matches
from soniq.limits import LONGEST_ERROR
from soniq.records import DeadLetterReason, JobStatus, NewJob


class MemoryDeadLetters:
    """See `DeadLetterStore`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- looking -------------------------------------------------------------------------------

    async def pick(
        self, selection: Selection, *, after: Picked | None, limit: int, offset: int
    ) -> list[Picked]:
        with self._store.lock:
            rows = sorted(self._selected(selection), key=_place, reverse=True)
            if after is not None:
                rows = [row for row in rows if _place(row) < (after.moved_at, after.id)]
            return [
                Picked(row.id, row.job_name, row.updated_at, row.resurrection_count)
                for row in rows[offset : offset + limit]
            ]

    async def show(self, ids: Sequence[str]) -> list[DeadLetterJob]:
        with self._store.lock:
            dead = self._store.dead
            return [_dead_letter(dead[each]) for each in ids if each in dead]

    async def count(self, selection: Selection) -> int:
        with self._store.lock:
            return sum(1 for _ in self._selected(selection))

    async def tally(self, selection: Selection) -> list[Tally]:
        groups: dict[tuple[str, str, str, date], list[Row]] = defaultdict(list)
        with self._store.lock:
            for row in self._selected(selection):
                day = row.updated_at.astimezone(UTC).date()
                groups[row.job_name, row.queue, _reason(row).value, day].append(row)
            return [self._tallied(key, rows) for key, rows in groups.items()]

    def _tallied(self, key: tuple[str, str, str, date], rows: Sequence[Row]) -> Tally:
        oldest = min(row.updated_at for row in rows)
        again = [row for row in rows if row.resurrection_count]
        return Tally(
            *key,
            jobs=len(rows),
            oldest_age=(self._store.now() - oldest).total_seconds(),
            resurrected=len(again),
            revived=sum(row.last_resurrection_job_id not in self._store.dead for row in again),
        )

    def _selected(self, selection: Selection) -> Iterator[Row]:
        conditions = list(_conditions(selection, self._store.now()))
        for row in self._store.dead.values():
            if all(holds(row) for holds in conditions):
                yield row

    # --- changing ------------------------------------------------------------------------------

    async def replay(self, replays: Sequence[Replay], changes: Changes) -> list[Replayed]:
        check_text(changes.queue, changes.producer_id)
        with self._store.lock:
            answers = [self._replay(one, changes, self._store.now()) for one in replays]
        return [answer for answer in answers if answer is not None]

    def _replay(self, replay: Replay, changes: Changes, now: datetime) -> Replayed | None:
        row = self._store.dead.get(replay.dead_id)
        if row is None:
            return None
        if row.last_resurrection_job_id == replay.job_id:
            return Replayed(row.id, replay.job_id, is_new=True)
        if replay.replayed_before not in (None, row.resurrection_count):
            holder = self._store.keys.get(row.dedup_key or "")
            return Replayed(row.id, holder.id, is_new=False) if holder else None
        job = _job_of(row, replay.job_id, changes)
        stored = self._store.insert(job, now)
        if stored != job.id:
            return Replayed(row.id, stored, is_new=False)
        if not changes.reset_attempts:
            self._store.jobs[stored].attempts = min(row.attempts, job.max_attempts - 1)
        row.resurrection_count += 1
        row.last_resurrection_at = now
        row.last_resurrection_job_id = stored
        return Replayed(row.id, stored, is_new=True)

    async def delete(self, ids: Sequence[str]) -> list[str]:
        with self._store.lock:
            there = [each for each in dict.fromkeys(ids) if each in self._store.dead]
            for each in there:
                del self._store.dead[each]
            return there

    async def tag(self, dead_id: str, tags: Sequence[str]) -> bool:
        check_text(*tags)
        with self._store.lock:
            row = self._store.dead.get(dead_id)
            if row is None:
                return False
            row.tags = tuple(dict.fromkeys([*row.tags, *tags]))
            return True

    async def bury(self, job_id: str, note: str | None) -> bool:
        check_text(note)
        with self._store.lock:
            row = self._store.jobs.get(job_id)
            if row is None or row.status not in (JobStatus.QUEUED, JobStatus.PROCESSING):
                return False
            told = "\n".join(filter(None, [note, row.last_error]))[:LONGEST_ERROR]
            self._store.bury(row, DeadLetterReason.MANUAL, told or None, self._store.now())
            return True


def _place(row: Row) -> tuple[datetime, str]:
    return row.updated_at, row.id


def _conditions(selection: Selection, now: datetime) -> Iterator[Callable[[Row], bool]]:
    """What a dead letter of the selection fulfils."""
    one = selection
    if (globs := one.job_names) is not None:
        yield lambda row: any(matches(glob, row.job_name) for glob in globs)
    if (queues := one.queues) is not None:
        yield lambda row: row.queue in queues
    if (reasons := one.reasons) is not None:
        yield lambda row: row.reason in reasons
    if (tags := one.tags) is not None:
        yield lambda row: not set(tags).isdisjoint(row.tags)
    if (resurrected := one.resurrected) is not None:
        yield lambda row: (row.resurrection_count > 0) is resurrected
    yield from _times(selection, now)


def _times(selection: Selection, now: datetime) -> Iterator[Callable[[Row], bool]]:
    if (first := selection.date_from) is not None:
        yield lambda row: row.updated_at >= first
    if (last := selection.date_to) is not None:
        yield lambda row: row.updated_at <= last
    if (least := selection.min_age) is not None:
        yield lambda row: (now - row.updated_at).total_seconds() >= least
    if (most := selection.max_age) is not None:
        yield lambda row: (now - row.updated_at).total_seconds() <= most


def _reason(row: Row) -> DeadLetterReason:
    return row.reason or DeadLetterReason.MANUAL


def _job_of(row: Row, job_id: str, changes: Changes) -> NewJob:
    return NewJob(
        job_id,
        row.job_name,
        row.args,
        changes.queue or row.queue,
        changes.priority or row.priority,
        changes.max_attempts or row.max_attempts,
        row.dedup_key,
        producer_id=changes.producer_id,
    )


def _dead_letter(row: Row) -> DeadLetterJob:
    return DeadLetterJob(
        id=row.id,
        job_name=row.job_name,
        args=from_json(row.args),
        queue=row.queue,
        priority=row.priority,
        max_attempts=row.max_attempts,
        attempts=row.attempts,
        crashes=row.crashes,
        last_error=row.last_error,
        dead_letter_reason=_reason(row),
        original_created_at=row.created_at,
        moved_to_dead_letter_at=row.updated_at,
        resurrection_count=row.resurrection_count,
        last_resurrection_at=row.last_resurrection_at,
        tags=list(row.tags),
        dedup_key=row.dedup_key,
        last_resurrection_job_id=row.last_resurrection_job_id,
    )
