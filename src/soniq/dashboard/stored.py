"""The series that the Metrics plugin stores, where an application has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from soniq.backends.base import Backend
from soniq.backends.metric_points import StoredChunk
from soniq.dashboard.desk import Desk
from soniq.dashboard.figures import History, HistoryPoint, Series
from soniq.dashboard.stretch import Stretch, resolution_for
from soniq.plugins import Plugin

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_MILLISECONDS: Final = 1000
_STATUSES: Final = "global:status"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many jobs were done and given up since a moment."""

    done: int
    dead_letter: int
    since: datetime


async def series_of(
    desk: Desk, prefix: str, resolution: str, worker_id: str | None
) -> dict[str, Series]:
    """The series whose keys begin with `prefix`, in one resolution; none without the plugin.

    Raises:
        ValueError: an unknown resolution.
    """
    plugin = _teller(desk)
    if plugin is None:
        return {}
    from soniq.plugins.metrics.resolutions import resolution_of

    name = resolution_of(resolution).name
    found = await plugin.get_metrics(desk.app, prefix or None, worker_id)
    return {key: Series(metric.metric_type, metric.values[name]) for key, metric in found.items()}


async def stored_families(desk: Desk) -> list[Metric]:
    """Every series as Prometheus takes it; none without the plugin."""
    plugin = _teller(desk)
    if plugin is None:
        return []
    from soniq.plugins.metrics.exposition import families

    only = {"resolution": "1day"} if _is_built_in(plugin) else {}
    return families(await plugin.get_metrics(desk.app, **only))


def _teller(desk: Desk) -> Any:
    """The plugin, where it tells its series: one that stands in for the built-in need not."""
    plugin = desk.stored_metrics
    return plugin if hasattr(plugin, "get_metrics") else None


def _is_built_in(plugin: Plugin | None) -> bool:
    """Whether it keeps its points where `MetricStore` finds them."""
    if plugin is None:
        return False
    from soniq.plugins.metrics import Metrics

    return isinstance(plugin, Metrics)


async def stored_tally(desk: Desk, seconds: float) -> Tally | None:
    """What was done and given up in the last `seconds`, as the stored series tell.

    Returns:
        What they know of all of it, which is as old as the last sync of each worker; None where
        they know nothing.
    """
    statuses = await _read_statuses(desk)
    if not statuses:
        return None
    stretch = Stretch(resolution_for(seconds, statuses), seconds, await _now(desk))
    done, dead = (stretch.total(statuses, f":{one}") for one in ("done", "dead_letter"))
    return Tally(done, dead, _moment(stretch.known_since(statuses)))


async def stored_average_ms(desk: Desk, seconds: float) -> float | None:
    """How long runs of the last `seconds` took on the average; None where no series tells."""
    statuses = await _read_statuses(desk)
    if not statuses:
        return None
    resolution = resolution_for(seconds, statuses)
    stretch = Stretch(resolution, seconds, await _now(desk))
    queues = await _read(desk, "queue", resolution.name)
    runs = stretch.together(queues, "histogram", ":execution_time")
    found = [runs[at] for at in stretch.starts if at in runs]
    number = sum(run["count"] for run in found)
    return _MILLISECONDS * float(sum(run["sum"] for run in found)) / number if number else None


async def stored_history(desk: Desk, resolution: str, seconds: int) -> History | None:
    """What the stored series tell of the last `seconds`; None where they tell nothing."""
    statuses = await _read_statuses(desk)
    if not statuses:
        return None
    from soniq.plugins.metrics.resolutions import resolution_of

    stretch = Stretch(resolution_of(resolution), seconds, await _now(desk))
    first = stretch.known_since(statuses)
    points = _history(stretch, statuses, await _read(desk, "queue", resolution), first)
    return History(resolution, _moment(first), points)


async def _read_statuses(desk: Desk) -> list[StoredChunk]:
    return await _read(desk, _STATUSES, None) if _is_built_in(desk.stored_metrics) else []


async def _read(desk: Desk, prefix: str, resolution: str | None) -> list[StoredChunk]:
    async def read(backend: Backend) -> list[StoredChunk]:
        return list(await backend.metric_points.read(prefix=prefix, resolution=resolution))

    return await desk.ask(read)


async def _now(desk: Desk) -> float:
    return (await desk.ask(lambda backend: backend.diagnosis.clock())).timestamp()


def _history(
    stretch: Stretch, statuses: list[StoredChunk], queues: list[StoredChunk], first: int
) -> list[HistoryPoint]:
    done, failed, dead = (
        stretch.together(statuses, "counter", f":{status}")
        for status in ("done", "failed", "dead_letter")
    )
    depth = stretch.summed(queues, ":depth")
    runs = stretch.together(queues, "histogram", ":execution_time")
    waits = stretch.together(queues, "histogram", ":wait_time")
    return [
        HistoryPoint(
            at=_moment(at),
            done=_number(done, at, first),
            failed=_failures(failed, dead, at, first),
            dead_letter=_number(dead, at, first),
            depth=depth.get(at),
            run_p50_ms=_time(runs, at, "p50"),
            run_p95_ms=_time(runs, at, "p95"),
            wait_p95_ms=_time(waits, at, "p95"),
        )
        for at in stretch.starts
    ]


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


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
