"""How much of everything a run measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of jobs, samples and seconds.

    Attributes:
        drain: jobs of a drain and of a bulk enqueue.
        singles: jobs of an enqueue row, by its number of concurrent producers.
        deep, deepest: jobs waiting in the two drains before a backlog, measured ones included.
        earlier: jobs that come and go while the held transaction is open.
        samples: timed jobs of a latency run.
        turns: timed jobs that start beside the deepest backlog.
        idle: seconds an idle worker is watched.
        gap: seconds between two timed jobs.
        dead: dead letters that are replayed, or deleted, at once.
        keys: series that a worker records between two syncs.
        finished, queued: jobs behind the dashboard that have ended, and that wait.
    """

    drain: int
    singles: dict[int, int]
    deep: int
    deepest: int
    earlier: int
    samples: int
    turns: int
    idle: float
    gap: float = 0.02
    dead: int = 100_000
    keys: int = 1_000
    finished: int = 1_000_000
    queued: int = 100_000


FULL = Sizes(
    drain=20_000,
    singles={1: 1_000, 10: 5_000, 100: 10_000},
    deep=200_000,
    deepest=1_000_000,
    earlier=100_000,
    samples=300,
    turns=10,
    idle=10.0,
)

QUICK = Sizes(
    drain=5_000,
    singles={1: 200, 10: 2_000, 100: 4_000},
    deep=20_000,
    deepest=50_000,
    earlier=10_000,
    samples=100,
    turns=5,
    idle=4.0,
    dead=10_000,
    finished=100_000,
    queued=10_000,
)
