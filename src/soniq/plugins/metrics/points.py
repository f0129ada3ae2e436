"""Stored points: merging those of several rows, and showing them to users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json

from soniq.backends.metric_points import StoredChunk
from soniq.plugins.metrics.resolutions import Resolution, newest_gone
from soniq.plugins.metrics.series import KINDS, merged

Point = tuple[datetime, Any]
"""The start of a bucket, and what it holds."""


def merge_rows(kind: str, rows: Sequence[str]) -> str:
    """The points of rows of one series (JSON objects), merged into one object."""
    return to_json(_merge(kind, rows)).decode()


def _merge(kind: str, rows: Iterable[str]) -> dict[str, Any]:
    points: dict[str, Any] = {}
    shared: dict[str, list[Any]] = {}
    for row in rows:
        found = from_json(row)
        for start in points.keys() & found.keys():
            shared.setdefault(start, [points[start]]).append(found[start])
        points.update(found)
    for start, parts in shared.items():
        points[start] = merged(kind, parts)
    return points


def newest_first(
    kind: str, resolution: Resolution, rows: Iterable[StoredChunk], now: float
) -> list[Point]:
    """The points of a series that are kept at `now`, as users see them."""
    rows = list(rows)
    keep = max((row.keep for row in rows), default=0)
    gone = newest_gone(resolution, keep, now)
    found = {
        start: stored
        for text, stored in _merge(kind, (row.points for row in rows)).items()
        if (start := int(text)) > gone
    }
    shown = KINDS[kind].shown_as
    return [(moment(start), shown(found[start])) for start in sorted(found, reverse=True)]


@lru_cache(maxsize=4096)
def moment(start: int) -> datetime:
    """The time, so many seconds after the epoch."""
    return datetime.fromtimestamp(start, UTC)
