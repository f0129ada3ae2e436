"""Words for schedules: ``daily().at("09:30")`` reads better than ``30 9 * * *``, and is that text.

Everything here gives a cron expression, which is a ``str``, or a ``timedelta`` where no cron
expression means the same.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final, Self

__all__ = ["cron", "daily", "every", "monthly", "weekly"]

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MOST_DAYS: Final = 31


class CronText(str):
    """A cron expression made here."""

    __slots__ = ()


class Daily(CronText):
    """Once a day, at midnight unless `at` says otherwise."""

    __slots__ = ()

    def at(self, clock: str) -> Self:
        """The same at this time of day, ``"HH:MM"``.

        Raises:
            ValueError: it is no time of day.
        """
        if (found := _CLOCK.fullmatch(str(clock))) is None:
            raise ValueError(f'at() takes a time of day as "HH:MM", got {clock!r}')
        return type(self)(f"{int(found[2])} {int(found[1])} {self.split(' ', 2)[2]}")


class Weekly(Daily):
    """Once a week, on Sunday unless `on` says otherwise."""

    __slots__ = ()

    def on(self, day: int | str) -> Self:
        """The same on this day: 0-6 from Sunday, or its name, in full or its first three letters.

        Raises:
            ValueError: it is no day of the week.
        """
        return type(self)(f"{self.rpartition(' ')[0]} {_day_of_week(day)}")


class Monthly(Daily):
    """Once a month, on the first unless `on_day` says otherwise."""

    __slots__ = ()

    def on_day(self, day: int) -> Self:
        """The same on this day of the month, 1-31; months without it are left out.

        Raises:
            ValueError: no month has such a day.
        """
        if not _is_whole(day) or not 1 <= day <= _MOST_DAYS:
            raise ValueError(f"on_day() takes a day of the month from 1 to 31, got {day!r}")
        minute, hour, *_ = self.split()
        return type(self)(f"{minute} {hour} {day} * *")


class Every:
    """A number of units still to be named."""

    def __init__(self, number: int) -> None:
        if not _is_whole(number) or number < 1:
            raise ValueError(f"every() takes a whole number from 1 up, got {number!r}")
        self._number = number

    def __repr__(self) -> str:
        return f"every({self._number})"

    def seconds(self) -> timedelta:
        """Every so many seconds."""
        return self._interval("seconds")

    def minutes(self) -> CronText | timedelta:
        """Every so many minutes of the hour, where they divide it; else a true interval."""
        return self._dividing(60, "*/{} * * * *", "minutes")

    def hours(self) -> CronText | timedelta:
        """Every so many hours of the day, where they divide it; else a true interval."""
        return self._dividing(24, "0 */{} * * *", "hours")

    def days(self) -> CronText | timedelta:
        """Every so many days, begun anew each month; a true interval from 32 on."""
        if self._number <= _MOST_DAYS:
            return CronText(f"0 0 */{self._number} * *")
        return self._interval("days")

    def _dividing(self, whole: int, pattern: str, unit: str) -> CronText | timedelta:
        if whole % self._number == 0:
            return CronText(pattern.format(self._number))
        return self._interval(unit)

    def _interval(self, unit: str) -> timedelta:
        try:
            return timedelta(**{unit: self._number})
        except OverflowError as error:
            raise ValueError(f"every({self._number}).{unit}() is longer than any time") from error


def every(number: int) -> Every:
    """``every(5).minutes()``, likewise ``seconds``, ``hours`` and ``days``.

    Raises:
        ValueError: not a whole number from 1 up.
    """
    return Every(number)


def daily() -> Daily:
    """Every day: ``daily().at("09:30")``."""
    return Daily("0 0 * * *")


def weekly() -> Weekly:
    """Every week: ``weekly().on("monday").at("09:30")``."""
    return Weekly("0 0 * * 0")


def monthly() -> Monthly:
    """Every month: ``monthly().on_day(15).at("09:30")``."""
    return Monthly("0 0 1 * *")


def cron(text: str) -> str:
    """The cron expression itself.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"cron() takes an expression as text, got {type(text).__name__}")
    return text


def _day_of_week(day: Any) -> int:
    if _is_whole(day) and 0 <= day < len(_DAYS):
        return int(day)
    if isinstance(day, str):
        for number, name in enumerate(_DAYS):
            if day.strip().lower() in (name, name[:3]):
                return number
    raise ValueError(
        f"on() takes a day of the week, 0 (Sunday) to 6 or its name such as monday, got {day!r}"
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
