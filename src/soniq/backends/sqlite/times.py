"""Times as this backend stores them: ISO-8601 in UTC, of one width so that they sort as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ago(now: datetime, seconds: float) -> str:
    """`seconds` before `now`, however long that is."""
    try:
        return stamp(now - timedelta(seconds=seconds))
    except OverflowError:
        return stamp(datetime.min.replace(tzinfo=UTC))


def ahead(now: datetime, seconds: float) -> str:
    return stamp(now + timedelta(seconds=seconds))
