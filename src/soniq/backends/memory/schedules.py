"""Schedules in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from soniq.backends.memory.store import Store, check_text
from soniq.backends.schedules import (
    ACTIVE,
    EDITABLE,
    Edited,
    Fired,
    Firing,
    Schedule,
    SchedulerInfo,
    Upcoming,
)
from soniq.records import JobStatus, NewJob

Watcher = tuple[asyncio.AbstractEventLoop, Edited]


class MemorySchedules:
    """See `ScheduleStore`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_name: dict[str, Schedule] = {}
        self._running: dict[str, tuple[SchedulerInfo, datetime]] = {}
        self._watchers: list[Watcher] = []

    # --- looking -------------------------------------------------------------------------------

    async def now(self) -> datetime:
        return self._store.now()

    async def get(self, name: str) -> Schedule | None:
        with self._store.lock:
            return self._by_name.get(name)

    async def all(self, limit: int) -> list[Schedule]:
        with self._store.lock:
            return sorted(self._by_name.values(), key=lambda schedule: schedule.name)[:limit]

    async def upcoming(self, limit: int) -> Upcoming:
        with self._store.lock:
            active = [one for one in self._by_name.values() if one.status == ACTIVE]
            active.sort(key=lambda schedule: (schedule.fires_at, schedule.id))
            return Upcoming(self._store.now(), active[:limit])

    def fire_times(self) -> list[datetime]:
        """When the active schedules fire; the lock is held."""
        return [one.fires_at for one in self._by_name.values() if one.status == ACTIVE]

    # --- edits ---------------------------------------------------------------------------------

    async def insert(self, schedule: Schedule) -> bool:
        check_text(schedule.name, schedule.job_name, schedule.args, schedule.queue)
        with self._store.lock:
            if schedule.name in self._by_name:
                return False
            self._by_name[schedule.name] = replace(schedule, created_at=self._store.now())
            self._tell()
            return True

    async def update(self, seen: Schedule, wanted: Schedule) -> bool:
        check_text(wanted.job_name, wanted.args, wanted.queue)
        with self._store.lock:
            stored = self._as_seen(seen)
            if stored is None:
                return False
            changes = {name: getattr(wanted, name) for name in EDITABLE}
            changed = replace(stored, **changes, version=stored.version + 1)
            self._by_name[stored.name] = changed
            self._tell()
            return True

    async def remove(self, name: str) -> bool:
        with self._store.lock:
            removed = self._by_name.pop(name, None) is not None
            self._tell()
            return removed

    def _as_seen(self, seen: Schedule) -> Schedule | None:
        stored = self._by_name.get(seen.name)
        same = stored is not None and (stored.id, stored.version, stored.next_run) == (
            seen.id,
            seen.version,
            seen.next_run,
        )
        return stored if same else None

    # --- firing --------------------------------------------------------------------------------

    async def fire(self, firing: Firing) -> Fired | None:
        with self._store.lock:
            stored = self._as_seen(firing.seen)
            if stored is None or stored.status != ACTIVE:
                return None
            moved = replace(stored, next_run=firing.next_run, fires_at=firing.fires_at)
            if firing.unless_live and self._is_live(stored.last_job_id):
                self._by_name[stored.name] = moved
                return Fired([])
            return Fired(self._run(moved, firing.jobs))

    async def run_now(self, schedule_id: str, job: NewJob) -> str | None:
        with self._store.lock:
            for stored in self._by_name.values():
                if stored.id == schedule_id:
                    again = stored.last_job_id == job.id
                    return job.id if again else self._run(stored, (job,))[0]
            return None

    def _run(self, schedule: Schedule, jobs: tuple[NewJob, ...]) -> list[str]:
        now = self._store.now()
        ids = [self._store.insert(job, now) for job in jobs]
        if ids:
            count = schedule.run_count + len(ids)
            schedule = replace(schedule, last_run=now, run_count=count, last_job_id=ids[-1])
        self._by_name[schedule.name] = schedule
        return ids

    def _is_live(self, job_id: str | None) -> bool:
        row = self._store.jobs.get(job_id or "")
        return row is not None and row.status in (JobStatus.QUEUED, JobStatus.PROCESSING)

    # --- schedulers ----------------------------------------------------------------------------

    async def report(self, scheduler: SchedulerInfo, life: float) -> None:
        with self._store.lock:
            until = self._store.now() + timedelta(seconds=life)
            self._running[scheduler.id] = (scheduler, until)

    async def retire(self, scheduler_id: str) -> None:
        with self._store.lock:
            self._running.pop(scheduler_id, None)
            self._tell()

    async def running(self) -> list[SchedulerInfo]:
        with self._store.lock:
            now = self._store.now()
            self._running = {key: one for key, one in self._running.items() if one[1] > now}
            return [info for _, (info, _) in sorted(self._running.items())]

    @asynccontextmanager
    async def watching(self, edited: Edited) -> AsyncIterator[None]:
        watcher = (asyncio.get_running_loop(), edited)
        with self._store.lock:
            self._watchers.append(watcher)
        edited()
        try:
            yield
        finally:
            with self._store.lock:
                self._watchers.remove(watcher)

    def _tell(self) -> None:
        for loop, edited in self._watchers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(edited)
