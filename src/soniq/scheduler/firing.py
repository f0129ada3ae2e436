"""Firing what is due, each schedule in one transaction. Safe with any number of leaders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from soniq.backends.base import Contended, Unstorable
from soniq.backends.schedules import Firing, Schedule, ScheduleStore
from soniq.events import Events
from soniq.periodic import Overlap
from soniq.scheduler.catch_up import Turn, turn
from soniq.scheduler.draft import put_off, run_of
from soniq.scheduler.events import Dispatched, PassedOver, RunsDropped, ScheduleFailed

_AT_ONCE: Final = 4
"""Schedules that fire at the same time: each takes a connection."""
_LOOK: Final = 200
_AFTER_CONTENTION: Final = 0.1
_AFTER_FAILURE: Final = 30.0


class Firer:
    """Fires the schedules of a store.

    Args:
        missed_after: seconds after which a due time that has not fired is a missed one.
        producer: noted on the jobs as who has enqueued them.
    """

    def __init__(
        self, store: ScheduleStore, events: Events, *, missed_after: float, producer: str | None
    ) -> None:
        self._store = store
        self._events = events
        self._missed_after = missed_after
        self._producer = producer
        self._held_back: dict[str, float] = {}
        """Schedules that could not fire, and until when on this process's clock."""

    async def fire_due(self) -> float | None:
        """Fire what is due; seconds until the next is, None when there is none."""
        upcoming = await self._store.upcoming(_LOOK + len(self._held_back))
        self._held_back = {
            key: until for key, until in self._held_back.items() if until > time.monotonic()
        }
        ready = [one for one in upcoming.schedules if one.id not in self._held_back]
        due = [one for one in ready if one.fires_at <= upcoming.now]
        for start in range(0, len(due), _AT_ONCE):
            await self._fire_together(due[start : start + _AT_ONCE], upcoming.now)
        if due:
            return 0.0
        waits = [until - time.monotonic() for until in self._held_back.values()]
        waits += [(one.fires_at - upcoming.now).total_seconds() for one in ready[:1]]
        return max(min(waits), 0.0) if waits else None

    async def _fire_together(self, schedules: Sequence[Schedule], now: datetime) -> None:
        answers = await asyncio.gather(
            *(self._fire(schedule, now) for schedule in schedules), return_exceptions=True
        )
        for answer in answers:
            if answer is not None:
                raise answer

    async def _fire(self, schedule: Schedule, now: datetime) -> None:
        try:
            planned = await self._planned(schedule, now)
            await self._store_runs(schedule, planned)
        except Contended:
            self._hold_back(schedule, _AFTER_CONTENTION)
        except (Unstorable, ValueError, OverflowError) as error:
            self._hold_back(schedule, _AFTER_FAILURE)
            self._events.emit(ScheduleFailed(schedule.name, error, _AFTER_FAILURE))

    def _hold_back(self, schedule: Schedule, seconds: float) -> None:
        self._held_back[schedule.id] = time.monotonic() + seconds

    async def _planned(self, schedule: Schedule, now: datetime) -> Turn:
        if (now - schedule.fires_at).total_seconds() <= self._missed_after:
            return turn(schedule, now, self._missed_after)
        # To count what a long outage has missed takes a while.
        return await asyncio.to_thread(turn, schedule, now, self._missed_after)

    async def _store_runs(self, schedule: Schedule, planned: Turn) -> None:
        alone = schedule.overlap == Overlap.SKIP
        # Of several that come at once, the first is unfinished when the next comes.
        runs = planned.runs[:1] if alone else planned.runs
        jobs = tuple(run_of(schedule, self._producer, due) for due in runs)
        fires_at = put_off(schedule, planned.next_run)
        fired = await self._store.fire(Firing(schedule, jobs, planned.next_run, fires_at, alone))
        if fired is None:
            return
        for job_id in fired.ids:
            self._events.emit(
                Dispatched(schedule.name, schedule.job_name, job_id, planned.next_run)
            )
        if len(fired.ids) < len(planned.runs):
            last = fired.ids[-1] if fired.ids else schedule.last_job_id
            self._events.emit(PassedOver(schedule.name, last, planned.next_run))
        if planned.dropped:
            self._events.emit(RunsDropped(schedule.name, planned.dropped, len(planned.runs)))
