"""What may be said about a job when it is enqueued, apart from its arguments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypedDict

from soniq.spelling import nearest


class EnqueueOptions(TypedDict, total=False):
    """The keywords of ``.options()``."""

    queue: str | None
    priority: int | None
    scheduled_at: datetime | timedelta | float | None
    delay: timedelta | float | None
    unique: bool | None
    dedup_key: str | None
    connection: object | None


class Options(NamedTuple):
    """The same, as they were given; None means not given."""

    queue: Any = None
    priority: Any = None
    scheduled_at: Any = None
    delay: Any = None
    unique: Any = None
    dedup_key: Any = None
    connection: Any = None


_ELSEWHERE: Final = {
    "countdown": "delay",
    "eta": "scheduled_at",
    "run_at": "scheduled_at",
}
"""What other queues call them."""


def nearest_option(name: str) -> str | None:
    """The option that whoever wrote `name` may have meant; None if it resembles none."""
    return _ELSEWHERE.get(name) or nearest(name, Options._fields)
