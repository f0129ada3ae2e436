"""Hooks, middleware and the metrics sink around each run, on every store."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from functools import partial
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from soniq import JobContext, Snooze, Soniq
from soniq.errors import SONIQ_APP_FROZEN, SoniqError
from soniq.metrics import MetricsSink, NoopMetricsSink, PrometheusMetricsSink
from soniq.middleware import Handler
from soniq.worker import deadlines
from tests.worker.conftest import MakeApp, until, until_status, working


async def run(app: Soniq) -> None:
    await app.run_worker(run_once=True)


class Sink:
    """Writes down what it is told, and raises where it is asked to."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.fail_start = self.fail_end = False

    async def record_job_start(
        self, *, job_id: str, job_name: str, queue: str, attempt: int
    ) -> None:
        self.told.append(("start", job_name, queue, attempt))
        if self.fail_start:
            raise ConnectionError("no statsd")

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
        assert duration_s >= 0
        self.told.append(("end", job_name, status, error and error.partition("\n")[0]))
        if self.fail_end:
            raise ConnectionError("no statsd")


# --- hooks --------------------------------------------------------------------------------------


async def test_hooks_are_called_in_order_around_a_success(app: Soniq) -> None:
    seen: list[str] = []

    @app.before_job
    async def first(ctx: JobContext) -> None:
        seen.append(f"first {ctx.attempt}")

    @app.before_job
    def second(job_name: str) -> None:
        seen.append(f"second {job_name}")

    @app.after_job
    async def after(ctx: JobContext) -> None:
        assert ctx.duration_ms is not None
        job = await app.get_job(ctx.job_id)
        seen.append(f"after {job['status'] if job else None}")

    @app.on_error
    def never(error: str) -> None:
        seen.append("error")

    @app.job(name="works")
    async def works() -> None:
        seen.append("job")

    await app.enqueue(works)
    await run(app)
    assert seen == ["first 1", "second works", "job", "after done"]


async def test_on_error_comes_before_the_decision_and_excludes_after_job(app: Soniq) -> None:
    seen: list[Any] = []

    @app.on_error
    async def by_context(ctx: JobContext, error: BaseException) -> None:
        job = await app.get_job(ctx.job_id)
        seen.append((type(error), job and job["status"]))

    @app.on_error
    def by_field(error: str, attempt: int) -> None:
        seen.append((error, attempt))

    @app.after_job
    def never(job_id: str) -> None:
        seen.append("after")

    @app.job(name="fails", retries=0)
    async def fails() -> None:
        raise LookupError("boom")

    await app.enqueue(fails)
    await run(app)
    assert seen == [(LookupError, "processing"), ("boom", 1)]


async def test_a_timeout_is_an_error_too(app: Soniq) -> None:
    seen: list[BaseException] = []

    @app.on_error
    def note(ctx: JobContext, error: BaseException) -> None:
        seen.append(error)

    @app.job(name="slow", timeout=0.05, retries=0)
    async def slow() -> None:
        await asyncio.Event().wait()

    await app.enqueue(slow)
    await run(app)
    (error,) = seen
    assert isinstance(error, TimeoutError)
    assert str(error) == "Job timed out after 0.05s"


async def test_what_ends_a_handler_does_not_end_the_hook_after_it(
    app: Soniq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "INSIST_EVERY", 0.005)
    seen: list[str] = []

    @app.on_error
    async def patient(ctx: JobContext, error: BaseException) -> None:
        for _ in range(10):
            await asyncio.sleep(0.005)
        seen.append("to its end")

    @app.job(name="slow", timeout=0.05, retries=0)
    async def slow() -> None:
        await asyncio.Event().wait()

    await app.enqueue(slow)
    await run(app)
    assert seen == ["to its end"]


async def test_no_hook_but_before_job_runs_for_a_snooze_and_none_for_bad_arguments(
    make_app: MakeApp,
) -> None:
    app = await make_app(enqueue_validation="none")
    seen: list[str] = []
    app.before_job(lambda job_name: seen.append(f"before {job_name}"))
    app.after_job(lambda job_name: seen.append("after"))
    app.on_error(lambda job_name: seen.append("error"))

    await app.enqueue("typed", args={"wrong": 1})
    await app.enqueue("nobody.knows", args={})

    @app.job(name="typed")
    async def typed(right: int) -> None: ...

    @app.job(name="later")
    async def later() -> Snooze:
        return Snooze(60)

    await app.enqueue(later)
    await run(app)
    assert seen == ["before later"]


async def test_a_hook_that_fails_or_hangs_changes_nothing(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = await make_app(hook_timeout=0.05)

    @app.before_job
    def broken(job_id: str) -> None:
        raise ConnectionError("no tracer")

    @app.before_job
    async def hanging(job_id: str) -> None:
        await asyncio.Event().wait()

    @app.after_job
    async def cancelled(job_id: str) -> None:
        raise asyncio.CancelledError

    @app.job(name="fine", timeout=30)
    async def fine() -> int:
        return 1

    job_id = await app.enqueue(fine)
    await run(app)
    assert await app.get_result(job_id) == 1
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "Hook before_job failed: ConnectionError('no tracer')" in warnings
    assert any(w.startswith("Hook before_job failed: TimeoutError(") for w in warnings)
    assert any(
        w.startswith("Hook after_job failed: RuntimeError('it ended as cancelled") for w in warnings
    )


async def test_the_time_of_hooks_does_not_count_against_the_job(app: Soniq) -> None:
    @app.before_job
    async def slow(job_id: str) -> None:
        await asyncio.sleep(0.2)

    @app.job(name="quick", timeout=0.1, retries=0)
    async def quick() -> None: ...

    job_id = await app.enqueue(quick)
    await run(app)
    job = await app.get_job(job_id)
    assert job is not None
    assert job["status"] == "done"


async def test_partials_and_callable_objects_can_be_hooks(app: Soniq) -> None:
    seen: list[str] = []

    class Tracer:
        async def __call__(self, ctx: JobContext) -> None:
            seen.append("object")

    async def note(prefix: str, ctx: JobContext) -> None:
        seen.append(prefix)

    app.before_job(Tracer())
    app.before_job(partial(note, "partial"))

    @app.job(name="any")
    async def any_job() -> None: ...

    await app.enqueue(any_job)
    await run(app)
    assert seen == ["object", "partial"]


@pytest.mark.parametrize("threaded", [False, True])
async def test_one_run_shares_one_context_and_no_other_sees_it(app: Soniq, threaded: bool) -> None:
    variable = contextvars.ContextVar("variable", default="clean")
    seen: list[Any] = []

    @app.before_job
    def begin(ctx: JobContext) -> None:
        seen.append(variable.get())
        variable.set(ctx.job_id)
        ctx.state["mine"] = ctx.job_id

    @app.middleware
    async def around(ctx: JobContext, call_next: Handler) -> Any:
        assert variable.get() == ctx.job_id
        return await call_next(ctx)

    @app.after_job
    async def end(ctx: JobContext) -> None:
        seen.append(variable.get() == ctx.job_id == ctx.state["mine"])

    @app.on_error
    def failed(ctx: JobContext, error: BaseException) -> None:
        seen.append(variable.get() == ctx.job_id)
        raise error

    def body(ctx: JobContext) -> str:
        seen.append(variable.get() == ctx.job_id == ctx.state["mine"])
        return variable.get()

    if threaded:

        @app.job(name="shared")
        def shared(ctx: JobContext) -> str:
            return body(ctx)
    else:

        @app.job(name="shared")
        async def shared(ctx: JobContext) -> str:
            return body(ctx)

    ids = [await app.enqueue("shared", args={}) for _ in range(3)]
    await app.run_worker(run_once=True, concurrency=1)
    assert sorted(map(str, seen)) == sorted(["clean"] * 3 + ["True"] * 6)
    assert [await app.get_result(i) for i in ids] == ids


# --- middleware ---------------------------------------------------------------------------------


async def test_middleware_may_change_skip_or_fail_a_run(app: Soniq) -> None:
    ran: list[str] = []

    @app.middleware
    async def outer(ctx: JobContext, call_next: Handler) -> Any:
        return f"<{await call_next(ctx)}>"

    @app.middleware
    async def inner(ctx: JobContext, call_next: Handler) -> Any:
        if ctx.queue == "skip":
            return "skipped"
        if ctx.queue == "fail":
            raise ValueError("refused")
        return await call_next(ctx)

    @app.job(name="plain", retries=0)
    async def plain() -> str:
        ran.append("ran")
        return "plain"

    through, skipped, failed = [
        await app.enqueue(plain, queue=queue) for queue in ("default", "skip", "fail")
    ]
    await run(app)
    assert await app.get_result(through) == "<plain>"
    assert await app.get_result(skipped) == "<skipped>"
    job = await app.get_job(failed)
    assert job is not None
    assert job["last_error"].startswith("ValueError: refused")
    assert ran == ["ran"]


async def test_the_timeout_covers_middleware(app: Soniq) -> None:
    @app.middleware
    async def hang(ctx: JobContext, call_next: Handler) -> Any:
        await asyncio.Event().wait()

    @app.job(name="never", timeout=0.05, retries=0)
    async def never() -> None: ...

    job_id = await app.enqueue(never)
    await run(app)
    job = await app.get_job(job_id)
    assert job is not None
    assert job["dead_letter_reason"] == "timeout"


# --- metrics sink -------------------------------------------------------------------------------


async def test_a_sink_hears_every_start_and_every_end_once(make_app: MakeApp) -> None:
    sink = Sink()
    app = await make_app(metrics_sink=sink, enqueue_validation="none")
    await app.enqueue("bad", args={"wrong": 1})

    @app.job(name="bad")
    async def bad(right: int) -> None: ...

    @app.job(name="good", queue="q")
    async def good() -> None: ...

    @app.job(name="again", retries=1)
    async def again(ctx: JobContext) -> None:
        raise ValueError(f"no {ctx.attempt}")

    @app.job(name="snoozed")
    async def snoozed() -> Snooze:
        return Snooze(60)

    for job in (good, again, snoozed):
        await app.enqueue(job)
    await app.enqueue("unknown", args={})
    await app.run_worker(run_once=True, concurrency=1)
    told = sorted(sink.told, key=lambda one: one[1])
    assert [one for one in told if one[1] == "good"] == [
        ("start", "good", "q", 1),
        ("end", "good", "done", None),
    ]
    assert [one for one in told if one[1] == "again"] == [
        ("start", "again", "default", 1),
        ("end", "again", "failed", "ValueError: no 1"),
        ("start", "again", "default", 2),
        ("end", "again", "dead_letter", "ValueError: no 2"),
    ]
    assert [one[2] for one in told if one[1] == "snoozed"] == ["default", "snoozed"]
    assert [one[2] for one in told if one[1] == "bad"] == ["default", "dead_letter"]
    assert not [one for one in told if one[1] == "unknown"]


async def test_interrupted_and_cancelled_runs_have_an_end(make_app: MakeApp) -> None:
    sink = Sink()
    app = await make_app(metrics_sink=sink, shutdown_timeout=0.1)

    @app.job(name="endless")
    async def endless() -> None:
        await asyncio.Event().wait()

    first, second = await app.enqueue(endless), await app.enqueue(endless)
    async with working(app):
        await until_status(app, first, "processing")
        await until_status(app, second, "processing")
        await app.cancel_job(first)

        async def ended() -> bool:
            return any(one[0] == "end" for one in sink.told)

        await until(ended)
    assert [one[2] for one in sink.told if one[0] == "end"] == ["cancelled", "interrupted"]


async def test_a_sink_that_raises_at_the_start_fails_the_attempt_unrun(make_app: MakeApp) -> None:
    sink = Sink()
    sink.fail_start = True
    app = await make_app(metrics_sink=sink)
    ran: list[int] = []

    @app.job(name="unrun", retries=0)
    async def unrun() -> None:
        ran.append(1)

    job_id = await app.enqueue(unrun)
    await run(app)
    job = await app.get_job(job_id)
    assert job is not None
    assert job["status"] == "dead_letter"
    assert job["last_error"].startswith("ConnectionError: no statsd")
    assert not ran
    assert [one[0] for one in sink.told] == ["start", "end"]


async def test_a_sink_that_raises_at_the_end_fails_a_success(make_app: MakeApp) -> None:
    sink = Sink()
    sink.fail_end = True
    app = await make_app(metrics_sink=sink)

    @app.job(name="ran", retries=0)
    async def ran() -> int:
        return 1

    @app.job(name="failed", retries=0)
    async def failed() -> None:
        raise ValueError("own")

    first, second = await app.enqueue(ran), await app.enqueue(failed)
    await run(app)
    errors = []
    for job_id in (first, second):
        job = await app.get_job(job_id)
        assert job is not None
        assert job["status"] == "dead_letter"
        errors.append(job["last_error"].partition("\n")[0])
    assert errors == ["ConnectionError: no statsd", "ValueError: own"]
    assert len(sink.told) == 4


async def test_the_sink_is_settable_until_initialised(make_app: MakeApp) -> None:
    app = Soniq(backend="memory")
    assert isinstance(app.metrics_sink, NoopMetricsSink)
    sink = Sink()
    assert isinstance(sink, MetricsSink)
    app.metrics_sink = sink
    assert app.metrics_sink is sink
    opened = await make_app()
    with pytest.raises(SoniqError) as caught:
        opened.metrics_sink = sink
    assert caught.value.error_code == SONIQ_APP_FROZEN


async def test_prometheus_counts_times_and_returns_to_zero(make_app: MakeApp) -> None:
    registry = CollectorRegistry()
    app = await make_app(metrics_sink=PrometheusMetricsSink(registry=registry, prefix="my"))

    @app.job(name="mixed", retries=1, queue="q")
    async def mixed(fail: bool, ctx: JobContext) -> None:
        if fail and ctx.attempt == 1:
            raise ValueError

    await app.enqueue_many(mixed, [{"fail": n % 3 == 0} for n in range(30)])
    await run(app)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"queue": "q", "job_name": "mixed", **labels})

    assert value("my_jobs_started_total") == 40
    assert value("my_jobs_completed_total", status="done") == 30
    assert value("my_jobs_completed_total", status="failed") == 10
    assert value("my_job_duration_seconds_count", status="done") == 30
    assert value("my_job_duration_seconds_bucket", status="done", le="600.0") == 30
    assert value("my_jobs_in_progress") == 0


def test_sinks_of_one_registry_share_their_collectors_and_a_taken_name_is_told() -> None:
    from prometheus_client import Counter

    registry = CollectorRegistry()
    PrometheusMetricsSink(registry=registry)
    PrometheusMetricsSink(registry=registry)
    Counter("taken_jobs_completed", "", registry=registry)
    with pytest.raises(ValueError, match=r"'taken'.*prefix= or a registry="):
        PrometheusMetricsSink(registry=registry, prefix="taken")
    assert registry.get_sample_value("taken_jobs_started_total") is None
