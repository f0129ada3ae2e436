"""The scenarios, in the order in which they run: groups whose measurements alternate."""

from __future__ import annotations

from collections.abc import Mapping

from bench.measurement import Measure
from bench.scenarios import (
    dashboard,
    dead_letters,
    drain,
    embedded,
    enqueue,
    held,
    idle,
    latency,
    stored_metrics,
    turns,
    wal,
)

GROUPS: list[Mapping[str, Measure]] = [
    enqueue.SINGLES,
    enqueue.BULK,
    drain.MEASUREMENTS,
    held.MEASUREMENTS,
    turns.MEASUREMENTS,
    latency.MEASUREMENTS,
    idle.MEASUREMENTS,
    wal.MEASUREMENTS,
    stored_metrics.MEASUREMENTS,
    dead_letters.MEASUREMENTS,
    dashboard.MEASUREMENTS,
    embedded.MEASUREMENTS,
]
