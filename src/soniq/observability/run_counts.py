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
from typing import Final, NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from soniq.observability.names import BUCKETS, ENDED, RUN, Names

BOUNDS: Final = tuple(map(floatToGoString, (*BUCKETS, float("inf"))))
"""The upper bound of each bucket, as a label says it."""


class Tally(NamedTuple):
    """What was counted of one queue and job name.

    Attributes:
        ended: by status, how many ended within each bucket, and the seconds of all together.
    """

    run: tuple[str, str]
    started: int
    under_way: int
    ended: list[tuple[str, list[int], float]]


class _Ended:
    """The runs that ended with one status: how many took how long."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * len(BOUNDS)
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
        for tally in self.tallies():
            started.add_metric(tally.run, tally.started)
            in_progress.add_metric(tally.run, tally.under_way)
            for status, buckets, seconds in tally.ended:
                upto = list(accumulate(buckets))
                bounds = list(zip(BOUNDS, upto, strict=True))
                completed.add_metric((*tally.run, status), upto[-1])
                duration.add_metric((*tally.run, status), bounds, seconds)
        yield from (started, completed, duration, in_progress)

    def tallies(self) -> list[Tally]:
        """The numbers as they are now."""
        with self._lock:
            return [
                Tally(
                    run,
                    begun.started,
                    begun.under_way(),
                    [
                        (status, list(ended.buckets), ended.seconds)
                        for status, ended in begun.ended.items()
                    ],
                )
                for run, begun in self._begun.items()
            ]

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
