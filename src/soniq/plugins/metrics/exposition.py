"""The stored series as Prometheus and OpenMetrics take them.

Counters and histograms count from midnight, UTC: that is the start of the bucket they are taken
from, and a scraper takes the step back to nothing for a restart. Their keys are labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import (
    Metric as Family,
)
from prometheus_client.openmetrics.exposition import generate_latest

from soniq.plugins.metrics.keys import Kind
from soniq.plugins.metrics.metric import Metric

_QUANTILES: Final = {"0.5": "p50", "0.95": "p95", "0.99": "p99"}


def families(metrics: Mapping[str, Metric]) -> list[Family]:
    """The series as families of samples, for a registry's collector to give.

    The formats know no counter below 0, so one that has come to that stands with the gauges. Of a
    histogram they know neither quantiles below 0 nor a sum that may fall: those are left out.

    Args:
        metrics: the series by key, as `Metrics.get_metrics` returns them.
    """
    counters = CounterMetricFamily(
        "soniq_stored_counter", "Stored counters, since midnight UTC.", labels=["key"]
    )
    gauges = GaugeMetricFamily("soniq_stored_gauge", "Stored gauges, the newest.", labels=["key"])
    summaries = SummaryMetricFamily(
        "soniq_stored_histogram", "Stored histograms, since midnight UTC.", labels=["key"]
    )
    for key, metric in sorted(metrics.items()):
        points = metric.values_1day
        if not points:
            continue
        start, value = points[0]
        if metric.metric_type == Kind.COUNTER and value >= 0:
            counters.add_metric([key], value, created=start.timestamp())
        elif metric.metric_type in (Kind.COUNTER, Kind.GAUGE):
            gauges.add_metric([key], value)
        else:
            _add_summary(summaries, key, start, value)
    return [counters, gauges, summaries]


def _add_summary(
    family: SummaryMetricFamily, key: str, start: datetime, value: Mapping[str, float]
) -> None:
    for quantile, name in _QUANTILES.items():
        if value[name] >= 0:
            family.add_sample(family.name, {"key": key, "quantile": quantile}, value[name])
    family.add_sample(f"{family.name}_count", {"key": key}, int(value["count"]))
    if value["min"] >= 0:
        family.add_sample(f"{family.name}_sum", {"key": key}, value["sum"])
    family.add_sample(f"{family.name}_created", {"key": key}, start.timestamp())


def openmetrics(metrics: Mapping[str, Metric]) -> str:
    """The series as OpenMetrics text; see `families`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families(metrics)))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


class _Given:
    """A collector of what is there already."""

    def __init__(self, found: Iterable[Family]) -> None:
        self._found = found

    def collect(self) -> Iterator[Family]:
        yield from self._found
