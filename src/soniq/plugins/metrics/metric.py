"""A series as users read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import groupby

from soniq.backends.metric_points import StoredChunk
from soniq.plugins.metrics.keys import matches_prefix
from soniq.plugins.metrics.points import Point, newest_first
from soniq.plugins.metrics.resolutions import BY_NAME, is_kept


class Metric:
    """One series: its kind, and its points in each resolution, newest first.

    A point is the start of its bucket (an aware datetime, UTC) and its value: a number for counters
    and gauges; for histograms a dict with count, sum, avg, min, max, p50, p95 and p99. Buckets in
    which nothing was recorded are left out.

    Attributes:
        metric_type: ``counter``, ``gauge`` or ``histogram``.
    """

    def __init__(self, metric_type: str, rows: Sequence[StoredChunk], now: float) -> None:
        """See `read_metrics`; points are read out of `rows` when they are asked for."""
        self.metric_type = metric_type
        self._rows = rows
        self._now = now
        self._points: dict[str, list[Point]] = {}

    @cached_property
    def values(self) -> dict[str, list[Point]]:
        """The points by resolution."""
        return {name: self.points(name) for name in BY_NAME}

    @property
    def values_1min(self) -> list[Point]:
        """The points of minutes."""
        return self.points("1min")

    @property
    def values_5min(self) -> list[Point]:
        """The points of five minutes each."""
        return self.points("5min")

    @property
    def values_1hour(self) -> list[Point]:
        """The points of hours."""
        return self.points("1hour")

    @property
    def values_1day(self) -> list[Point]:
        """The points of days."""
        return self.points("1day")

    def points(self, resolution: str) -> list[Point]:
        """The points of one resolution."""
        if resolution not in self._points:
            rows = [row for row in self._rows if row.resolution == resolution]
            self._points[resolution] = newest_first(
                self.metric_type, BY_NAME[resolution], rows, self._now
            )
        return self._points[resolution]

    def _is_kept(self) -> bool:
        """Whether there are points; most series need not read any to tell."""
        return any(
            row.resolution in BY_NAME
            and is_kept(BY_NAME[row.resolution], row.since, row.keep, self._now)
            for row in self._rows
        ) or any(self.points(name) for name in BY_NAME)

    def _size(self) -> int:
        """Of what is stored, in characters."""
        return sum(len(row.points) for row in self._rows)

    def __repr__(self) -> str:
        return f"Metric({self.metric_type!r}, {self.values!r})"


def read_metrics(rows: Iterable[StoredChunk], prefix: str, now: float) -> dict[str, Metric]:
    """The series that rows are of, by key; only those of which a point is kept.

    Args:
        rows: those of one series after each other.
        prefix: only the keys that begin with these parts.
        now: seconds since the epoch.
    """
    found: dict[str, Metric] = {}
    for key, group in groupby(rows, lambda row: row.key):
        if matches_prefix(prefix, key) and (metric := _metric(list(group), now)) is not None:
            found[key] = metric
    return found


def _metric(rows: Sequence[StoredChunk], now: float) -> Metric | None:
    """Where processes disagree about a kind, the one with the most to show for it."""
    kinds = sorted({row.kind for row in rows})
    series = (Metric(kind, [row for row in rows if row.kind == kind], now) for kind in kinds)
    return max((each for each in series if each._is_kept()), key=Metric._size, default=None)
