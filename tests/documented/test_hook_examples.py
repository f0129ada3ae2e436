"""The examples of hooks that name the fields they want, each as a program that runs jobs."""

from __future__ import annotations

import asyncio
import json
import logging
from uuid import UUID

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, Counter, Histogram, generate_latest

from soniq import Soniq
from soniq.job import JobContext
from tests.documented.alone import alone
from tests.scraping import parsed

HERE = __name__


@alone
async def test_hooks_are_told_of_starts_successes_and_failures_by_field(url):
    app = Soniq(database_url=url)
    told = []

    @app.before_job
    async def log_start(job_name: str, job_id: str, attempt: int):
        told.append(f"start {job_name} {job_id} {attempt}")

    @app.after_job
    async def log_success(job_name: str, job_id: str, duration_ms: float):
        assert isinstance(duration_ms, float)
        assert duration_ms >= 0
        told.append(f"done {job_name} {job_id}")

    @app.on_error
    async def log_failure(job_name: str, job_id: str, error: str, attempt: int):
        told.append(f"failed {job_name} {job_id} {error} {attempt}")

    @app.job(retries=1)
    async def work(n: int):
        if n:
            raise ValueError(f"no {n}")

    good, bad = await app.enqueue(work, n=0), await app.enqueue(work, n=1)
    await app.run_worker(run_once=True, concurrency=1)
    await app.close()

    name = f"{HERE}.work"
    assert UUID(good)
    assert [line for line in told if good in line] == [
        f"start {name} {good} 1",
        f"done {name} {good}",
    ]
    assert [line for line in told if bad in line] == [
        f"start {name} {bad} 1",
        f"failed {name} {bad} no 1 1",
        f"start {name} {bad} 2",
        f"failed {name} {bad} no 1 2",
    ]


@alone
async def test_hooks_with_the_three_documented_signatures_are_accepted_and_called(url):
    app = Soniq(database_url=url)
    told = []

    async def before_job_hook(job_name: str, job_id: str, attempt: int) -> None:
        told.append((job_name, job_id, attempt))

    async def after_job_hook(job_name: str, job_id: str, duration_ms: float) -> None:
        told.append((job_name, job_id, duration_ms >= 0))

    async def on_error_hook(job_name: str, job_id: str, error: str, attempt: int) -> None:
        told.append((job_name, job_id, error, attempt))

    assert app.before_job(before_job_hook) is before_job_hook
    assert app.after_job(after_job_hook) is after_job_hook
    assert app.on_error(on_error_hook) is on_error_hook

    @app.job(name="good")
    async def good(): ...

    @app.job(name="bad", retries=0)
    async def bad():
        raise RuntimeError("broke")

    one, other = await app.enqueue(good), await app.enqueue(bad)
    await app.run_worker(run_once=True, concurrency=1)
    await app.close()
    # The next job may begin before the end of the last one is stored.
    assert [line for line in told if line[0] == "good"] == [("good", one, 1), ("good", one, True)]
    assert [line for line in told if line[0] == "bad"] == [
        ("bad", other, 1),
        ("bad", other, "broke", 1),
    ]


@alone
async def test_a_hook_may_be_a_coroutine_function_or_a_plain_one(url):
    app = Soniq(database_url=url)
    told = []

    async def some_async_operation():
        await asyncio.sleep(0)
        told.append("async")

    def some_sync_operation():
        told.append("sync")

    @app.before_job
    async def async_hook(job_name, job_id, attempt):
        await some_async_operation()

    @app.before_job
    def sync_hook(job_name, job_id, attempt):
        some_sync_operation()

    @app.job()
    def work():
        told.append("job")

    await app.enqueue(work)
    await app.run_worker(run_once=True)
    await app.close()
    assert told == ["async", "sync", "job"]


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@alone
async def test_hooks_log_structured_lines(url):
    app = Soniq(database_url=url)
    logger = logging.getLogger("shop.jobs")
    logger.setLevel(logging.INFO)
    logger.addHandler(kept := Lines())

    @app.before_job
    async def structured_log_start(job_name, job_id, attempt):
        logger.info(
            json.dumps(
                {"event": "job_started", "job_name": job_name, "job_id": job_id, "attempt": attempt}
            )
        )

    @app.after_job
    async def structured_log_done(job_name, job_id, duration_ms):
        logger.info(
            json.dumps(
                {
                    "event": "job_completed",
                    "job_name": job_name,
                    "job_id": job_id,
                    "duration_ms": duration_ms,
                }
            )
        )

    @app.job(name="report")
    async def report(): ...

    job_id = await app.enqueue(report)
    await app.run_worker(run_once=True)
    await app.close()

    started, completed = map(json.loads, kept.lines)
    assert started == {
        "event": "job_started",
        "job_name": "report",
        "job_id": job_id,
        "attempt": 1,
    }
    assert completed.pop("duration_ms") >= 0
    assert completed == {"event": "job_completed", "job_name": "report", "job_id": job_id}


@alone
async def test_hooks_feed_prometheus_collectors_of_ones_own(url):
    app = Soniq(database_url=url)
    jobs_started = Counter("soniq_jobs_started", "Begun", ["job_name"])
    jobs_completed = Histogram("soniq_jobs_duration_ms", "How long", ["job_name"])
    jobs_failed = Counter("soniq_jobs_failed", "Raised", ["job_name"])

    @app.before_job
    async def track_start(job_name, job_id, attempt):
        jobs_started.labels(job_name=job_name).inc()

    @app.after_job
    async def track_duration(job_name, job_id, duration_ms):
        jobs_completed.labels(job_name=job_name).observe(duration_ms)

    @app.on_error
    async def track_failure(job_name, job_id, error, attempt):
        jobs_failed.labels(job_name=job_name).inc()

    @app.job(name="third", retries=0)
    async def third(n: int):
        if n % 3 == 0:
            raise ValueError(n)

    await app.enqueue_many(third, [{"n": n} for n in range(9)])
    await app.run_worker(run_once=True)
    await app.close()

    page = parsed(generate_latest(REGISTRY).decode())
    assert page.total("soniq_jobs_started_total", job_name="third") == 9
    assert page.total("soniq_jobs_duration_ms_count", job_name="third") == 6
    assert page.total("soniq_jobs_failed_total", job_name="third") == 3


@alone
async def test_the_last_failure_of_a_job_is_told_from_the_others_by_its_registration(url):
    app = Soniq(database_url=url)
    sent = []

    async def send_slack_message(text):
        sent.append(text)

    @app.on_error
    async def alert_on_final_failure(job_name, job_id, error, attempt):
        job_meta = app._get_job_registry().get_job(job_name)
        if job_meta and attempt >= job_meta["max_retries"] + 1:
            await send_slack_message(f"{job_name} ({job_id}) is a dead letter: {error}")

    @app.job(name="pay", retries=2)
    async def pay():
        raise TimeoutError("the bank is closed")

    @app.job(name="second.time", retries=2)
    async def second_time(ctx: JobContext):
        if ctx.attempt == 1:
            raise ValueError("not yet")

    job_id = await app.enqueue(pay)
    await app.enqueue(second_time)
    await app.run_worker(run_once=True)
    job = await app.get_job(job_id)
    await app.close()
    assert job["status"] == "dead_letter"
    assert sent == [f"pay ({job_id}) is a dead letter: the bank is closed"]


@alone
async def test_hooks_open_and_end_the_spans_of_a_real_tracer(url):
    app = Soniq(database_url=url)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    tracer = trace.get_tracer("shop")
    spans = {}

    @app.before_job
    async def start_span(job_name, job_id, attempt):
        spans[job_id] = tracer.start_span(
            f"job:{job_name}", attributes={"job.id": job_id, "job.attempt": attempt}
        )

    @app.after_job
    async def end_span_success(job_name, job_id, duration_ms):
        span = spans.pop(job_id, None)
        if span:
            span.set_attribute("job.duration_ms", duration_ms)
            span.end()

    @app.on_error
    async def end_span_error(job_name, job_id, error, attempt):
        span = spans.pop(job_id, None)
        if span:
            span.set_status(trace.StatusCode.ERROR, error)
            span.end()

    @app.job(name="traced", retries=1)
    async def traced(ctx: JobContext):
        if ctx.attempt == 1:
            raise ValueError("first time")

    job_id = await app.enqueue(traced)
    await app.run_worker(run_once=True)
    await app.close()

    # Soniq makes spans of its own beside those of the hooks.
    own = [span for span in exporter.get_finished_spans() if span.name.startswith("job:")]
    failed, done = own
    assert not spans
    assert {failed.name, done.name} == {"job:traced"}
    assert [span.attributes["job.id"] for span in (failed, done)] == [job_id, job_id]
    assert [span.attributes["job.attempt"] for span in (failed, done)] == [1, 2]
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert failed.status.description == "first time"
    assert done.status.status_code is trace.StatusCode.UNSET
    assert done.attributes["job.duration_ms"] >= 0


@alone
async def test_hooks_of_both_documented_forms_serve_one_application(url):
    app = Soniq(database_url=url)
    told = []

    @app.before_job
    async def by_field(job_name: str, job_id: str, attempt: int):
        told.append(f"{job_name} by field")

    @app.before_job
    async def by_context(ctx):
        told.append(f"{ctx.job_name} by context")

    @app.on_error
    async def error_by_field(job_name: str, job_id: str, error: str, attempt: int):
        told.append(error)

    @app.on_error
    async def error_by_context(ctx, error):
        told.append(type(error))

    @app.job(name="fails", retries=0)
    async def fails():
        raise KeyError("lost")

    await app.enqueue(fails)
    await app.run_worker(run_once=True)
    await app.close()
    assert told == ["fails by field", "fails by context", "'lost'", KeyError]
