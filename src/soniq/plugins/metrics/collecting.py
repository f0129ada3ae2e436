"""What one worker measures for all: how long queues are, and how large the tables."""

from __future__ import annotations

from collections.abc import Collection
from time import monotonic
from typing import Final

from soniq.backends.metric_points import MetricStore
from soniq.plugins.metrics.keys import Kind
from soniq.plugins.metrics.recorder import Recorder

_SHARE: Final = 100
"""A look that took a second is made again after so many, at the earliest."""


class Collector:
    """Records gauges of the store.

    Args:
        interval: seconds between two looks.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = -float("inf")
        self._sizes_next = -float("inf")
        self._seen: set[str] = set()

    @property
    def due_in(self) -> float:
        """Seconds until the next look."""
        return self._next - monotonic()

    async def collect(self, store: MetricStore, tables: Collection[str], to: Recorder) -> None:
        """Look, if it is time, and record what is found."""
        began = monotonic()
        if began < self._next:
            return
        self._next = began + self._interval
        await self._measure_queues(store, to)
        self._next = max(self._next, monotonic() + _SHARE * (monotonic() - began))
        if monotonic() >= self._sizes_next:
            began = monotonic()
            await self._measure_tables(store, tables, to)
            self._sizes_next = monotonic() + _SHARE * (monotonic() - began)

    async def _measure_queues(self, store: MetricStore, to: Recorder) -> None:
        waits = {each.queue: each for each in await store.queue_waits()}
        # A queue that has run empty is said to be so.
        for queue in self._seen | waits.keys():
            wait = waits.get(queue)
            to.take(Kind.GAUGE, f"queue:{queue}:depth", wait.depth if wait else 0)
            to.take(Kind.GAUGE, f"queue:{queue}:oldest_age", wait.oldest_age if wait else 0.0)
        self._seen = set(waits)

    async def _measure_tables(
        self, store: MetricStore, tables: Collection[str], to: Recorder
    ) -> None:
        for size in await store.table_sizes(tables):
            to.take(Kind.GAUGE, f"table:{size.table}:total_size_bytes", size.total)
            to.take(Kind.GAUGE, f"table:{size.table}:table_size_bytes", size.data)
            to.take(Kind.GAUGE, f"table:{size.table}:index_size_bytes", size.indexes)
