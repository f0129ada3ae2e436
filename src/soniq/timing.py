"""When a schedule falls due: by a cron expression in a zone, or at a true interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from soniq.crontab import Cron
from soniq.limits import MAX_DELAY
from soniq.schedules import CronText, Every

CRON: Final = "cron"
INTERVAL: Final = "interval"
_SHORTEST: Final = 1.0


class Times(Protocol):
    """The due times of a schedule."""

    def after(self, due: datetime, moment: datetime) -> datetime:
        """The first due time after `moment`; `due` is one of them, from which intervals count."""
        ...

    def number(self, first: datetime, end: datetime) -> int:
        """How many due times there are from `first`, which is one, until before `end`."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """When, as it is stored.

    Attributes:
        kind: ``cron`` or ``interval``.
        value: the cron expression, or seconds as text.
        timezone: IANA name of the zone of the expression; intervals only show times in it.
    """

    kind: str
    value: str
    timezone: str

    def times(self) -> Times:
        """The due times it stands for.

        Raises:
            ValueError: this machine cannot tell, for it does not know the zone, say.
        """
        return _times(self)


def timing(cron: Any, every: Any, timezone: Any) -> Timing:
    """Check what a schedule says of its times.

    Args:
        cron: an expression, or what the words of `soniq.schedules` give.
        every: a timedelta or seconds, at least one; or what those words give.
        timezone: IANA name of a zone; None is UTC.

    Raises:
        ValueError: not exactly one of `cron` and `every`, or one that means nothing.
    """
    if (cron is None) == (every is None):
        raise ValueError("a schedule takes exactly one of cron= and every=")
    for unfinished in (cron, every):
        if isinstance(unfinished, Every):
            raise ValueError(  # noqa: TRY004 - what a schedule says is a value
                f"{unfinished!r} names no unit: write {unfinished!r}.minutes(), or .seconds(), "
                ".hours() or .days()"
            )
    zone = "UTC" if timezone is None else timezone
    if isinstance(every, CronText):
        # `every(5).minutes()` reads well after either keyword, whichever it turns out to be.
        cron, every = every, None
    elif isinstance(cron, timedelta):
        cron, every = None, cron
    found = _by_cron(cron, zone) if every is None else _by_interval(every, zone)
    found.times()
    return found


def _by_cron(expression: Any, zone: str) -> Timing:
    if not isinstance(expression, str):
        raise ValueError(f"cron: it takes an expression as text, got {expression!r}")  # noqa: TRY004
    return Timing(CRON, " ".join(expression.split()), zone)


def _by_interval(every: Any, zone: str) -> Timing:
    seconds = every.total_seconds() if isinstance(every, timedelta) else every
    if (
        not isinstance(seconds, int | float)
        or isinstance(seconds, bool)
        or not _SHORTEST <= seconds <= MAX_DELAY
    ):
        raise ValueError(
            f"every: it takes a timedelta or seconds, from 1 second to ten years, got {every!r}"
        )
    whole = round(seconds, 6)
    return Timing(INTERVAL, str(int(whole) if whole == int(whole) else whole), zone)


@lru_cache(maxsize=1024)
def _times(timing: Timing) -> Times:
    zone = known_zone(timing.timezone)
    if timing.kind == CRON:
        return _CronTimes(Cron(timing.value, zone))
    return _Interval(timedelta(seconds=float(timing.value)))


def known_zone(name: Any) -> ZoneInfo:
    """The zone of that IANA name.

    Raises:
        ValueError: there is none, on this machine at least.
    """
    try:
        if isinstance(name, str) and name:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    raise ValueError(
        f"timezone: no zone is named {name!r}; it takes an IANA name such as Europe/Berlin (where "
        "the system has no zones, install tzdata)"
    )


@dataclass(frozen=True, slots=True)
class _CronTimes:
    cron: Cron

    def after(self, due: datetime, moment: datetime) -> datetime:
        return self.cron.after(moment)

    def number(self, first: datetime, end: datetime) -> int:
        return 1 + self.cron.between(first, end) if first < end else 0


@dataclass(frozen=True, slots=True)
class _Interval:
    length: timedelta

    def after(self, due: datetime, moment: datetime) -> datetime:
        passed = max((moment - due) // self.length, -1)
        return (due + (passed + 1) * self.length).astimezone(UTC)

    def number(self, first: datetime, end: datetime) -> int:
        return max(0, -((first - end) // self.length))
