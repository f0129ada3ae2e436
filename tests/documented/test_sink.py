"""What is promised of metrics sinks, a test a statement."""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import requires
from typing import Any

import psutil
import pytest
from prometheus_client import CollectorRegistry, generate_latest

import soniq.metrics
import soniq.observability
import soniq.observability.metrics
from soniq import JobContext, PermanentFailure, Snooze, Soniq
from soniq.metrics import MetricsSink, NoopMetricsSink, PrometheusMetricsSink
from soniq.retry import RetryPolicy
from tests.scraping import parsed
from tests.worker.conftest import MakeApp


class Notes:
    """A sink that writes down what it is told, in the order of things."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    async def record_job_start(self, **told: Any) -> None:
        self.told.append(("start", told))

    async def record_job_end(self, **told: Any) -> None:
        self.told.append(("end", told))

    def statuses(self) -> list[str]:
        return [told["status"] for kind, told in self.told if kind == "end"]


class Decline:
    """A policy that gives up at once."""

    def delay_for(self, **_: Any) -> float | None:
        return None


async def test_each_run_gives_a_start_when_it_begins_and_an_end_when_its_handler_returned(
    make_app: MakeApp,
) -> None:
    sink = Notes()
    app = await make_app(metrics_sink=sink)

    @app.job(name="work", queue="q")
    async def work() -> None:
        sink.told.append(("handler", {}))

    job_id = await app.enqueue(work)
    await app.run_worker(run_once=True)
    assert [kind for kind, _ in sink.told] == ["start", "handler", "end"]
    assert sink.told[0][1] == {"job_id": job_id, "job_name": "work", "queue": "q", "attempt": 1}
    end = sink.told[2][1]
    assert 0 <= end.pop("duration_s") < 60
    assert end == {
        "job_id": job_id,
        "job_name": "work",
        "queue": "q",
        "status": "done",
        "error": None,
    }


async def test_an_end_is_reported_when_the_handler_raises_too(make_app: MakeApp) -> None:
    sink = Notes()
    app = await make_app(metrics_sink=sink)

    @app.job(name="work", retries=0)
    async def work() -> None:
        raise ValueError("no luck")

    await app.enqueue(work)
    await app.run_worker(run_once=True)
    assert [kind for kind, _ in sink.told] == ["start", "end"]
    assert sink.told[1][1]["error"].startswith("ValueError: no luck")


def test_a_sink_is_whatever_has_the_two_methods() -> None:
    class Half:
        async def record_job_start(self, **told: Any) -> None: ...

    assert isinstance(Notes(), MetricsSink)
    assert not isinstance(Half(), MetricsSink)
    start = inspect.signature(MetricsSink.record_job_start).parameters
    end = inspect.signature(MetricsSink.record_job_end).parameters
    assert list(start) == ["self", "job_id", "job_name", "queue", "attempt"]
    assert list(end) == ["self", "job_id", "job_name", "queue", "status", "duration_s", "error"]
    assert end["error"].default is None


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        ("returns", ["done"]),
        ("raises", ["failed", "dead_letter"]),
        ("gives_up", ["dead_letter"]),
        ("snoozes", ["snoozed"]),
        ("misfits", ["dead_letter"]),
    ],
)
async def test_the_status_tells_how_a_run_ended(
    make_app: MakeApp, handler: str, expected: list[str]
) -> None:
    sink = Notes()
    app = await make_app(metrics_sink=sink, enqueue_validation="none")
    # Enqueued before its handler is known, so that nobody checks the arguments.
    await app.enqueue(handler, args={"n": "x"} if handler == "misfits" else {})

    @app.job(name="returns")
    async def returns() -> None: ...

    @app.job(name="raises", retries=1)
    async def raises(ctx: JobContext) -> None:
        if ctx.attempt > 1:
            raise PermanentFailure("twice is enough")
        raise ValueError

    @app.job(name="gives_up", retries=5)
    async def gives_up() -> None:
        raise PermanentFailure

    @app.job(name="snoozes")
    async def snoozes() -> Snooze:
        return Snooze(3600)

    @app.job(name="misfits")
    async def misfits(n: int) -> None: ...

    await app.run_worker(run_once=True)
    assert sink.statuses() == expected


async def test_a_run_whose_retries_are_spent_ends_as_a_dead_letter(make_app: MakeApp) -> None:
    sink = Notes()
    app = await make_app(metrics_sink=sink)

    @app.job(name="fails", retries=2)
    async def fails() -> None:
        raise ValueError

    await app.enqueue(fails)
    await app.run_worker(run_once=True)
    assert sink.statuses() == ["failed", "failed", "dead_letter"]


async def test_a_run_whose_policy_declines_ends_as_a_dead_letter(make_app: MakeApp) -> None:
    sink = Notes()
    policy: RetryPolicy = Decline()
    app = await make_app(metrics_sink=sink, retry_policy=policy)

    @app.job(name="fails", retries=5)
    async def fails() -> None:
        raise ValueError

    await app.enqueue(fails)
    await app.run_worker(run_once=True)
    assert sink.statuses() == ["dead_letter"]


async def test_a_snoozed_run_spends_no_attempt(make_app: MakeApp) -> None:
    sink = Notes()
    app = await make_app(metrics_sink=sink)

    @app.job(name="twice", retries=0)
    async def twice() -> Snooze | None:
        return Snooze(0) if len(sink.told) == 1 else None

    await app.enqueue(twice)
    await app.run_worker(run_once=True)
    assert sink.statuses() == ["snoozed", "done"]
    assert [told["attempt"] for kind, told in sink.told if kind == "start"] == [1, 1]


def test_prometheus_comes_with_the_base_install() -> None:
    required = requires("soniq") or []
    assert [line for line in required if line.startswith("prometheus") and "extra" not in line]


async def test_the_prometheus_metrics_have_their_documented_names_kinds_and_labels(
    make_app: MakeApp,
) -> None:
    registry = CollectorRegistry()
    app = await make_app(metrics_sink=PrometheusMetricsSink(registry=registry))

    @app.job(name="work")
    async def work() -> None: ...

    await app.enqueue(work)
    await app.run_worker(run_once=True)
    run, ended = {"queue", "job_name"}, {"queue", "job_name", "status"}
    labels = {
        sample.name: set(sample.labels)
        for sample in parsed(generate_latest(registry).decode()).samples
        if not sample.name.endswith("_created")
    }
    assert labels == {
        "soniq_jobs_started_total": run,
        "soniq_jobs_completed_total": ended,
        "soniq_job_duration_seconds_bucket": ended | {"le"},
        "soniq_job_duration_seconds_count": ended,
        "soniq_job_duration_seconds_sum": ended,
        "soniq_jobs_in_progress": run,
    }
    kinds = {family.name: family.type for family in registry.collect()}
    assert kinds == {
        "soniq_jobs_started": "counter",
        "soniq_jobs_completed": "counter",
        "soniq_job_duration_seconds": "histogram",
        "soniq_jobs_in_progress": "gauge",
    }


async def test_the_buckets_reach_from_milliseconds_to_minutes() -> None:
    registry = CollectorRegistry()
    sink = PrometheusMetricsSink(registry=registry)
    run = {"job_id": "1", "job_name": "work", "queue": "q"}
    await sink.record_job_start(**run, attempt=1)
    await sink.record_job_end(**run, status="done", duration_s=0.02)
    bounds = [
        sample.labels["le"]
        for sample in parsed(generate_latest(registry).decode()).samples
        if sample.name.endswith("_bucket")
    ]
    assert list(map(float, bounds)) == [
        *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
        *(1, 2.5, 5, 10, 30, 60, 120, 300, 600, float("inf")),
    ]


async def test_the_prometheus_sink_serves_and_pushes_nothing() -> None:
    process = psutil.Process()
    connections, threads = process.net_connections(), process.num_threads()
    sink = PrometheusMetricsSink(registry=CollectorRegistry())
    run = {"job_id": "1", "job_name": "work", "queue": "q"}
    await sink.record_job_start(**run, attempt=1)
    await sink.record_job_end(**run, status="done", duration_s=0.02)
    assert process.net_connections() == connections
    assert process.num_threads() == threads


@pytest.mark.parametrize("given", [{}, {"metrics_sink": None}])
async def test_without_a_sink_a_run_makes_no_call_at_all(
    make_app: MakeApp, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: object, **told: object) -> None:
        raise AssertionError("called")

    monkeypatch.setattr(NoopMetricsSink, "record_job_start", never)
    monkeypatch.setattr(NoopMetricsSink, "record_job_end", never)
    app = await make_app(**given)
    assert type(app.metrics_sink) is NoopMetricsSink

    @app.job(name="work")
    async def work() -> int:
        return 1

    job_id = await app.enqueue(work)
    await app.run_worker(run_once=True)
    assert await app.get_result(job_id) == 1


async def test_enqueueing_never_calls_the_sink(make_app: MakeApp) -> None:
    sink = Notes()
    app = await make_app(metrics_sink=sink)

    @app.job(name="work")
    async def work(n: int) -> None: ...

    await asyncio.gather(*(app.enqueue(work, n=n) for n in range(3)))
    await app.enqueue_many(work, [{"n": n} for n in range(3)])
    await app.schedule(work, 60, n=1)
    assert sink.told == []


def test_the_sinks_are_had_from_each_documented_place() -> None:
    for name in ("MetricsSink", "NoopMetricsSink", "PrometheusMetricsSink"):
        places = (soniq.metrics, soniq.observability, soniq.observability.metrics)
        assert len({getattr(place, name) for place in places}) == 1
    assert isinstance(Soniq(backend="memory").metrics_sink, soniq.metrics.NoopMetricsSink)
