"""Schedules in a SQLite file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from pydantic_core import from_json, to_json

from soniq.backends.background import in_background
from soniq.backends.base import BackendError
from soniq.backends.schedules import (
    EDITABLE,
    SCHEDULE_FIELDS,
    Edited,
    Fired,
    Firing,
    Schedule,
    SchedulerInfo,
    Upcoming,
)
from soniq.backends.sqlite.connection import Connection
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.failures import check_text
from soniq.backends.sqlite.insert import check_storable, insert_within
from soniq.backends.sqlite.rows import legible
from soniq.backends.sqlite.times import Clock, ahead, seen, stamp
from soniq.records import NewJob

T = TypeVar("T")

_LOOK_EVERY: Final = 0.05
_AFTER_FAILURE: Final = 1.0
_TIMES: Final = ("created_at", "next_run", "fires_at", "last_run")
_log = logging.getLogger("soniq.backends.sqlite")


class Run(Protocol):
    """Runs something on one of the backend's connections."""

    async def __call__(self, work: Callable[[Database], T]) -> T: ...


class SQLiteSchedules:
    """See `ScheduleStore`.

    Args:
        clock: what time it is.
        read: runs a look.
        write: runs a transaction.
        connect: a connection of its own, to watch with.
    """

    def __init__(
        self, clock: Clock, read: Run, write: Run, connect: Callable[[], Connection]
    ) -> None:
        self._clock = clock
        self._read = read
        self._write = write
        self._connect = connect

    # --- looking -------------------------------------------------------------------------------

    async def now(self) -> datetime:
        return self._clock()

    async def get(self, name: str) -> Schedule | None:
        rows = await self._read(lambda db: db.rows("get_schedule", name=name))
        return _schedule(rows[0]) if rows else None

    async def all(self, limit: int) -> list[Schedule]:
        rows = await self._read(lambda db: db.rows("list_schedules", limit=limit))
        return [_schedule(row) for row in rows]

    async def upcoming(self, limit: int) -> Upcoming:
        rows = await self._read(lambda db: db.rows("upcoming_schedules", limit=limit))
        return Upcoming(self._clock(), [_schedule(row) for row in rows])

    # --- edits ---------------------------------------------------------------------------------

    async def insert(self, schedule: Schedule) -> bool:
        return await self._change("insert_schedule", **_columns(schedule))

    async def update(self, seen: Schedule, wanted: Schedule) -> bool:
        columns = _columns(wanted)
        changes = {name: columns[name] for name in EDITABLE}
        return await self._change(
            "update_schedule",
            **changes,
            id=seen.id,
            version=seen.version,
            seen_next_run=stamp(seen.next_run),
        )

    async def remove(self, name: str) -> bool:
        return await self._change("remove_schedule", name=name)

    async def _change(self, statement: str, /, **parameters: Any) -> bool:
        check_text(*(value for value in parameters.values() if isinstance(value, str)))

        def change(database: Database) -> bool:
            with database.writing() as now:
                return database.change(statement, **parameters, now=stamp(now)) == 1

        return await self._write(change)

    # --- firing --------------------------------------------------------------------------------

    async def fire(self, firing: Firing) -> Fired | None:
        check_storable(firing.jobs)

        def fire(database: Database) -> Fired | None:
            seen = firing.seen
            with database.writing() as now:
                rows = database.rows(
                    "schedule_to_fire",
                    id=seen.id,
                    version=seen.version,
                    next_run=stamp(seen.next_run),
                )
                if not rows:
                    return None
                passed_over = firing.unless_live and rows[0][1]
                jobs = () if passed_over else firing.jobs
                times = {"next_run": stamp(firing.next_run), "fires_at": stamp(firing.fires_at)}
                return Fired(_run(database, now, seen.id, jobs, **times))

        return await self._write(fire)

    async def run_now(self, schedule_id: str, job: NewJob) -> str | None:
        check_storable([job])

        def run(database: Database) -> str | None:
            with database.writing() as now:
                rows = database.rows(
                    "schedule_to_fire", id=schedule_id, version=None, next_run=None
                )
                if not rows or rows[0][0] == job.id:
                    return job.id if rows else None
                return _run(database, now, schedule_id, [job], next_run=None, fires_at=None)[0]

        return await self._write(run)

    # --- schedulers ----------------------------------------------------------------------------

    async def report(self, scheduler: SchedulerInfo, life: float) -> None:
        def report(database: Database) -> None:
            with database.writing() as now:
                database.change(
                    "report_scheduler",
                    id=scheduler.id,
                    hostname=scheduler.hostname,
                    pid=scheduler.pid,
                    names=to_json(scheduler.names).decode(),
                    expires_at=ahead(now, life),
                )

        await self._write(report)

    async def retire(self, scheduler_id: str) -> None:
        await self._change("retire_scheduler", id=scheduler_id)

    async def running(self) -> list[SchedulerInfo]:
        now = stamp(self._clock())
        rows = await self._read(lambda db: db.rows("running_schedulers", now=now))
        return [
            SchedulerInfo(found, hostname, pid, tuple(from_json(names)))
            for found, hostname, pid, names in rows
        ]

    def watching(self, edited: Edited) -> AbstractAsyncContextManager[None]:
        return in_background(_watch(self._connect, edited), "soniq-schedule-watch")


async def _watch(connect: Callable[[], Connection], edited: Edited) -> None:
    """Look at ``data_version``, and when it has changed, whether that was an edit."""
    connection = connect()
    version, known = -1, None
    try:
        while True:
            try:
                found = await connection.run(_data_version)
                if found != version:
                    version, before = found, known
                    known = await connection.run(lambda db: db.rows("schedule_edits"))
                    if known != before:
                        edited()
                await asyncio.sleep(_LOOK_EVERY)
            except Exception as error:  # noqa: BLE001 - tried again while somebody wants to hear
                trace = None if isinstance(error, BackendError) else error
                _log.warning(
                    "Edits of schedules cannot be heard of, trying again: %s", error, exc_info=trace
                )
                await asyncio.sleep(_AFTER_FAILURE)
    finally:
        await connection.close()


def _data_version(database: Database) -> int:
    return int(database.execute("PRAGMA data_version").fetchone()[0])


def _run(
    database: Database, now: datetime, schedule_id: str, jobs: Sequence[NewJob], **times: str | None
) -> list[str]:
    """Store `jobs`, in the transaction that is open, and write down that they are runs."""
    ids = insert_within(database, jobs, now)
    database.change(
        "schedule_fired",
        id=schedule_id,
        runs=len(ids),
        last_job_id=ids[-1] if ids else None,
        now=stamp(now),
        **times,
    )
    return ids


def _schedule(row: tuple[Any, ...]) -> Schedule:
    values = dict(zip(SCHEDULE_FIELDS, map(legible, row), strict=True))
    values["declared"] = bool(values["declared"])
    for name in _TIMES:
        values[name] = None if values[name] is None else seen(values[name])
    return Schedule(**values)


def _columns(schedule: Schedule) -> dict[str, Any]:
    columns = asdict(schedule)
    for name in _TIMES:
        columns[name] = None if columns[name] is None else stamp(columns[name])
    return columns
