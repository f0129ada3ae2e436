"""What a store must do with schedules. These docstrings are the specification of every backend.

The rules of `soniq.backends.base` hold here too. A schedule is changed in two ways, and neither can
undo the other: an edit names the version and the due time it has seen (`update`), a firing does
too, and each is refused once they are no longer the stored ones.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from soniq.records import NewJob

ACTIVE: Final = "active"
PAUSED: Final = "paused"

Edited = Callable[[], None]
"""Called on the event loop when schedules may have been edited, or a scheduler has left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A stored schedule; its fields are columns, and everything in it has been checked.

    Attributes:
        jitter: seconds, the most that a run is put off.
        args: a JSON object as text; the column is ``job_kwargs``.
        dedup_key: that of its jobs.
        declared: code has declared it, so that it is missed where no code does any more.
        next_run: the next due time.
        fires_at: that time, put off by its share of the jitter.
        version: raised by every edit, by no firing.
    """

    id: str
    name: str
    job_name: str
    schedule_type: str
    schedule_value: str
    timezone: str
    catch_up: str
    overlap: str
    jitter: float
    priority: int
    queue: str
    max_attempts: int
    args: str
    status: str
    created_at: datetime
    last_run: datetime | None = None
    next_run: datetime
    run_count: int = 0
    last_job_id: str | None = None
    dedup_key: str | None
    declared: bool
    version: int
    fires_at: datetime


SCHEDULE_FIELDS: Final = tuple(field.name for field in fields(Schedule))
EDITABLE: Final = (
    "job_name",
    "schedule_type",
    "schedule_value",
    "timezone",
    "catch_up",
    "overlap",
    "jitter",
    "priority",
    "queue",
    "max_attempts",
    "args",
    "dedup_key",
    "declared",
    "status",
    "next_run",
    "fires_at",
)
"""The fields that `ScheduleStore.update` writes."""


def editable(schedule: Schedule) -> tuple[Any, ...]:
    """The values of `EDITABLE`."""
    return tuple(getattr(schedule, name) for name in EDITABLE)


class Upcoming(NamedTuple):
    """Active schedules in the order of their `fires_at`, and what time it is."""

    now: datetime
    schedules: list[Schedule]


class Firing(NamedTuple):
    """Jobs for the due times of a schedule that have come, and the due time after them."""

    seen: Schedule
    jobs: tuple[NewJob, ...]
    next_run: datetime
    fires_at: datetime
    unless_live: bool = False
    """Store no job while the schedule's last one is queued or processing."""


class Fired(NamedTuple):
    """What a firing did: the ids that stand for its jobs, none when the last one is still live."""

    ids: list[str]


class SchedulerInfo(NamedTuple):
    """A running scheduler: who it is, and the schedules that its code declares."""

    id: str
    hostname: str
    pid: int
    names: tuple[str, ...]


class ScheduleStore(Protocol):
    """The schedules of a store."""

    async def now(self) -> datetime:
        """The store's time."""
        ...

    async def get(self, name: str) -> Schedule | None:
        """The schedule of that name."""
        ...

    async def all(self, limit: int) -> list[Schedule]:
        """The first `limit` schedules by name."""
        ...

    async def upcoming(self, limit: int) -> Upcoming:
        """The `limit` active schedules that fire first."""
        ...

    async def insert(self, schedule: Schedule) -> bool:
        """Store a new schedule; False if there is one of its name. `created_at` is the store's."""
        ...

    async def update(self, seen: Schedule, wanted: Schedule) -> bool:
        """Give a schedule the `EDITABLE` fields of `wanted`, and the next version.

        False if it is no longer as `seen`: another version, another due time, or gone.
        """
        ...

    async def remove(self, name: str) -> bool:
        """Forget a schedule; False if there is none. Its jobs stay."""
        ...

    async def fire(self, firing: Firing) -> Fired | None:
        """In one transaction: store the jobs, wake workers, and write down that it fired.

        None, and nothing is changed, unless the schedule is active and still as `firing.seen`. A
        job that hits a dedup key counts as fired. `last_run`, `run_count` and `last_job_id` change
        with the jobs only; `next_run` and `fires_at` always.

        Raises:
            Contended: a dedup key or the schedule was not free in time.
        """
        ...

    async def run_now(self, schedule_id: str, job: NewJob) -> str | None:
        """Store `job` as one more run, in one transaction; the id that stands for it.

        Neither status nor due time matters, or changes. None if the schedule is gone.
        """
        ...

    async def report(self, scheduler: SchedulerInfo, life: float) -> None:
        """Say that a scheduler runs: it counts as running for `life` seconds, unless it retires."""
        ...

    async def retire(self, scheduler_id: str) -> None:
        """Say that a scheduler has stopped, to whoever watches."""
        ...

    async def running(self) -> list[SchedulerInfo]:
        """The schedulers that run, by id."""
        ...

    def watching(self, edited: Edited) -> AbstractAsyncContextManager[None]:
        """While inside, `edited` is called after edits, wherever they are made.

        It is called once at first, when it has begun to hear of them. Where nothing notifies
        (behind a transaction pooler), it is never called.
        """
        ...
