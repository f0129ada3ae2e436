"""When a job is due: a point in time, or so many seconds after the store's now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from soniq.limits import check_seconds

# The driver of Postgres stores the very ends of the calendar as infinities, which are no times.
_EARLIEST: Final = datetime.min.replace(microsecond=1, tzinfo=UTC)
_LATEST: Final = datetime.max.replace(microsecond=999_998, tzinfo=UTC)


def due(scheduled_at: Any, delay: Any) -> tuple[datetime | None, float]:
    """Return the aware time (UTC) and the delay in seconds to store; one of them says it.

    Args:
        scheduled_at: aware datetime, timedelta or seconds from now, or None.
        delay: timedelta or seconds from now, or None.

    Raises:
        TypeError: both are given, or one is of no such type.
        ValueError: a naive datetime, or seconds out of bounds.
    """
    if delay is not None:
        if scheduled_at is not None:
            raise TypeError("give scheduled_at or delay, not both: they mean the same")
        return None, check_seconds("delay", delay)
    if scheduled_at is None:
        return None, 0.0
    if isinstance(scheduled_at, datetime):
        return _aware(scheduled_at), 0.0
    if isinstance(scheduled_at, bool) or not isinstance(scheduled_at, int | float | timedelta):
        raise TypeError(
            "scheduled_at must be an aware datetime, a timedelta or seconds from now, got "
            f"{type(scheduled_at).__name__}"
        )
    return None, check_seconds("scheduled_at", scheduled_at)


def _aware(when: datetime) -> datetime:
    if when.utcoffset() is None:
        raise ValueError(
            f"scheduled_at must have a time zone, got the naive {when.isoformat()}; write "
            "datetime.now(UTC), or give seconds or a timedelta"
        )
    try:
        return min(max(when.astimezone(UTC), _EARLIEST), _LATEST)
    except OverflowError as error:
        raise ValueError(f"scheduled_at {when.isoformat()} is out of range in UTC") from error
