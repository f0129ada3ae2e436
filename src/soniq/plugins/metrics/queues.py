"""Which queues are measured: those that have due jobs, and those that are empty for good reason.

A queue that is served well has no due jobs at any look, and one that has run empty must be said to
be so, also where another worker has measured it last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

from soniq.backends.metric_points import MetricStore
from soniq.plugins.metrics.keys import Kind
from soniq.plugins.metrics.metric import Metric, read_metrics
from soniq.plugins.views import PluginWorker

MOST_QUEUES: Final = 1000
"""Empty queues that are measured besides those of the app's own jobs."""
_DAY: Final = 86400.0
_LEARN_EVERY: Final = 3600.0


class Queues:
    """The queues to measure, as one worker knows them.

    Args:
        worker: whose queues, and whose app's jobs, are always among them.
        clock: the store's time, in seconds since the epoch.
        most: how many others are remembered.
    """

    def __init__(
        self, worker: PluginWorker, clock: Callable[[], float], most: int = MOST_QUEUES
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._most = most
        self._learn_at = -float("inf")
        self._used: dict[str, float] = {}

    def forget(self) -> None:
        """Others measure from now on: what is stored tells more than what was seen here."""
        self._learn_at = -float("inf")
        self._used.clear()

    async def learn(self, store: MetricStore) -> None:
        """Take over, now and then, the queues that the stored series show to be in use."""
        if monotonic() < self._learn_at:
            return
        now = self._clock()
        rows = await store.read(prefix="queue", resolution="1day")
        self.use(
            key.removeprefix("queue:").rpartition(":")[0]
            for key, metric in read_metrics(rows, "queue", now).items()
            if key.count(":") > 1 and _tells_of_use(key, metric, now)
        )
        self._learn_at = monotonic() + _LEARN_EVERY

    def use(self, queues: Iterable[str]) -> None:
        """Measure these for a day at least."""
        for queue in queues:
            self._used.pop(queue, None)
            self._used[queue] = monotonic()

    def names(self) -> set[str]:
        """The queues to measure now; those of long ago are among them for the last time."""
        registry = self._worker.app._get_job_registry()
        jobs = [registry.get(name) for name in registry.names()]
        names = {*self._used, *(self._worker.queues or ()), *(job.queue for job in jobs if job)}
        self._trim()
        return names

    def _trim(self) -> None:
        oldest = monotonic() - _DAY
        excess = len(self._used) - self._most
        for position, (queue, used) in enumerate([*self._used.items()]):
            if position < excess or used < oldest:
                del self._used[queue]


def _tells_of_use(key: str, metric: Metric, now: float) -> bool:
    """Whether a series says that its queue is not empty, or has been served these two days."""
    if not metric.values_1day:
        return False
    start, value = metric.values_1day[0]
    if key.endswith(":depth"):
        return metric.metric_type == Kind.GAUGE and value != 0
    return key.endswith(":throughput") and start.timestamp() > now - 2 * _DAY
