"""The series that the Metrics plugin stores, where an application has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from soniq.backends.base import Backend
from soniq.backends.metric_points import StoredChunk
from soniq.dashboard.desk import Desk
from soniq.dashboard.figures import History, HistoryPoint, Series

_MILLISECONDS: Final = 1000


async def series_of(
    desk: Desk, prefix: str, resolution: str, worker_id: str | None
) -> dict[str, Series]:
    """The series whose keys begin with `prefix`, in one resolution; none without the plugin.

    Raises:
        ValueError: an unknown resolution.
    """
    plugin: Any = desk.stored_metrics
    if plugin is None:
        return {}
    from soniq.plugins.metrics.resolutions import resolution_of

    name = resolution_of(resolution).name
    found = await plugin.get_metrics(desk.app, prefix or None, worker_id)
    return {key: Series(metric.metric_type, metric.values[name]) for key, metric in found.items()}


async def stored_history(desk: Desk, resolution: str, seconds: int) -> History | None:
    """What the stored series tell of the last `seconds`; None where they tell nothing."""
    if desk.stored_metrics is None:
        return None
    now = (await desk.ask(lambda backend: backend.diagnosis.clock())).timestamp()
    statuses = await _read(desk, "global:status", resolution)
    queues = await _read(desk, "queue", resolution)
    if not statuses:
        return None
    return _History(resolution, seconds, now).told(statuses, queues)


async def _read(desk: Desk, prefix: str, resolution: str) -> list[StoredChunk]:
    async def read(backend: Backend) -> list[StoredChunk]:
        return list(await backend.metric_points.read(prefix=prefix, resolution=resolution))

    return await desk.ask(read)


class _History:
    """Reads the points of many series together.

    Args:
        resolution: of the points.
        seconds: how far back.
        now: seconds since the epoch, by the store's clock.
    """

    def __init__(self, resolution: str, seconds: int, now: float) -> None:
        from soniq.plugins.metrics.resolutions import resolution_of

        self._resolution = resolution_of(resolution)
        self._now = now
        step = self._resolution.seconds
        last = int(now) // step * step
        self._starts = range(last - seconds + step, last + 1, step)

    def told(self, statuses: list[StoredChunk], queues: list[StoredChunk]) -> History:
        done, failed, dead = (
            self._together(statuses, "counter", f":{status}")
            for status in ("done", "failed", "dead_letter")
        )
        depth = self._summed(queues, ":depth")
        runs = self._together(queues, "histogram", ":execution_time")
        waits = self._together(queues, "histogram", ":wait_time")
        first = min((*done, *failed, *dead), default=int(self._now))
        points = [
            HistoryPoint(
                at=datetime.fromtimestamp(at, UTC),
                done=_number(done, at, first),
                failed=_failures(failed, dead, at, first),
                dead_letter=_number(dead, at, first),
                depth=depth.get(at),
                run_p50_ms=_time(runs, at, "p50"),
                run_p95_ms=_time(runs, at, "p95"),
                wait_p95_ms=_time(waits, at, "p95"),
            )
            for at in self._starts
        ]
        covers = datetime.fromtimestamp(max(first, self._starts[0]), UTC)
        return History(self._resolution.name, covers, points)

    def _together(self, rows: Iterable[StoredChunk], kind: str, ending: str) -> dict[int, Any]:
        """The points, by their starts, that all series of that kind and ending make together."""
        from soniq.plugins.metrics.points import newest_first

        chosen = [row for row in rows if row.kind == kind and row.key.endswith(ending)]
        points = newest_first(kind, self._resolution, chosen, self._now)
        return {int(at.timestamp()): value for at, value in points}

    def _summed(self, rows: list[StoredChunk], ending: str) -> dict[int, float]:
        """Gauges do not add up by themselves: the newest value of each series counts."""
        sums: dict[int, float] = {}
        for key in {row.key for row in rows if row.key.endswith(ending)}:
            own = [row for row in rows if row.key == key]
            for at, value in self._together(own, "gauge", ending).items():
                sums[at] = sums.get(at, 0) + value
        return sums


def _number(points: dict[int, Any], at: int, first: int) -> int | None:
    """Nothing recorded is none, once anything was."""
    return round(points.get(at, 0)) if at >= first else None


def _failures(failed: dict[int, Any], dead: dict[int, Any], at: int, first: int) -> int | None:
    """The attempt that made a job a dead letter has failed too."""
    numbers = _number(failed, at, first), _number(dead, at, first)
    return None if None in numbers else sum(number or 0 for number in numbers)


def _time(points: dict[int, Any], at: int, share: str) -> float | None:
    point = points.get(at)
    return None if point is None else float(point[share]) * _MILLISECONDS
