"""Schedules in Postgres."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any, Final

from asyncpg import Record

from soniq.backends.postgres.connection import Borrow, Connection, Database, transaction
from soniq.backends.postgres.insert import Insert
from soniq.backends.postgres.schedule_watch import watching
from soniq.backends.postgres.wakeups import Arrival, arrivals
from soniq.backends.schedules import (
    SCHEDULE_FIELDS,
    Edited,
    Fired,
    Firing,
    Schedule,
    SchedulerInfo,
    Upcoming,
    editable,
)
from soniq.records import NewJob

Payload = Callable[[Sequence[Arrival]], str | None]
Announce = Callable[[Sequence[Arrival], datetime], None]

_LOCK_WAIT: Final = "1s"
_KEY_WAIT: Final = "100ms"


class PostgresSchedules:
    """See `ScheduleStore`.

    Args:
        database: whose tables.
        borrow: a connection of the backend's pool.
        payload: gives what to notify workers with.
        announce: wakes the workers of this process.
        notify: edits are notified, and listened for.
    """

    def __init__(
        self,
        database: Database,
        borrow: Borrow,
        payload: Callable[[], Awaitable[Payload]],
        announce: Announce,
        *,
        notify: bool,
    ) -> None:
        self._database = database
        self._borrow = borrow
        self._payload = payload
        self._announce = announce
        self._notify = notify

    async def _fetch(self, statement: str, *args: Any) -> list[Record]:
        async with self._borrow() as connection:
            return await self._database.fetch(connection, statement, *args)

    # --- looking -------------------------------------------------------------------------------

    async def now(self) -> datetime:
        now: datetime = (await self._fetch("tell_time"))[0][0]
        return now

    async def get(self, name: str) -> Schedule | None:
        rows = await self._fetch("get_schedule", name)
        return _schedule(rows[0]) if rows else None

    async def all(self, limit: int) -> list[Schedule]:
        return [_schedule(row) for row in await self._fetch("list_schedules", limit)]

    async def upcoming(self, limit: int) -> Upcoming:
        rows = await self._fetch("upcoming_schedules", limit)
        found = [_schedule(row) for row in rows if row["id"] is not None]
        return Upcoming(rows[0]["now"], found)

    # --- edits ---------------------------------------------------------------------------------

    async def insert(self, schedule: Schedule) -> bool:
        return await self._edit(
            "insert_schedule",
            schedule.id,
            schedule.name,
            schedule.version,
            *editable(schedule),
        )

    async def update(self, seen: Schedule, wanted: Schedule) -> bool:
        return await self._edit(
            "update_schedule", seen.id, seen.version, seen.next_run, *editable(wanted)
        )

    async def remove(self, name: str) -> bool:
        return await self._edit("remove_schedule", name)

    async def _edit(self, statement: str, *args: Any) -> bool:
        async with self._borrow() as connection:
            done = await self._database.fetch(connection, statement, *args)
            if done:
                await self._tell(connection)
        return bool(done)

    async def _tell(self, connection: Connection) -> None:
        if self._notify:
            await self._database.fetch(connection, "schedules_edited")

    # --- firing --------------------------------------------------------------------------------

    async def fire(self, firing: Firing) -> Fired | None:
        seen = firing.seen

        def jobs(last: Record) -> Sequence[NewJob]:
            return () if firing.unless_live and last["live"] else firing.jobs

        ids = await self._run(
            (seen.id, seen.version, seen.next_run), jobs, firing.next_run, firing.fires_at
        )
        return None if ids is None else Fired(ids)

    async def run_now(self, schedule_id: str, job: NewJob) -> str | None:
        def jobs(last: Record) -> Sequence[NewJob]:
            # An earlier call may have stored it and lost its answer.
            return () if last["last_job_id"] == job.id else (job,)

        ids = await self._run((schedule_id, None, None), jobs, None, None)
        return None if ids is None else (ids[0] if ids else job.id)

    async def _run(
        self,
        seen: tuple[str, int | None, datetime | None],
        jobs: Callable[[Record], Sequence[NewJob]],
        *times: datetime | None,
    ) -> list[str] | None:
        """Store `jobs` of the schedule as seen and write down that they are runs, or nothing."""
        payload = await self._payload()
        insert: Insert | None = None
        ids: list[str] = []
        async with self._borrow() as connection, transaction(connection, lock_timeout=_LOCK_WAIT):
            rows = await self._database.fetch(connection, "schedule_to_fire", *seen)
            if not rows:
                return None
            if wanted := jobs(rows[0]):
                insert = _insert(self._database, wanted, payload)
                await connection.execute(f"SET LOCAL lock_timeout = '{_KEY_WAIT}'")
                ids = await insert.within(connection)
            last = ids[-1] if ids else None
            await self._database.fetch(
                connection, "schedule_fired", seen[0], *times, len(ids), last
            )
        if insert is not None and insert.arrived:
            self._announce(insert.arrived, insert.now)
        return ids

    # --- schedulers ----------------------------------------------------------------------------

    async def report(self, scheduler: SchedulerInfo, life: float) -> None:
        *who, names = scheduler
        await self._fetch("report_scheduler", *who, list(names), life)

    async def retire(self, scheduler_id: str) -> None:
        async with self._borrow() as connection:
            await self._database.fetch(connection, "retire_scheduler", scheduler_id)
            await self._tell(connection)

    async def running(self) -> list[SchedulerInfo]:
        rows = await self._fetch("running_schedulers")
        return [
            SchedulerInfo(row["id"], row["hostname"], row["pid"], tuple(row["schedule_names"]))
            for row in rows
        ]

    def watching(self, edited: Edited) -> AbstractAsyncContextManager[None]:
        if not self._notify or self._database.pooled:
            return nullcontext()
        return watching(self._database, edited)


def _insert(database: Database, jobs: Sequence[NewJob], payload: Payload) -> Insert:
    free = arrivals(job for job in jobs if job.dedup_key is None)
    return Insert(database, jobs, payload(free), payload)


def _schedule(row: Record) -> Schedule:
    return Schedule(**{name: row[name] for name in SCHEDULE_FIELDS})
