"""Counts and times of runs in a process that shares them with others.

In the client library's multi-process mode every number lies in a file, from which another process
reads it. The library writes each change at once, which costs a run as much as half of all else in
it; here a thread writes what has changed a few times a second.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import Gauge
from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.registry import Collector

from soniq.observability.names import ENDED, RUN, Names
from soniq.observability.run_counts import BOUNDS, RunCounts, Tally

_log = logging.getLogger("soniq.worker")

_PAUSE: Final = 0.2
"""Seconds that a number may be old: less than between any two scrapes."""


class SharedRunCounts(Collector):
    """What this process has counted under one set of names. Safe to use from any thread."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._counts = RunCounts(names)
        self._changed = threading.Event()
        self._writing = threading.Lock()
        self._counters, self._histograms = _file("counter"), _file("histogram")
        # The library clears the live gauges of a dead process: this one must be its own.
        self._in_progress = Gauge(
            *names.in_progress, RUN, registry=None, multiprocess_mode="livesum"
        )
        self._written: defaultdict[tuple[str, str], int] = defaultdict(int)
        threading.Thread(target=self._keep_writing, name="soniq-metrics", daemon=True).start()
        atexit.register(self.write)

    def begin(self, queue: str, job_name: str) -> None:
        """Count the start of a run."""
        self._counts.begin(queue, job_name)
        if not self._changed.is_set():
            self._changed.set()

    def end(self, queue: str, job_name: str, status: str, seconds: float) -> None:
        """Count the end of a run that was begun."""
        self._counts.end(queue, job_name, status, seconds)
        if not self._changed.is_set():
            self._changed.set()

    def describe(self) -> Iterator[Metric]:
        """The metrics without their samples."""
        return self._counts.describe()

    def collect(self) -> Iterator[Metric]:
        """The metrics of this process alone."""
        return self._counts.collect()

    def write(self) -> None:
        """Have the files say what has been counted by now."""
        with self._writing:
            tallies = self._counts.tallies()
            for tally in tallies:
                self._write_totals(tally)
            # Last, so that whoever reads that nothing is under way reads the totals of it all.
            for tally in tallies:
                more = tally.under_way - self._written[tally.run]
                self._in_progress.labels(*tally.run).inc(more)
                self._written[tally.run] = tally.under_way

    def _keep_writing(self) -> None:
        while self._changed.wait():
            time.sleep(_PAUSE)
            self._changed.clear()
            try:
                self.write()
            except Exception:  # noqa: BLE001 - told; the next time may be better
                _log.exception("Metrics of this process could not be written; trying again")
                self._changed.set()

    def _write_totals(self, tally: Tally) -> None:
        started, completed, duration, _ = self._names
        _put(self._counters, started, "_total", RUN, tally.run, tally.started)
        for status, buckets, seconds in tally.ended:
            run = (*tally.run, status)
            _put(self._counters, completed, "_total", ENDED, run, sum(buckets))
            _put(self._histograms, duration, "_sum", ENDED, run, seconds)
            for bound, count in zip(BOUNDS, buckets, strict=True):
                labels = (*ENDED, "le")
                _put(self._histograms, duration, "_bucket", labels, (*run, bound), count)


def _file(kind: str) -> MmapedDict:
    """A file that neither the library nor other counts of this process write to."""
    # Where it lies is the library's to say, and this is how it says it.
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    return MmapedDict(str(folder / f"{kind}_{os.getpid()}-{uuid.uuid4().hex}.db"))  # type: ignore[no-untyped-call]


def _put(
    file: MmapedDict,
    name_and_text: tuple[str, str],
    suffix: str,
    labels: tuple[str, ...],
    values: tuple[str, ...],
    number: float,
) -> None:
    name, text = name_and_text
    key = mmap_key(name, f"{name}{suffix}", list(labels), list(values), text)
    file.write_value(key, float(number), 0.0)  # type: ignore[no-untyped-call]
