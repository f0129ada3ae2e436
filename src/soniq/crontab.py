"""Cron expressions in time zones.

The fields are read and matched by cronsim; daylight saving is settled here, by the rule of Debian's
cron (its manual, cron(8), "Daylight saving time and other time changes"):

- Fixed times, where neither the minute nor the hour field begins with ``*``, are told by the wall
  clock. One that a gap leaves out fires right after the gap (several that fall into one gap fire
  there together, once), and one that comes twice fires the first time only.
- All others follow elapsed time: they fire in both of two doubled hours, and what a gap leaves out
  is left out.

cronsim applies it to five fields only and steps over hours in UTC, which misses times where clocks
change by half an hour; so it is given wall-clock time without a zone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MACROS: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_TICK: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_UNSETTLED: Final = timedelta(hours=8)
"""After a change of the clock, until nothing on the wall was there before: since 1970 no change has
put a clock back by more than seven hours."""
_ANY_DAY: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - wall-clock time on purpose
_TAKES: Final = {
    "second": "0 to 59",
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, and no more than the month has",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday) or SUN to SAT",
}


class Cron:
    """When an expression fires in a zone.

    Args:
        expression: 5 fields, 6 with seconds first, or a macro such as ``@daily``.
        zone: whose wall clock it is told by.

    Raises:
        ValueError: it names the field that is wrong, or says that the expression never fires.
    """

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        self._fields = _fields(expression)
        self._zone = zone
        _check_fires(expression, self._fields)
        *_, minute, hour, _, _, _ = self._fields.split()
        self._is_fixed = not minute.startswith("*") and not hour.startswith("*")

    def after(self, moment: datetime) -> datetime:
        """The first time after `moment`, in UTC."""
        moment = moment.astimezone(UTC)
        return self._fixed_after(moment) if self._is_fixed else self._elapsed_after(moment)

    def between(self, start: datetime, end: datetime) -> int:
        """How often it fires after `start` and before `end`, in time for many millions, too."""
        start, end = _next_second(start), _next_second(end - _TICK)
        clock = _clock(self._fields) if start < end else []
        found = 0
        while start < end:
            change = _first_change(self._zone, start - _UNSETTLED, end)
            if change is not None and change <= start:
                stop = min(change + _UNSETTLED, end)
                found += self._walked(start, stop)
            else:
                stop = change or end
                wall = _wall(start, self._zone)
                found += _told(self._fields, clock, wall, wall + (stop - start))
            start = stop
        return found

    def _walked(self, start: datetime, end: datetime) -> int:
        """How often it fires from `start` until before `end`, going there time by time."""
        found, fires = 0, self.after(start - _SECOND)
        while fires < end:
            found, fires = found + 1, self.after(fires)
        return found

    def _fixed_after(self, moment: datetime) -> datetime:
        for wall in self._walls_after(_wall(moment, self._zone)):
            # An hour that comes twice has been told already when it comes again.
            if (fires := self._instant(wall)) > moment:
                return fires
        raise AssertionError("an expression that fires once fires again")

    def _instant(self, wall: datetime) -> datetime:
        """When the wall clock shows this for the first time, or the end of the gap it is in."""
        instant = wall.replace(tzinfo=self._zone).astimezone(UTC)
        if _wall(instant, self._zone) == wall:
            return instant
        # Told by the offset before the gap, `wall` is a time after it; by that after it, before.
        before = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        return _change(self._zone, before, instant)

    def _elapsed_after(self, moment: datetime) -> datetime:
        """Between two changes of the clock, wall-clock time is elapsed time."""
        while True:
            wall = _wall(moment, self._zone)
            wanted = next(self._walls_after(wall))
            offset = wall - moment.replace(tzinfo=None)
            fires = (wanted - offset).replace(tzinfo=UTC)
            change = _first_change(self._zone, moment, fires)
            if change is None:
                return fires
            if _matches(self._fields, _wall(change, self._zone)):
                return change
            moment = change

    def _walls_after(self, wall: datetime) -> Iterator[datetime]:
        return CronSim(self._fields, wall)


def _fields(expression: str) -> str:
    text = expression.strip()
    if text.startswith("@"):
        if (known := MACROS.get(text.lower())) is None:
            raise ValueError(
                f"cron: unknown macro {expression!r}; there are {', '.join(sorted(MACROS))}"
            )
        return known
    number = len(text.split())
    if number not in (5, 6):
        raise ValueError(
            f"cron: {expression!r} has {number} fields; it takes 5 (minute hour day-of-month month "
            "day-of-week), or 6 with seconds first"
        )
    return text


def _check_fires(expression: str, fields: str) -> None:
    try:
        next(CronSim(fields, _ANY_DAY))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        raise ValueError(
            f"cron: the {field} field of {expression!r} is not possible: it takes {_TAKES[field]},"
            " in lists (1,15), ranges (1-5) or steps (*/10)"
        ) from error
    except StopIteration:
        raise ValueError(f"cron: {expression!r} never fires: there is no such date") from None


def _clock(fields: str) -> list[timedelta]:
    """When it fires on a day that is one of its days, since midnight."""
    clock = " ".join(fields.split()[:-3])
    fires = CronSim(f"{clock} * * *", _ANY_DAY - _SECOND)
    return [each - _ANY_DAY for each in takewhile(lambda each: each < _ANY_DAY + _DAY, fires)]


def _told(fields: str, clock: Sequence[timedelta], start: datetime, end: datetime) -> int:
    """How often a wall clock that nobody changes tells it, from `start` until before `end`."""
    midnight = start.replace(hour=0, minute=0, second=0)
    days = CronSim(f"0 0 {' '.join(fields.split()[-3:])}", midnight - _SECOND)
    return sum(
        bisect_left(clock, end - day) - bisect_left(clock, start - day)
        for day in takewhile(lambda day: day < end, days)
    )


def _next_second(moment: datetime) -> datetime:
    """The first whole second after it, in UTC."""
    return moment.astimezone(UTC).replace(microsecond=0) + _SECOND


def _matches(fields: str, wall: datetime) -> bool:
    return next(CronSim(fields, wall - _SECOND)) == wall


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _first_change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """When the zone's offset first changes after `start` and not after `end`; None for never."""
    offset = _offset(zone, start)
    while start < end:
        step = min(start + _DAY, end)
        if _offset(zone, step) != offset:
            return _change(zone, start, step)
        start = step
    return None


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the offset changes: it differs between `before` and `after`."""
    offset = _offset(zone, before)
    seconds = int((after - before).total_seconds())
    low, high = 0, seconds + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, before + middle * _SECOND) == offset:
            low = middle
        else:
            high = middle
    return (before + high * _SECOND).replace(microsecond=0)
