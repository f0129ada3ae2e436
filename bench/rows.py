"""The rows of the report: which figure, beside which, and the goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

RAW_DRAIN = ("raw-drain:100", "raw-drain:500", "raw-drain:1000")
RAW_SQLITE_DRAIN = ("raw-sqlite-drain:100", "raw-sqlite-drain:500", "raw-sqlite-drain:1000")
PGQUEUER_BULK = ("pgqueuer-bulk:1000", "pgqueuer-bulk:5000", "pgqueuer-bulk:20000")


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the ratio of a row that has a reference, on the figure itself of one that has not.

    Attributes:
        figure: the bound is on the figure in any case.
    """

    bound: float
    at_most: bool = False
    figure: bool = False

    def met_by(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


def per_second(value: float) -> str:
    return f"{value:,.0f}/s"


def queries(value: float) -> str:
    return f"{value:.2f}/s"


def milliseconds(value: float) -> str:
    return f"{value:.2f} ms"


def seconds(value: float) -> str:
    return f"{value:.2f} s"


def megabytes(value: float) -> str:
    return f"{value:.1f} MB"


def plain(value: float) -> str:
    return f"{value:,.0f}"


def size(value: float) -> str:
    return f"{value:,.0f} B"


def at_least(bound: float) -> Goal:
    return Goal(bound)


def at_most(bound: float) -> Goal:
    return Goal(bound, at_most=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report.

    Attributes:
        figure: as ``measurement:part``.
        title, beside: what it is and what it stands beside, in words; sizes are filled in.
        references: figures of that; the best median of them counts.
        unit: formats a value of the figure.
    """

    key: str
    title: str
    figure: str
    beside: str = ""
    references: tuple[str, ...] = ()
    goal: Goal | None = None
    unit: Callable[[float], str] = per_second

    @property
    def figures(self) -> tuple[str, ...]:
        return (self.figure, *self.references)


LOOP = "raw SQL loop, claim and finish in turn"
POOL = "one INSERT a call, pool of 10"

ROWS = [
    Row("drain", "drain, one process", "drain:rate", LOOP, RAW_DRAIN, at_least(0.6)),
    Row(
        "drain-pgqueuer",
        "drain, one process",
        "drain:rate",
        "PgQueuer 1.6, batch 100, no bound",
        ("pgqueuer-drain:rate",),
        at_least(1.6),
    ),
    Row(
        "drain-1m",
        "drain, {deepest:,} waiting",
        "drain-deepest:rate",
        "with {drain:,} waiting",
        ("drain:rate",),
        at_least(0.9),
    ),
    Row(
        "drain-200k",
        "drain, {deep:,} waiting",
        "drain-deep:rate",
        "with {drain:,} waiting",
        ("drain:rate",),
    ),
    Row(
        "drain-held",
        "drain after {earlier:,}, transaction held",
        "drain-held:rate",
        "no transaction held",
        ("drain-free:rate",),
        at_least(0.85),
    ),
    Row(
        "drain-defaults",
        "drain, nothing tuned",
        "drain-defaults:rate",
        "tuned: 100 at a time, uvloop",
        ("drain:rate",),
        at_least(0.8),
    ),
    Row(
        "drain-counted",
        "drain, counted by Prometheus",
        "drain-counted:rate",
        "no metrics sink",
        ("drain:rate",),
        at_least(0.9),
    ),
    Row(
        "drain-metrics",
        "drain, time series stored",
        "drain-metrics:rate",
        "no plugin",
        ("drain:rate",),
        at_least(0.9),
    ),
    Row(
        "drain-two",
        "drain, two processes",
        "drain-two:rate",
        "one process",
        ("drain:rate",),
        at_least(1.1),
    ),
    Row(
        "turns",
        "start in queue B, {deepest:,} waiting in A",
        "turns:median",
        goal=at_most(100),
        unit=milliseconds,
    ),
    Row(
        "bulk",
        "enqueue_many of {drain:,}",
        "bulk:rate",
        "INSERT ... SELECT FROM unnest",
        ("raw-bulk:rate",),
        at_least(0.5),
    ),
    Row(
        "bulk-pgqueuer",
        "enqueue_many of {drain:,}",
        "bulk:rate",
        "PgQueuer 1.6, its bulk call",
        PGQUEUER_BULK,
        at_least(1.5),
    ),
    Row("enqueue-1", "enqueue, 1 producer", "enqueue-1:rate", POOL, ("raw-enqueue-1:rate",)),
    Row("enqueue-10", "enqueue, 10 producers", "enqueue-10:rate", POOL, ("raw-enqueue-10:rate",)),
    Row(
        "enqueue-10-oban",
        "enqueue, 10 producers",
        "enqueue-10:rate",
        "oban-py 0.7",
        ("oban-enqueue-10:rate",),
        at_least(4),
    ),
    Row(
        "enqueue-100",
        "enqueue, 100 producers",
        "enqueue-100:rate",
        POOL,
        ("raw-enqueue-100:rate",),
        at_least(6),
    ),
    Row(
        "latency-p50",
        "pick-up, idle worker, p50",
        "latency:p50",
        goal=at_most(3),
        unit=milliseconds,
    ),
    Row("latency-p95", "pick-up, idle worker, p95", "latency:p95", unit=milliseconds),
    Row(
        "latency-p99",
        "pick-up, idle worker, p99",
        "latency:p99",
        goal=at_most(12),
        unit=milliseconds,
    ),
    Row("idle", "queries of an idle worker", "idle:queries", unit=queries),
    Row("memory", "peak memory, busy worker", "drain:memory", goal=at_most(80), unit=megabytes),
    Row("wal", "WAL a job, enqueue to done", "wal:bytes", goal=at_most(1_536), unit=size),
    Row(
        "metrics-sync",
        "metrics: sync of {keys:,} active keys",
        "metrics-sync:milliseconds",
        goal=at_most(200),
        unit=milliseconds,
    ),
    Row("metrics-sync-rows", "metrics: rows of that sync", "metrics-sync:rows", unit=plain),
    Row("metrics-sync-wal", "metrics: WAL of that sync", "metrics-sync:bytes", unit=size),
    Row(
        "metrics-read",
        "metrics: 300 keys after 100 workers",
        "metrics-read:milliseconds",
        goal=at_most(200),
        unit=milliseconds,
    ),
    Row(
        "replay-dead",
        "replay of {dead:,} dead letters",
        "replay-dead:seconds",
        goal=at_most(15),
        unit=seconds,
    ),
    Row(
        "delete-dead",
        "delete of {dead:,} dead letters",
        "delete-dead:seconds",
        goal=at_most(15),
        unit=seconds,
    ),
    Row(
        "replay-dead-memory",
        "peak memory of that replay",
        "replay-dead:memory",
        goal=at_most(100),
        unit=megabytes,
    ),
    Row(
        "dashboard",
        "slowest answer of a page, {finished:,} ended",
        "dashboard:slowest",
        goal=at_most(200),
        unit=milliseconds,
    ),
    Row(
        "drain-watched",
        "drain, an overview open, {finished:,} ended",
        "drain-watched:rate",
        "nobody looks",
        ("drain-unwatched:rate",),
        at_least(0.97),
    ),
    Row(
        "sqlite-drain",
        "SQLite: drain, one process",
        "sqlite-drain:rate",
        LOOP,
        RAW_SQLITE_DRAIN,
        Goal(10_000, figure=True),
    ),
    Row("sqlite-enqueue-1", "SQLite: enqueue, 1 producer", "sqlite-enqueue-1:rate"),
    Row("sqlite-enqueue-100", "SQLite: enqueue, 100 producers", "sqlite-enqueue-100:rate"),
    Row("sqlite-bulk", "SQLite: enqueue_many", "sqlite-bulk:rate"),
    Row("memory-drain", "memory: drain", "memory:drain", goal=at_least(30_000)),
    Row("memory-enqueue-100", "memory: enqueue, 100 producers", "memory:enqueue"),
    Row("memory-bulk", "memory: enqueue_many", "memory:bulk"),
]
