"""Metrics and log fields of jobs, for programs that have set up OpenTelemetry."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry, generate_latest

from soniq.logs import JobFilter
from soniq.metrics import PrometheusMetricsSink
from soniq.testing import drain, make_app
from tests.observability.otel_setup import (
    Recorded,
    attributes,
    recorded,
)

__all__ = ["recorded"]


async def test_metrics_by_the_conventions(recorded: Recorded) -> None:
    app = make_app(max_retries=0)

    @app.job(name="shop.job", queue="orders")
    async def work(n: int) -> int:
        return 1 // n

    await app.enqueue_many(work, [{"n": 0}, {"n": 1}])
    await app.enqueue(work, n=2)
    await drain(app)
    queue = {"messaging.system": "soniq", "messaging.destination.name": "orders"}
    sent = {**queue, "messaging.operation.name": "send"}
    done = {
        **queue,
        "messaging.operation.name": "process",
        "messaging.soniq.job.name": "shop.job",
    }
    failed = {**done, "error.type": "ZeroDivisionError"}
    assert recorded.points("messaging.client.sent.messages") == [(sent, 3)]
    assert recorded.points("messaging.client.operation.duration") == [(sent, 2)]
    for name in ("messaging.client.consumed.messages", "messaging.process.duration"):
        points = recorded.points(name)
        assert len(points) == 2
        assert (done, 2) in points
        assert (failed, 1) in points


async def test_a_metrics_sink_is_told_all_the_same(recorded: Recorded) -> None:
    registry = CollectorRegistry()
    counted = make_app(metrics_sink=PrometheusMetricsSink(registry=registry))
    counted.job(name="shop.job")(lambda: None)
    await counted.enqueue("shop.job")
    await drain(counted)
    assert b'soniq_jobs_started_total{job_name="shop.job",queue="default"} 1' in generate_latest(
        registry
    )
    assert recorded.span("process shop.job").status.status_code is StatusCode.UNSET


async def test_a_sink_that_fails_the_run_fails_its_span(recorded: Recorded) -> None:
    class Sink:
        async def record_job_start(self, **_: Any) -> None: ...

        async def record_job_end(self, **_: Any) -> None:
            raise OSError("disk full")

    app = make_app(metrics_sink=Sink(), max_retries=0)
    app.job(name="shop.job")(lambda: None)
    await app.enqueue("shop.job")
    await drain(app)
    span = recorded.span("process shop.job")
    assert attributes(span)["error.type"] == "OSError"
    assert attributes(span)["messaging.soniq.outcome"] == "failed"


async def test_log_records_name_the_trace(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(max_retries=0)
    caplog.handler.addFilter(JobFilter(outside=None))
    log = logging.getLogger("shop")

    @app.job(name="shop.job")
    def work() -> None:
        log.warning("working")
        raise ValueError("no")

    await app.enqueue(work)
    log.warning("outside")
    await drain(app)
    span = recorded.span("process shop.job")
    trace_id, span_id = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
    found = {
        record.getMessage().split()[0]: (vars(record)["trace_id"], vars(record)["span_id"])
        for record in caplog.records
    }
    assert found == {
        "working": (trace_id, span_id),
        "outside": (None, None),
        "Job": (trace_id, None),
    }
