"""What may be said about a job when it is enqueued, apart from its arguments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypedDict


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
