"""Some time, and what the points of stored series tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from soniq.backends.metric_points import StoredChunk

if TYPE_CHECKING:
    from soniq.plugins.metrics.resolutions import Resolution


class Stretch:
    """The buckets of the last seconds, in one resolution.

    Args:
        resolution: of the points.
        seconds: how far back.
        now: seconds since the epoch, by the store's clock.

    Attributes:
        starts: of the buckets; the first is not older than asked for, the last is not over yet.
    """

    def __init__(self, resolution: Resolution, seconds: float, now: float) -> None:
        step = resolution.seconds
        last = resolution.bucket(now)
        self.starts = range(last - (int(seconds // step) - 1) * step, last + 1, step)
        self._resolution = resolution
        self._now = now

    def together(self, rows: Iterable[StoredChunk], kind: str, ending: str = "") -> dict[int, Any]:
        """The points, by their starts, that all series of that kind and ending make together."""
        chosen = [row for row in rows if row.kind == kind and row.key.endswith(ending)]
        return _points(self._resolution, kind, chosen, self._now)

    def total(self, rows: Iterable[StoredChunk], ending: str) -> int:
        """What the counters of that ending came to."""
        points = self.together(rows, "counter", ending)
        came_to: float = sum(points.get(at, 0) for at in self.starts)
        return round(came_to)

    def summed(self, rows: list[StoredChunk], ending: str) -> dict[int, float]:
        """Gauges do not add up by themselves: the newest value of each series counts."""
        sums: dict[int, float] = {}
        for key in {row.key for row in rows if row.key.endswith(ending)}:
            own = [row for row in rows if row.key == key]
            for at, value in self.together(own, "gauge", ending).items():
                sums[at] = sums.get(at, 0) + value
        return sums

    def known_since(self, counters: Iterable[StoredChunk]) -> int:
        """From which bucket on `counters`, in all resolutions, tell everything there was.

        Nothing recorded means that nothing was: once recording had begun, and while points of that
        age are kept.
        """
        rows = list(counters)
        keep = max((row.keep for row in rows if row.resolution == self._resolution.name), default=0)
        kept = self._resolution.bucket(self._now) - keep + self._resolution.seconds
        return max(self.starts[0], kept if keep else 0, self._begun(rows))

    def _begun(self, rows: list[StoredChunk]) -> int:
        """When recording had begun at the latest, as the oldest point of any resolution tells."""
        from soniq.plugins.metrics.resolutions import RESOLUTIONS

        found = [int(self._now)]
        for each in RESOLUTIONS:
            points = _points(each, "counter", rows, self._now)
            # It may have begun anywhere in a bucket; of those that are shown, that is near enough.
            inside = 0 if each is self._resolution else each.seconds
            found += [min(points) + inside] if points else []
        return min(found)


def _points(
    resolution: Resolution, kind: str, rows: Iterable[StoredChunk], now: float
) -> dict[int, Any]:
    from soniq.plugins.metrics.points import newest_first

    own = [row for row in rows if row.resolution == resolution.name]
    points = newest_first(kind, resolution, own, now)
    return {int(at.timestamp()): value for at, value in points}


def resolution_for(seconds: float, rows: Iterable[StoredChunk]) -> Resolution:
    """The finest resolution of which points are kept for so long, else the longest kept one."""
    from soniq.plugins.metrics.resolutions import RESOLUTIONS

    keeps: dict[str, int] = {}
    for row in rows:
        keeps[row.resolution] = max(row.keep, keeps.get(row.resolution, 0))
    fitting = [each for each in RESOLUTIONS if each.seconds <= seconds]
    return max(fitting, key=lambda each: min(keeps.get(each.name, 0), seconds))
