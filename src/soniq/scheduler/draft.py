"""From what was asked for to the schedule that is stored. Pure: nothing here waits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from uuid_utils import uuid7

from soniq.backends.schedules import ACTIVE, PAUSED, SCHEDULE_FIELDS, Schedule
from soniq.jsontext import canonical, document
from soniq.periodic import Plan
from soniq.records import NewJob
from soniq.timing import INTERVAL, Times, Timing

_HIDDEN: Final = frozenset({"dedup_key", "declared", "version", "fires_at"})
_FRACTIONS: Final = 2**64


@dataclass(frozen=True, slots=True)
class Draft:
    """A schedule as it is asked for, whether or not there is one of its name.

    Attributes:
        job: what it enqueues; its id and times mean nothing.
        declared: code declares it.
    """

    name: str
    job: NewJob
    plan: Plan
    declared: bool

    def over(self, seen: Schedule | None, now: datetime) -> Schedule:
        """What is to be stored in place of `seen`, which stays as it is where nothing changes."""
        wanted = replace(seen or self._new(now), **self._fields())
        if seen is not None and canonical(seen.args) == canonical(wanted.args):
            wanted = replace(wanted, args=seen.args)
        keeps = seen is not None and same_timing(seen, self.plan.timing)
        next_run = wanted.next_run if keeps else self.plan.timing.times().after(now, now)
        declared = self.declared or (seen is not None and seen.declared)
        return due_at(replace(wanted, declared=declared), next_run)

    def _fields(self) -> dict[str, Any]:
        job, plan = self.job, self.plan
        return {
            "job_name": job.job_name,
            "schedule_type": plan.timing.kind,
            "schedule_value": plan.timing.value,
            "timezone": plan.timing.timezone,
            "catch_up": plan.catch_up.value,
            "overlap": plan.overlap.value,
            "jitter": plan.jitter,
            "priority": job.priority,
            "queue": job.queue,
            "max_attempts": job.max_attempts,
            "args": job.args,
            "dedup_key": job.dedup_key,
        }

    def _new(self, now: datetime) -> Schedule:
        return Schedule(
            id=str(uuid7()),
            name=self.name,
            status=ACTIVE,
            version=1,
            created_at=now,
            next_run=now,
            fires_at=now,
            declared=self.declared,
            **self._fields(),
        )


def timing_of(schedule: Schedule) -> Timing:
    """When it falls due."""
    return Timing(schedule.schedule_type, schedule.schedule_value, schedule.timezone)


def same_timing(schedule: Schedule, timing: Timing) -> bool:
    """Whether its due times stay right under `timing`; an interval is the same in every zone."""
    zone = schedule.timezone if timing.kind == INTERVAL else timing.timezone
    return timing_of(schedule) == Timing(timing.kind, timing.value, zone)


def put_off(schedule: Schedule, due: datetime) -> datetime:
    """When a due time fires: later by a random part of the jitter, which is the same everywhere."""
    if schedule.jitter == 0:
        return due
    seed = f"{schedule.name}\0{due.timestamp()}".encode()
    part = int.from_bytes(hashlib.sha256(seed).digest()[:8]) / _FRACTIONS
    return due + timedelta(seconds=part * schedule.jitter)


def fires_at(schedule: Schedule, due: datetime) -> datetime:
    """The same; what is stored of the next due time stands."""
    return schedule.fires_at if due == schedule.next_run else put_off(schedule, due)


def due_at(schedule: Schedule, due: datetime) -> Schedule:
    """The same schedule with this next due time."""
    return replace(schedule, next_run=due, fires_at=put_off(schedule, due))


def paused(schedule: Schedule, _: datetime) -> Schedule:
    """The same, firing no more until it is resumed."""
    return replace(schedule, status=PAUSED)


def resumed(schedule: Schedule, now: datetime) -> Schedule:
    """The same, firing again from `now` on: what fell due in the pause was not missed."""
    active = replace(schedule, status=ACTIVE)
    if schedule.status == ACTIVE or schedule.fires_at > now:
        return active
    times: Times = timing_of(schedule).times()
    return due_at(active, times.after(schedule.next_run, now))


def run_of(schedule: Schedule, producer: str | None, due: datetime | None = None) -> NewJob:
    """A job for the due time that fires at `due`; None is a run by hand."""
    return NewJob(
        str(uuid7()),
        schedule.job_name,
        schedule.args,
        schedule.queue,
        schedule.priority,
        schedule.max_attempts,
        schedule.dedup_key,
        due,
        0.0,
        producer,
    )


def as_dict(schedule: Schedule) -> dict[str, Any]:
    """The schedule as its users see it."""
    shown = {name: getattr(schedule, name) for name in SCHEDULE_FIELDS if name not in _HIDDEN}
    return shown | {"args": document(schedule.args)}
