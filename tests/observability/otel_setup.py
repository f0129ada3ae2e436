"""An OpenTelemetry SDK for one test, set up as a program would, and taken away again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal as metrics_api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler


class Recorded:
    """What was exported."""

    def __init__(self, exporter: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self._exporter = exporter
        self._reader = reader

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """Ended spans, of that name, in the order of their ends."""
        ended = self._exporter.get_finished_spans()
        return [span for span in ended if name is None or span.name == name]

    def span(self, name: str) -> ReadableSpan:
        """The only span of that name."""
        spans = self.spans(name)
        assert len(spans) == 1, [span.name for span in self.spans()]
        return spans[0]

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """The attributes and value (of a histogram: the count) of each point of a metric."""
        data = self._reader.get_metrics_data()
        points = [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]
        return [(dict(point.attributes or {}), _value(point)) for point in points]


def _value(point: Any) -> float:
    return float(point.count if isinstance(point, HistogramDataPoint) else point.value)


@contextmanager
def set_up(monkeypatch: pytest.MonkeyPatch, sampler: Sampler = DEFAULT_ON) -> Iterator[Recorded]:
    """Inside, spans and metrics are recorded. The API allows setting up only once in a process."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider(sampler=sampler)
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    counting = MeterProvider([reader])
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", tracing)
    monkeypatch.setattr(metrics_api, "_METER_PROVIDER", counting)
    assert trace.get_tracer_provider() is tracing
    assert metrics.get_meter_provider() is counting
    try:
        yield Recorded(exporter, reader)
    finally:
        tracing.shutdown()
        counting.shutdown()


def spanning(name: str) -> Any:
    """A span of the program's own."""
    return trace.get_tracer("the.program").start_as_current_span(name)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """The program has set up an SDK."""
    with set_up(monkeypatch) as found:
        yield found


def parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def its_id(span: ReadableSpan) -> int:
    return int(span.context.span_id)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})
