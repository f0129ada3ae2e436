"""A series between two times, in which what was not recorded is a gap."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from typing import Any, Final

from soniq.plugins.metrics.points import Point, moment
from soniq.plugins.metrics.resolutions import Resolution

GappedPoint = tuple[datetime, Any]
"""The start of a bucket, and what it holds, None for nothing."""
MOST_BUCKETS: Final = 10_000


def spread(
    points: Iterable[Point], resolution: Resolution, start: datetime, end: datetime
) -> list[GappedPoint]:
    """Every bucket that lies at least in part between `start` and `end` (exclusive), oldest first.

    Raises:
        ValueError: naive times, or more than `MOST_BUCKETS`.
    """
    first, last = resolution.bucket(_epoch("start", start)), ceil(_epoch("end", end))
    buckets = range(first, last, resolution.seconds)
    if len(buckets) > MOST_BUCKETS:
        raise ValueError(
            f"from {start} to {end} there are {len(buckets):,} buckets of {resolution.name}, more "
            f"than {MOST_BUCKETS:,}: ask for a shorter time, or for a coarser resolution"
        )
    found = dict(points)
    return [(at := moment(bucket), found.get(at)) for bucket in buckets]


def _epoch(name: str, at: datetime) -> float:
    if at.tzinfo is None:
        raise ValueError(f"{name} must be a datetime with a time zone, got {at!r}")
    return at.timestamp()
