"""Counts and times of runs, kept in this process and worded for Prometheus when it asks.

The client library's own counters cost several times as much for each run: they look up labels, and
lock, for every single number.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from soniq.observability.names import BUCKETS, ENDED, RUN, Names

_BOUNDS: Final = tuple(map(floatToGoString, (*BUCKETS, float("inf"))))


class _Ended:
    """The runs that ended with one status: how many took how long."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * len(_BOUNDS)
        self.seconds = 0.0


class _Begun:
    """The runs of one queue and job name, and of those the ended ones by status."""

    __slots__ = ("ended", "started")

    def __init__(self) -> None:
        self.started = 0
        self.ended: defaultdict[str, _Ended] = defaultdict(_Ended)

    def under_way(self) -> int:
        return self.started - sum(sum(ended.buckets) for ended in self.ended.values())


class RunCounts(Collector):
    """What has been counted under one set of names. Safe to use from any thread."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._lock = threading.Lock()
        self._begun: defaultdict[tuple[str, str], _Begun] = defaultdict(_Begun)

    def begin(self, queue: str, job_name: str) -> None:
        """Count the start of a run."""
        with self._lock:
            self._begun[queue, job_name].started += 1

    def end(self, queue: str, job_name: str, status: str, seconds: float) -> None:
        """Count the end of a run that was begun."""
        bucket = bisect_left(BUCKETS, seconds)
        with self._lock:
            ended = self._begun[queue, job_name].ended[status]
            ended.buckets[bucket] += 1
            ended.seconds += seconds

    def describe(self) -> Iterator[Metric]:
        """The metrics without their samples."""
        yield from self._families()

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        started, completed, duration, in_progress = self._families()
        with self._lock:
            for run, begun in self._begun.items():
                started.add_metric(run, begun.started)
                in_progress.add_metric(run, begun.under_way())
                for status, ended in begun.ended.items():
                    upto = list(accumulate(ended.buckets))
                    buckets = list(zip(_BOUNDS, upto, strict=True))
                    completed.add_metric((*run, status), upto[-1])
                    duration.add_metric((*run, status), buckets, ended.seconds)
        yield from (started, completed, duration, in_progress)

    def _families(
        self,
    ) -> tuple[CounterMetricFamily, CounterMetricFamily, HistogramMetricFamily, GaugeMetricFamily]:
        names = self._names
        return (
            CounterMetricFamily(*names.started, labels=RUN),
            CounterMetricFamily(*names.completed, labels=ENDED),
            HistogramMetricFamily(*names.duration, labels=ENDED),
            GaugeMetricFamily(*names.in_progress, labels=RUN),
        )
