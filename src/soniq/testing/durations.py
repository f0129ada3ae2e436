"""Lengths of time as tests write them."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any, Final

_UNITS: Final = {
    "microsecond": timedelta(microseconds=1),
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_SHORT: Final = {
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
}
_PART: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*(?:,|and\b)?\s*", re.IGNORECASE)


def duration(value: Any) -> timedelta:
    """`value` as a timedelta: one already, seconds, or text like ``"3 days"`` or ``"1h 30min"``.

    Raises:
        TypeError: it is none of these.
        ValueError: it is negative, no number, or text that cannot be read.
    """
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, timedelta):
        length = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError(f"a number of seconds was expected, got {value!r}")
        length = timedelta(seconds=value)
    else:
        raise TypeError(
            f'expected seconds, a timedelta or text like "3 days", got {type(value).__name__}'
        )
    if length < timedelta(0):
        raise ValueError(f"time only goes forward, got {value!r}")
    return length


def _read(text: str) -> timedelta:
    length, position = timedelta(0), 0
    while position < len(text) or position == 0:
        part = _PART.match(text, position)
        unit = None if part is None else _unit(part[2].lower())
        if part is None or unit is None:
            raise ValueError(
                f'{text!r} is no length of time; write for example "90 seconds", "3 days" or '
                f'"1 hour 30 minutes". Units: {", ".join(f"{name}s" for name in _UNITS)}'
            )
        length += float(part[1]) * unit
        position = part.end()
    return length


def _unit(name: str) -> timedelta | None:
    return _UNITS.get(_SHORT.get(name, name.removesuffix("s")))
