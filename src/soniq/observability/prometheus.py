"""A metrics sink that keeps Prometheus collectors. It serves nothing by itself."""

from __future__ import annotations

import threading
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
"""Seconds; from a quick query to a long report. +Inf is added by the library."""


class _Collectors(NamedTuple):
    started: Counter
    completed: Counter
    duration: Histogram
    in_progress: Gauge


class _Begun(NamedTuple):
    """The children of one (queue, job name) that a start and every end touch."""

    started: Counter
    in_progress: Gauge


class _Ended(NamedTuple):
    completed: Counter
    duration: Histogram


_known: WeakKeyDictionary[CollectorRegistry, dict[str, _Collectors]] = WeakKeyDictionary()
_making = threading.Lock()


class PrometheusMetricsSink:
    """Counts and times runs.

    ``{prefix}_jobs_started_total{queue,job_name}``,
    ``{prefix}_jobs_completed_total{queue,job_name,status}``,
    ``{prefix}_job_duration_seconds{queue,job_name,status}`` and
    ``{prefix}_jobs_in_progress{queue,job_name}``.

    Args:
        registry: where the collectors are registered; None is the client library's own.
        prefix: of the metrics' names.

    Sinks of the same registry and prefix share their collectors.

    Raises:
        ValueError: somebody else has registered one of the names.
    """

    def __init__(self, *, registry: CollectorRegistry | None = None, prefix: str = "soniq") -> None:
        self._registry = REGISTRY if registry is None else registry
        self._collectors = _collectors(self._registry, prefix)
        # Looking a child up by its labels costs more than counting: each is looked up once.
        self._begun: dict[tuple[str, str], _Begun] = {}
        self._ended: dict[tuple[str, str, str], _Ended] = {}

    @property
    def registry(self) -> CollectorRegistry:
        """Where its collectors are registered."""
        return self._registry

    async def record_job_start(
        self, *, job_id: str, job_name: str, queue: str, attempt: int
    ) -> None:
        begun = self._begun.get((queue, job_name)) or self._first_start(queue, job_name)
        begun.started.inc()
        begun.in_progress.inc()

    async def record_job_end(
        self,
        *,
        job_id: str,
        job_name: str,
        queue: str,
        status: str,
        duration_s: float,
        error: str | None = None,
    ) -> None:
        begun = self._begun.get((queue, job_name)) or self._first_start(queue, job_name)
        begun.in_progress.dec()
        key = (queue, job_name, status)
        ended = self._ended.get(key) or self._first_end(*key)
        ended.completed.inc()
        ended.duration.observe(duration_s)

    def _first_start(self, queue: str, job_name: str) -> _Begun:
        collectors = self._collectors
        begun = _Begun(
            collectors.started.labels(queue, job_name),
            collectors.in_progress.labels(queue, job_name),
        )
        return self._begun.setdefault((queue, job_name), begun)

    def _first_end(self, queue: str, job_name: str, status: str) -> _Ended:
        collectors = self._collectors
        ended = _Ended(
            collectors.completed.labels(queue, job_name, status),
            collectors.duration.labels(queue, job_name, status),
        )
        return self._ended.setdefault((queue, job_name, status), ended)


def registries() -> list[CollectorRegistry]:
    """Where the sinks of this process have registered collectors."""
    return list(_known)


def _collectors(registry: CollectorRegistry, prefix: str) -> _Collectors:
    with _making:
        by_prefix = _known.setdefault(registry, {})
        if prefix not in by_prefix:
            by_prefix[prefix] = _registered(registry, prefix)
        return by_prefix[prefix]


def _registered(registry: CollectorRegistry, prefix: str) -> _Collectors:
    """Make the four and register all, or none."""
    run = ("queue", "job_name")
    made = _Collectors(
        Counter(f"{prefix}_jobs_started", "Runs begun.", run, registry=None),
        Counter(f"{prefix}_jobs_completed", "Runs ended.", (*run, "status"), registry=None),
        Histogram(
            f"{prefix}_job_duration_seconds",
            "How long runs took.",
            (*run, "status"),
            buckets=BUCKETS,
            registry=None,
        ),
        Gauge(
            f"{prefix}_jobs_in_progress",
            "Runs under way.",
            run,
            registry=None,
            multiprocess_mode="livesum",
        ),
    )
    registered: list[Counter | Histogram | Gauge] = []
    try:
        for collector in made:
            registry.register(collector)
            registered.append(collector)
    except ValueError as error:
        for collector in registered:
            registry.unregister(collector)
        raise ValueError(
            f"a metric of prefix {prefix!r} is already registered by somebody else ({error}); "
            "give PrometheusMetricsSink another prefix= or a registry= of its own"
        ) from error
    return made
