"""Times as this backend stores them: ISO-8601 in UTC, of one width so that they sort as text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Clock = Callable[[], datetime]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_WIDTH: Final = 27


def system_clock() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seen(text: Any) -> datetime:
    """The time in a row that somebody may have edited; what is no time at all counts as 1970."""
    return spelt(text) or _EPOCH


def spelt(text: Any) -> datetime | None:
    """The time in ISO-8601, in UTC where it has no zone; None for what is no such time."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def is_stamp(text: Any) -> bool:
    """Whether `text` has the form of a `stamp`, at a glance."""
    return isinstance(text, str) and len(text) == _WIDTH and text[-1] == "Z"


def ago(now: datetime, seconds: float) -> str:
    """`seconds` before `now`, however long that is."""
    try:
        return stamp(now - timedelta(seconds=seconds))
    except OverflowError:
        return stamp(datetime.min.replace(tzinfo=UTC))


def ahead(now: datetime, seconds: float) -> str:
    return stamp(now + timedelta(seconds=seconds))
