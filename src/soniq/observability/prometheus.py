"""A metrics sink that keeps Prometheus metrics. It serves nothing by itself."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, CollectorRegistry, values

from soniq.observability.names import names
from soniq.observability.run_counts import RunCounts
from soniq.observability.shared_run_counts import SharedRunCounts

Counts = RunCounts | SharedRunCounts

_known: WeakKeyDictionary[CollectorRegistry, dict[str, Counts]] = WeakKeyDictionary()
_making = threading.Lock()


class PrometheusMetricsSink:
    """Counts and times runs.

    ``{prefix}_jobs_started_total{queue,job_name}``,
    ``{prefix}_jobs_completed_total{queue,job_name,status}``,
    ``{prefix}_job_duration_seconds{queue,job_name,status}`` and
    ``{prefix}_jobs_in_progress{queue,job_name}``.

    Args:
        registry: where the metrics are registered; None is the client library's own.
        prefix: of the metrics' names.

    Sinks of the same registry and prefix count together.

    Raises:
        ValueError: somebody else has registered one of the names.
    """

    def __init__(self, *, registry: CollectorRegistry | None = None, prefix: str = "soniq") -> None:
        self._registry = REGISTRY if registry is None else registry
        self._counts = _counts(self._registry, prefix)

    @property
    def registry(self) -> CollectorRegistry:
        """Where its metrics are registered."""
        return self._registry

    @property
    def counts(self) -> Counts:
        """What its calls are counted in."""
        return self._counts

    async def record_job_start(
        self, *, job_id: str, job_name: str, queue: str, attempt: int
    ) -> None:
        self._counts.begin(queue, job_name)

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
        self._counts.end(queue, job_name, status, duration_s)


def registries() -> list[CollectorRegistry]:
    """Where the sinks of this process have registered metrics."""
    return list(_known)


def _counts(registry: CollectorRegistry, prefix: str) -> Counts:
    with _making:
        by_prefix = _known.setdefault(registry, {})
        if prefix not in by_prefix:
            by_prefix[prefix] = _registered(registry, prefix)
        return by_prefix[prefix]


def _registered(registry: CollectorRegistry, prefix: str) -> Counts:
    shared = values.ValueClass is not values.MutexValue
    made = (SharedRunCounts if shared else RunCounts)(names(prefix))
    try:
        registry.register(made)
    except ValueError as error:
        raise ValueError(
            f"a metric of prefix {prefix!r} is already registered by somebody else ({error}); "
            "give PrometheusMetricsSink another prefix= or a registry= of its own"
        ) from error
    return made
