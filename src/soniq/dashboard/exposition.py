"""``/metrics``: what is stored, and what this process counts, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from soniq.backends.dead_letters import Selection
from soniq.backends.overview import QueueCounts
from soniq.dashboard.desk import Desk
from soniq.dashboard.serving import mending
from soniq.dashboard.stored import stored_families
from soniq.observability.metrics import PrometheusMetricsSink
from soniq.records import DeadLetterReason

_STATUSES: Final = ("queued", "processing", "done", "cancelled", "dead_letter")
_WORKER_STATUSES: Final = ("active", "stopping", "stopped", "stale")


@dataclass(frozen=True, eq=False)
class _Page:
    """Everything that one scrape tells."""

    families: list[Metric]

    def collect(self) -> Iterator[Metric]:
        yield from self.families


def metrics_route(desk: Desk) -> Route:
    """The text that Prometheus scrapes."""

    async def metrics(request: Request) -> Response:
        families = [*await _stored(desk), *_counted_here(desk)]
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Page(families))
        encode, kind = _encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": kind})

    return Route("/metrics", mending(metrics), methods=["GET"])


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    try:
        return choose_encoder(accept)
    except TypeError:
        # A version that is no number: whoever sends it gets what everybody reads.
        return choose_encoder("")


async def _stored(desk: Desk) -> list[Metric]:
    queues = (await desk.counts()).queues
    workers = await desk.app.list_workers()
    tallies = await desk.memo.recall(
        "tallies", lambda: desk.ask(lambda backend: backend.dead_letters.tally(Selection()))
    )
    # A series that is born with its first letter shows no growth to those who alert on it.
    reasons: Counter[str] = Counter({str(reason): 0 for reason in DeadLetterReason})
    for tally in tallies:
        reasons[tally.reason] += tally.jobs
    return [
        *_of_queues(queues),
        _gauge(
            "soniq_workers",
            "Workers by status",
            ["status"],
            (([status], _number(workers, status)) for status in _WORKER_STATUSES),
        ),
        _gauge(
            "soniq_dead_letter_jobs",
            "Dead letters by reason",
            ["reason"],
            (([reason], number) for reason, number in sorted(reasons.items())),
        ),
        *await stored_families(desk),
    ]


def _of_queues(queues: Iterable[QueueCounts]) -> Iterator[Metric]:
    rows = list(queues)
    yield _gauge(
        "soniq_queue_jobs",
        "Jobs by queue and status",
        ["queue", "status"],
        (([one.queue, status], getattr(one, status)) for one in rows for status in _STATUSES),
    )
    yield _gauge(
        "soniq_queue_oldest_seconds",
        "Seconds that the oldest due job of a queue has been due",
        ["queue"],
        (([one.queue], one.oldest_for or 0.0) for one in rows),
    )


def _gauge(
    name: str, told: str, labels: list[str], values: Iterable[tuple[list[str], float]]
) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def _number(workers: Iterable[dict[str, Any]], status: str) -> int:
    return sum(worker["status"] == status for worker in workers)


def _counted_here(desk: Desk) -> list[Metric]:
    """What the application's own sink has counted in this process."""
    sink = desk.app.metrics_sink
    return list(sink.registry.collect()) if isinstance(sink, PrometheusMetricsSink) else []
