"""Whether a series of samples grows without bound.

Load makes everything breathe: memory by what is in flight, tables by what awaits vacuum. What is
looked for is not movement but a trend. The slope is Theil and Sen's, the median of the slopes
between all pairs of samples, which a third of outliers does not move; and the samples must also
order themselves in time (Kendall's tau), which breathing does not. A series grows if both hold:

- tau is 0.5 or more: three of four pairs of samples rise;
- over the judged part the slope comes to more than a tenth of the median, and to more than what is
  named for it in `FLOORS`: below that it is the grain of the measurement. For what a store takes
  it is a quarter: files are not truncated, so their size is the highest water mark so far, which
  creeps up in ever rarer steps. A leak of one row in ten would show as several times that.

The first third is warm-up and not judged: pools fill, caches warm, free lists are built. What the
store holds is not judged in its first minute either, for until then rows are kept and none is
pruned; nor is what was timed, for other programs take so much of a machine for some seconds. Fewer
than eight samples tell nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean, median
from typing import Final, NamedTuple

WARM_UP: Final = 1 / 3
FEWEST: Final = 8
TAU: Final = 0.5
SHARE: Final = 0.1
WATER_MARK: Final = 0.25
MEGABYTE: Final = 1e6
FLOORS: Final[Mapping[str, float]] = {
    "worker memory": 8 * MEGABYTE,
    "file descriptors": 4,
    "threads": 4,
    "connections": 3,
    "dead tuples": 50_000,
    "table bytes": 32 * MEGABYTE,
    "index bytes": 32 * MEGABYTE,
    "file bytes": 32 * MEGABYTE,
    "log bytes": 64 * MEGABYTE,
    "jobs waiting": 1_000,
    "start p50 ms": 100,
    "start p95 ms": 100,
    "start p99 ms": 100,
    "run p99 ms": 100,
}
STORED: Final = frozenset({"dead tuples", "table bytes", "index bytes", "file bytes", "log bytes"})
TIMED: Final = frozenset({*(name for name in FLOORS if name.endswith(" ms")), "jobs waiting"})
FIRST_MINUTE: Final = 60.0
SLOWEST_SHARE: Final = 0.9
"""Of its throughput at first, what a store must keep."""
LEAST_PACE: Final = 0.9
"""Of the load that was meant, what must have come."""

Point = tuple[float, float]


class Trend(NamedTuple):
    """Where a series went.

    Attributes:
        rise: by how much, over the judged part.
        median: its middle.
        tau: from -1 (falls all the time) to 1 (rises all the time).
        grows: whether that is without bound.
    """

    rise: float
    median: float
    tau: float
    grows: bool


def trend(name: str, points: Sequence[Point]) -> Trend | None:
    """Judge the samples (seconds, value) of one series; None for too few."""
    judged = settled(points)
    if name in STORED | TIMED:
        judged = [point for point in judged if point[0] >= FIRST_MINUTE]
    if len(judged) < FEWEST:
        return None
    pairs = list(combinations(judged, 2))
    slope = median((later - value) / (end - start) for (start, value), (end, later) in pairs)
    rise = slope * (judged[-1][0] - judged[0][0])
    tau = sum((later > value) - (later < value) for (_, value), (_, later) in pairs) / len(pairs)
    middle = median(value for _, value in judged)
    share = WATER_MARK if name in STORED else SHARE
    grows = tau >= TAU and rise > max(share * abs(middle), FLOORS.get(name, 0.0))
    return Trend(rise, middle, tau, grows)


def settled(points: Sequence[Point]) -> list[Point]:
    """What comes after the warm-up."""
    if not points:
        return []
    start = points[0][0] + WARM_UP * (points[-1][0] - points[0][0])
    return [point for point in points if point[0] >= start]


def drift(points: Sequence[Point]) -> float | None:
    """The mean of the last third of a series, as a share of that of the second.

    None for less than a minute: other programs take so much of a machine for some seconds.
    """
    judged = [point for point in settled(points) if points[-1][0] >= FIRST_MINUTE]
    if len(judged) < FEWEST:
        return None
    half = len(judged) // 2
    before = fmean(value for _, value in judged[:half])
    return fmean(value for _, value in judged[half:]) / before if before else None
