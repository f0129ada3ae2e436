"""What a cron expression means, the slow way: look at every minute of the wall clock in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))

Walk = Sequence[tuple[datetime, datetime]]
"""Moments in UTC, a minute apart, and what the wall clock shows at each."""


@cache
def clock_changes(name: str) -> tuple[datetime, ...]:
    """The first whole minutes after each change of a zone's clock from 2020 to 2030."""
    zone = ZoneInfo(name)
    days = [datetime(2020, 1, 1, tzinfo=UTC) + number * DAY for number in range(4018)]
    found = []
    for before, after in pairwise(days):
        if _offset(zone, before) != _offset(zone, after):
            hours = [before + number * HOUR for number in range(25)]
            hour = next(a for a, b in pairwise(hours) if _offset(zone, a) != _offset(zone, b))
            minutes = (hour + number * MINUTE for number in range(1, 61))
            found.append(next(m for m in minutes if _offset(zone, m) != _offset(zone, hour)))
    return tuple(found)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def walk(name: str, start: datetime, end: datetime) -> Walk:
    """Every minute after `start` and not after `end`."""
    zone = ZoneInfo(name)
    number = int((end - start) / MINUTE)
    moments = (start + step * MINUTE for step in range(number + 1))
    return [(moment, moment.astimezone(zone).replace(tzinfo=None)) for moment in moments]


def firings(expression: str, minutes: Walk) -> list[datetime]:
    """When an expression of five fields fires, after the first of these minutes."""
    fields = expression.split()
    sets = [_field(text, *bounds) for text, bounds in zip(fields, _BOUNDS, strict=True)]
    by_wall_clock = not fields[0].startswith("*") and not fields[1].startswith("*")
    either_day = not fields[2].startswith("*") and not fields[4].startswith("*")

    def matches(wall: datetime) -> bool:
        minute, hour, day, month, weekday = sets
        if wall.minute not in minute or wall.hour not in hour or wall.month not in month:
            return False
        on_weekday = wall.isoweekday() in weekday or wall.isoweekday() % 7 in weekday
        if either_day:
            return wall.day in day or on_weekday
        return wall.day in day and on_weekday

    if not by_wall_clock:
        return [moment for moment, wall in minutes[1:] if matches(wall)]
    return list(_told_by_the_wall_clock(matches, minutes))


def _told_by_the_wall_clock(matches: object, minutes: Walk) -> Iterator[datetime]:
    assert callable(matches)
    shown = minutes[0][1]
    for moment, wall in minutes[1:]:
        if wall <= shown:
            continue  # the clock was set back: all this has been shown before
        if any(matches(skipped) for skipped in _between(shown, wall)) or matches(wall):
            yield moment
        shown = wall


def _between(first: datetime, last: datetime) -> Iterator[datetime]:
    while (first := first + MINUTE) < last:
        yield first


def _field(text: str, low: int, high: int) -> set[int]:
    chosen: set[int] = set()
    for term in text.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            every = range(low, high + 1)
        elif last:
            every = range(int(first), int(last) + 1)
        else:
            every = range(int(first), (high if step else int(first)) + 1)
        chosen.update(every[:: int(step or 1)])
    return chosen
