"""Watching what workers do."""

from soniq.observability.metrics import MetricsSink, NoopMetricsSink, PrometheusMetricsSink

__all__ = ["MetricsSink", "NoopMetricsSink", "PrometheusMetricsSink"]
