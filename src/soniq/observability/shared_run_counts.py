"""Counts and times of runs in a process that shares them with others.

In the client library's multi-process mode every number lies in a file, from which another process
reads it: only the library's own collectors write those.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from soniq.observability.names import BUCKETS, ENDED, RUN, Names


class SharedRunCounts(Collector):
    """What this process has counted under one set of names. Safe to use from any thread."""

    def __init__(self, names: Names) -> None:
        self._started = Counter(*names.started, RUN, registry=None)
        self._completed = Counter(*names.completed, ENDED, registry=None)
        self._duration = Histogram(*names.duration, ENDED, buckets=BUCKETS, registry=None)
        self._in_progress = Gauge(
            *names.in_progress, RUN, registry=None, multiprocess_mode="livesum"
        )

        # Finding a child by its labels costs more than counting: each is looked up once.
        self._begun: dict[tuple[str, ...], tuple[Counter, Gauge]] = {}
        self._ended: dict[tuple[str, ...], tuple[Counter, Histogram]] = {}

    def begin(self, queue: str, job_name: str) -> None:
        """Count the start of a run."""
        started, in_progress = self._of_begun(queue, job_name)
        started.inc()
        in_progress.inc()

    def end(self, queue: str, job_name: str, status: str, seconds: float) -> None:
        """Count the end of a run that was begun."""
        _, in_progress = self._of_begun(queue, job_name)
        completed, duration = self._of_ended(queue, job_name, status)
        in_progress.dec()
        completed.inc()
        duration.observe(seconds)

    def _of_begun(self, *run: str) -> tuple[Counter, Gauge]:
        found = self._begun.get(run)
        if found is None:
            found = (self._started.labels(*run), self._in_progress.labels(*run))
            self._begun[run] = found
        return found

    def _of_ended(self, *run: str) -> tuple[Counter, Histogram]:
        found = self._ended.get(run)
        if found is None:
            found = (self._completed.labels(*run), self._duration.labels(*run))
            self._ended[run] = found
        return found

    def describe(self) -> Iterator[Metric]:
        """The metrics without their samples."""
        for collector in self._collectors():
            yield from collector.describe()

    def collect(self) -> Iterator[Metric]:
        """The metrics of this process alone."""
        for collector in self._collectors():
            yield from collector.collect()

    def _collectors(self) -> tuple[Counter | Histogram | Gauge, ...]:
        return (self._started, self._completed, self._duration, self._in_progress)
