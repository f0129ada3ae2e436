"""What was observed, by series, resolution and bucket, on its way to the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from soniq.backends.metric_points import MetricChunk
from soniq.plugins.metrics.keys import Dropped
from soniq.plugins.metrics.recorder import Content, Minute
from soniq.plugins.metrics.resolutions import BY_NAME, RESOLUTIONS, is_kept

MOST_POINTS: Final = 200_000
"""Buckets that may wait for a store that is away."""


class Place(NamedTuple):
    """One bucket of one series."""

    key: str
    kind: str
    resolution: str
    start: int

    @property
    def end(self) -> int:
        return self.start + BY_NAME[self.resolution].seconds


Points = dict[Place, Content]


def add_minutes(points: Points, minutes: Iterable[Minute]) -> None:
    """Deal each minute out to the buckets of every resolution that it lies in."""
    for minute in minutes:
        starts = [(each.name, each.bucket(minute.start)) for each in RESOLUTIONS]
        for key, content in minute.series.items():
            for name, start in starts:
                add(points, Place(key, content.kind.value, name, start), content)


def add(points: Points, place: Place, content: Content) -> None:
    """Merge `content` into what `points` holds at `place`; `content` stays as it is."""
    held = points.get(place)
    if held is None:
        points[place] = content.copy()
    else:
        held.merge(content)  # type: ignore[arg-type]  # the place says the kind


def together(held: Mapping[Place, Content], more: Mapping[Place, Content]) -> Points:
    """What the places of `more` hold with both."""
    found: Points = {}
    for place, content in more.items():
        if place in held:
            found[place] = held[place].copy()
        add(found, place, content)
    return found


def prune(points: Points, keep: Mapping[str, int], now: float) -> None:
    """Forget buckets that nobody would be shown any more."""
    old = [
        place
        for place in points
        if not is_kept(BY_NAME[place.resolution], place.start, keep[place.resolution], now)
    ]
    for place in old:
        del points[place]


def bound(points: Points, dropped: Dropped, most: int = MOST_POINTS) -> None:
    """Drop the buckets beyond `most` that ended first, and count what was in them."""
    excess = len(points) - most
    if excess <= 0:
        return
    # Of those that end together the finer ones, which a coarser one still has.
    for place in sorted(points, key=lambda place: (place.end, -place.start))[:excess]:
        dropped.add("age: the store has been away for too long", place.key, points.pop(place).count)
    dropped.tell()


def chunks(points: Points, keep: Mapping[str, int]) -> list[MetricChunk]:
    """As rows to store: the buckets of each series and chunk together."""
    rows: dict[tuple[str, str, str, int], MetricChunk] = {}
    for place, content in points.items():
        resolution = BY_NAME[place.resolution]
        start = resolution.chunk_of(place.start)
        where = (place.key, place.kind, place.resolution, start)
        row = rows.get(where)
        if row is None:
            end, kept = start + resolution.chunk, keep[place.resolution]
            row = rows[where] = MetricChunk(*where, end, kept, {})
        row.points[place.start] = content.encode()
    return list(rows.values())
