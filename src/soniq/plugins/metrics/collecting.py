"""What one worker measures for all: how long queues are, and how large the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

from soniq.backends.metric_points import MetricStore
from soniq.logs import soniq_logger
from soniq.plugins.metrics.keys import Kind
from soniq.plugins.metrics.queues import Queues
from soniq.plugins.metrics.recorder import Recorder
from soniq.plugins.plugin import Plugin
from soniq.plugins.views import PluginWorker

_SHARE: Final = 100
"""A look that took a second is made again after so many, at the earliest."""

_log = soniq_logger("soniq.plugins.metrics")


class Collector:
    """Records gauges of the store.

    Args:
        worker: who looks; its app's plugins say which tables are theirs.
        interval: seconds between two looks.
        clock: the store's time, in seconds since the epoch.
    """

    def __init__(self, worker: PluginWorker, interval: float, clock: Callable[[], float]) -> None:
        self._app = worker.app
        self._interval = interval
        self._next = -float("inf")
        self._sizes_next = -float("inf")
        self._queues = Queues(worker, clock)
        self._told: set[str] = set()

    @property
    def due_in(self) -> float:
        """Seconds until the next look."""
        return self._next - monotonic()

    def rest(self) -> None:
        """Another worker looks."""
        self._queues.forget()

    async def collect(self, store: MetricStore, to: Recorder) -> None:
        """Look, if it is time, and record what is found."""
        began = monotonic()
        if began < self._next:
            return
        self._next = began + self._interval
        await self._measure_queues(store, to)
        self._next = max(self._next, monotonic() + _SHARE * (monotonic() - began))
        if monotonic() >= self._sizes_next:
            began = monotonic()
            await self._measure_tables(store, to)
            self._sizes_next = monotonic() + _SHARE * (monotonic() - began)

    async def _measure_queues(self, store: MetricStore, to: Recorder) -> None:
        await self._queues.learn(store)
        waits = {each.queue: each for each in await store.queue_waits()}
        self._queues.use(waits)
        for queue in self._queues.names():
            wait = waits.get(queue)
            to.take(Kind.GAUGE, f"queue:{queue}:depth", wait.depth if wait else 0)
            to.take(Kind.GAUGE, f"queue:{queue}:oldest_age", wait.oldest_age if wait else 0.0)

    async def _measure_tables(self, store: MetricStore, to: Recorder) -> None:
        plugins = self._app.plugins.items()
        tables = [table for named in plugins for table in self._tables_of(*named)]
        for size in await store.table_sizes(tables):
            to.take(Kind.GAUGE, f"table:{size.table}:total_size_bytes", size.total)
            to.take(Kind.GAUGE, f"table:{size.table}:table_size_bytes", size.data)
            to.take(Kind.GAUGE, f"table:{size.table}:index_size_bytes", size.indexes)

    def _tables_of(self, name: str, plugin: Plugin) -> list[str]:
        """A stranger's answer: a bad one costs its own tables, and no others."""
        try:
            found: Iterable[object] = plugin.get_tables()
            return [table for table in found if isinstance(table, str)]
        except Exception:  # noqa: BLE001 - whatever a stranger raises
            if name not in self._told:
                self._told.add(name)
                _log.exception("Plugin %s cannot name its tables, so they are not measured", name)
            return []
