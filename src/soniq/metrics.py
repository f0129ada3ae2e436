"""The metrics sinks, under a short name."""

from soniq.observability.metrics import MetricsSink, NoopMetricsSink, PrometheusMetricsSink

__all__ = ["MetricsSink", "NoopMetricsSink", "PrometheusMetricsSink"]
