"""Claiming jobs for one worker."""

from __future__ import annotations

import time
from collections.abc import Collection
from operator import attrgetter
from typing import Any, Final, NamedTuple

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.lanes import MANY_LANES, Lane, Taker, look, rest_after, text_of
from soniq.backends.sqlite.rows import claimed_jobs
from soniq.backends.sqlite.times import moment, stamp
from soniq.records import Claimed, ClaimedJob

_claim_order = attrgetter("priority", "scheduled_at", "id")


class Sight(NamedTuple):
    """The lanes as they were seen, and until when (monotonic seconds) that is good enough."""

    lanes: list[Lane]
    until: float


NOTHING_SEEN: Final = Sight([], 0.0)


class Claimer:
    """The claims of one worker.

    Every claim looks first, without a lock: the write transaction is for when something is due.

    Args:
        worker: its id.
        queues: those it serves, None for all.
    """

    def __init__(self, worker: str, queues: Collection[str] | None) -> None:
        self._worker = worker
        self._queues = queues
        self._served = None if queues is None else text_of(queues)
        self._taker = Taker(worker)
        self._sight = NOTHING_SEEN

    def claim(self, database: Database, limit: int, without: Collection[str]) -> Claimed:
        """See `WorkerSession.claim`."""
        names = text_of(without)
        lanes, remembered = self._lanes(database)
        jobs = self._claim_from(database, lanes, limit, names)
        if remembered and len(jobs) < limit:
            self._sight = NOTHING_SEEN
            lanes, _ = self._lanes(database)
            jobs += self._claim_from(database, lanes, limit - len(jobs), names)
            jobs.sort(key=_claim_order)
        suspect_due = self._suspect_due(database, names)
        suspects = suspect_due is not None and suspect_due <= stamp(database.clock())
        if len(jobs) == limit:
            return Claimed(jobs, None, suspects)
        return Claimed(jobs, self._next_due(database, lanes, suspect_due, names), suspects)

    def _lanes(self, database: Database) -> tuple[list[Lane], bool]:
        """The lanes, and whether they are remembered from an earlier look.

        Where they are so many that looking takes its time, it is given a small part of all time.
        """
        begun = time.monotonic()
        if begun < self._sight.until:
            return self._sight.lanes, True
        lanes = look(database, self._queues)
        if len(lanes) >= MANY_LANES:
            self._sight = Sight(lanes, time.monotonic() + rest_after(begun))
        return lanes, False

    def _claim_from(
        self, database: Database, lanes: list[Lane], limit: int, names: str
    ) -> list[ClaimedJob]:
        now = stamp(database.clock())
        due = [lane for lane in lanes if lane.due <= now]
        if names != "[]":
            due = [lane for lane in due if self._has_due(database, lane, now, names)]
        return self._take(database, due, limit, names) if due else []

    def _has_due(self, database: Database, lane: Lane, now: str, names: str) -> bool:
        return bool(
            database.json(
                "pick",
                queues=text_of([lane.queue]),
                priority=lane.priority,
                now=now,
                without=names,
                share=1,
            )
        )

    def _take(
        self, database: Database, lanes: list[Lane], limit: int, names: str
    ) -> list[ClaimedJob]:
        with database.writing() as now:
            if not database.rows("is_live", worker=self._worker):
                return []
            rows = self._taker.take(database, lanes, stamp(now), limit, names)
            return self._claimed(database, rows)

    def _claimed(self, database: Database, rows: list[int]) -> list[ClaimedJob]:
        return claimed_jobs(database.json("claimed", rows=text_of(rows))) if rows else []

    def claim_suspect(self, database: Database, without: Collection[str]) -> Claimed:
        """See `WorkerSession.claim_suspect`."""
        names = text_of(without)
        jobs: list[ClaimedJob] = []
        suspect_due = self._suspect_due(database, names)
        if suspect_due is not None and suspect_due <= stamp(database.clock()):
            jobs = self._take_suspect(database, names)
            suspect_due = self._suspect_due(database, names)
        suspects = suspect_due is not None and suspect_due <= stamp(database.clock())
        if jobs:
            return Claimed(jobs, None, suspects)
        lanes = look(database, self._queues)
        return Claimed(jobs, self._next_due(database, lanes, suspect_due, names), suspects)

    def _take_suspect(self, database: Database, names: str) -> list[ClaimedJob]:
        with database.writing() as now:
            if not database.rows("is_live", worker=self._worker):
                return []
            rows = database.json("pick_suspect", queues=self._served, without=names, now=stamp(now))
            database.change("claim", rows=text_of(rows), worker=self._worker, now=stamp(now))
            return self._claimed(database, rows)

    def _suspect_due(self, database: Database, names: str) -> str | None:
        due: str | None = database.value("suspect_due", queues=self._served, without=names)
        return due

    def _next_due(
        self, database: Database, lanes: list[Lane], suspect_due: str | None, names: str
    ) -> float | None:
        now = database.clock()
        places: list[Any] = [lane[:2] for lane in lanes]
        due = database.value("next_due", lanes=text_of(places), now=stamp(now), without=names)
        later = [time for time in (due, suspect_due) if time is not None and time > stamp(now)]
        return (moment(min(later)) - now).total_seconds() if later else None
