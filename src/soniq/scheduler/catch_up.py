"""Which due times fire when a scheduler comes to a schedule, and which it has missed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import dropwhile, islice, takewhile
from typing import Final, NamedTuple

from soniq.backends.schedules import Schedule
from soniq.periodic import CatchUp
from soniq.scheduler.draft import fires_at, timing_of
from soniq.timing import Times

MOST_RUNS: Final = 1000
"""Runs of one schedule after an outage."""
_TICK: Final = timedelta(microseconds=1)


class Turn(NamedTuple):
    """What a schedule does when its time has come."""

    runs: list[datetime]
    """When each of its runs was to fire, oldest first."""
    next_run: datetime
    """The first due time left."""
    dropped: int = 0
    """Missed runs beyond the most that are caught up."""


def turn(schedule: Schedule, now: datetime, missed_after: float) -> Turn:
    """What a schedule does at `now`, which is not before its `fires_at`.

    Args:
        missed_after: seconds; a run that was to fire earlier than so long ago is a missed one,
            with which the schedule's policy deals. A younger one is late, and fires.

    Raises:
        ValueError: its timing cannot be understood here.
    """
    times = timing_of(schedule).times()
    cutoff = now - timedelta(seconds=missed_after)
    first_late = _first_not_missed(schedule, times, cutoff)
    due_late = _late(schedule, times, first_late, now)
    late = [fires_at(schedule, due) for due in islice(due_late, MOST_RUNS)]
    next_run = next(islice(_from(times, first_late), len(late), None))
    missed = takewhile(lambda due: due < first_late, _from(times, schedule.next_run))
    match CatchUp(schedule.catch_up):
        case CatchUp.SKIP:
            return Turn(late, next_run)
        case CatchUp.ONE:
            return Turn([fires_at(schedule, due) for due in islice(missed, 1)] + late, next_run)
        case CatchUp.ALL:
            caught_up = [fires_at(schedule, due) for due in islice(missed, MOST_RUNS - len(late))]
            dropped = times.number(schedule.next_run, first_late) - len(caught_up)
            return Turn(caught_up + late, next_run, dropped)


def _from(times: Times, due: datetime) -> Iterator[datetime]:
    while True:
        yield due
        due = times.after(due, due)


def _first_not_missed(schedule: Schedule, times: Times, cutoff: datetime) -> datetime:
    due = schedule.next_run
    if fires_at(schedule, due) >= cutoff:
        return due
    # Nothing due before then can have been put off until after the cutoff.
    earliest = max(due, cutoff - timedelta(seconds=schedule.jitter) - _TICK)
    later = _from(times, times.after(due, earliest))
    return next(dropwhile(lambda each: fires_at(schedule, each) < cutoff, later))


def _late(schedule: Schedule, times: Times, first: datetime, now: datetime) -> Iterator[datetime]:
    return takewhile(lambda due: fires_at(schedule, due) <= now, _from(times, first))
