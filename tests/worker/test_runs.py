"""What a worker does with one job, on every store."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Optional

import pytest

from soniq import JobContext, PermanentFailure, RetryAfter, Snooze, Soniq
from soniq.services import leader
from soniq.worker import deadlines
from tests.worker.conftest import MakeApp, until, until_status, working


async def run(app: Soniq) -> bool:
    return await app.run_worker(run_once=True)


async def the_job(app: Soniq, job_id: str) -> dict[str, Any]:
    job = await app.get_job(job_id)
    assert job is not None
    return job


async def test_a_job_runs_and_keeps_its_result(app: Soniq) -> None:
    @app.job(name="add")
    async def add(a: int, b: int) -> int:
        return a + b

    job_id = await app.enqueue(add, a=2, b=3)
    assert await run(app) is True
    assert await app.get_result(job_id) == 5
    job = await the_job(app, job_id)
    assert job["status"] == "done"
    assert job["attempts"] == 1
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]


async def test_nothing_to_do_is_told(app: Soniq) -> None:
    assert await run(app) is False


async def test_sync_handlers_run_on_a_thread(app: Soniq) -> None:
    @app.job(name="where")
    def where() -> bool:
        return threading.current_thread() is threading.main_thread()

    job_id = await app.enqueue(where)
    await run(app)
    assert await app.get_result(job_id) is False


async def test_run_once_begins_jobs_in_claim_order(app: Soniq) -> None:
    order: list[str] = []

    @app.job(name="note")
    async def note(what: str) -> None:
        order.append(what)

    await app.enqueue(note, what="third", priority=200)
    await app.enqueue(note, what="first", priority=1)
    await app.enqueue(note, what="second", priority=100)
    await app.run_worker(run_once=True, concurrency=1)
    assert order == ["first", "second", "third"]


async def test_no_more_than_concurrency_run_at_a_time(app: Soniq) -> None:
    running = peak = 0

    @app.job(name="count")
    async def count() -> None:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0)
        running -= 1

    await app.enqueue_many(count, [{} for _ in range(50)])
    await app.run_worker(run_once=True, concurrency=3)
    assert peak == 3


async def test_a_worker_serves_only_its_queues(app: Soniq) -> None:
    @app.job(name="noop")
    async def noop() -> None: ...

    mine = await app.enqueue(noop, queue="mine")
    other = await app.enqueue(noop, queue="other")
    await app.run_worker(run_once=True, queues=["mine"])
    assert (await the_job(app, mine))["status"] == "done"
    assert (await the_job(app, other))["status"] == "queued"


async def test_the_context_tells_about_the_run(app: Soniq) -> None:
    seen: list[JobContext] = []

    @app.job(name="tell", retries=2)
    async def tell(n: int, info: JobContext) -> None:
        seen.append(info)

    @app.job(name="tell.optional")
    async def tell_optional(info: Optional[JobContext] = None) -> None:  # noqa: UP045
        assert info is not None
        seen.append(info)

    job_id = await app.enqueue(tell, n=1, queue="q")
    await app.enqueue(tell_optional)
    await run(app)
    ctx = next(c for c in seen if c.job_name == "tell")
    assert (ctx.job_id, ctx.queue, ctx.attempt, ctx.max_attempts) == (job_id, "q", 1, 3)
    assert ctx.worker_id == (await the_job(app, job_id))["worker_id"]
    assert ctx.created_at.tzinfo is not None
    assert ctx.scheduled_at == ctx.created_at
    assert ctx.should_stop is False
    assert len(seen) == 2


async def test_context_variables_do_not_leak_from_one_run_into_another(app: Soniq) -> None:
    variable = contextvars.ContextVar("variable", default="clean")
    seen: list[str] = []

    @app.job(name="leak")
    async def leak() -> None:
        seen.append(variable.get())
        variable.set("dirty")

    @app.job(name="leak.sync")
    def leak_sync() -> None:
        seen.append(variable.get())
        variable.set("dirty")

    await app.enqueue_many(leak, [{} for _ in range(5)])
    await app.enqueue_many(leak_sync, [{} for _ in range(5)])
    await app.run_worker(run_once=True, concurrency=1)
    assert seen == ["clean"] * 10


async def test_a_failed_job_is_tried_again_and_then_a_dead_letter(app: Soniq) -> None:
    attempts: list[int] = []

    @app.job(name="fail", retries=2)
    async def fail(ctx: JobContext) -> None:
        attempts.append(ctx.attempt)
        raise ValueError(f"boom {ctx.attempt}")

    job_id = await app.enqueue(fail)
    await run(app)
    job = await the_job(app, job_id)
    assert attempts == [1, 2, 3]
    assert job["status"] == "dead_letter"
    assert job["dead_letter_reason"] == "max_retries_exceeded"
    assert job["attempts"] == 3
    assert job["last_error"].startswith("ValueError: boom 3\n")
    assert "Traceback" in job["last_error"]


async def test_a_retry_waits_for_its_delay(app: Soniq) -> None:
    @app.job(name="later", retries=1, retry_delay=30)
    async def later() -> None:
        raise ValueError

    job_id = await app.enqueue(later)
    await run(app)
    job = await the_job(app, job_id)
    assert job["status"] == "queued"
    assert job["attempts"] == 1
    assert timedelta(seconds=25) < job["scheduled_at"] - datetime.now(UTC) <= timedelta(seconds=31)


@pytest.fixture
async def quiet_app(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> Soniq:
    """One whose worker is woken by due times alone while a test waits.

    It does not poll, and writes nothing that a watch over the file of SQLite would notice.
    """
    monkeypatch.setattr(leader, "RENEW_EVERY", 60.0)
    return await make_app(poll_interval=60, heartbeat_interval=60)


async def test_a_short_retry_delay_is_kept_by_a_running_worker(quiet_app: Soniq) -> None:
    app = quiet_app

    @app.job(name="soon", retries=1, retry_delay=0.2)
    async def soon(ctx: JobContext) -> int:
        if ctx.attempt == 1:
            raise ValueError
        return ctx.attempt

    async with working(app):
        job_id = await app.enqueue(soon)
        job = await until_status(app, job_id, "done")
    assert job["result"] == 2
    assert job["finished_at"] - job["created_at"] < timedelta(seconds=4)


async def test_permanent_failure_and_retry_after(app: Soniq) -> None:
    @app.job(name="never")
    async def never() -> None:
        raise PermanentFailure("no use")

    @app.job(name="in.a.while")
    async def in_a_while() -> None:
        raise RetryAfter(60, "busy")

    gone, back = await app.enqueue(never), await app.enqueue(in_a_while)
    await run(app)
    dead, queued = await the_job(app, gone), await the_job(app, back)
    assert dead["dead_letter_reason"] == "permanent_failure"
    assert dead["last_error"].startswith("PermanentFailure: no use")
    assert queued["status"] == "queued"
    assert queued["scheduled_at"] > queued["created_at"] + timedelta(seconds=50)


async def test_snooze_spends_no_attempt(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = await make_app(snooze_max_seconds=100)

    @app.job(name="snooze")
    async def snooze() -> Snooze:
        return Snooze(10_000, reason="not yet")

    job_id = await app.enqueue(snooze)
    await run(app)
    job = await the_job(app, job_id)
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert job["last_error"] == "SNOOZE: not yet"
    assert job["scheduled_at"] < datetime.now(UTC) + timedelta(seconds=101)
    assert "snooze_max_seconds" in caplog.text


@pytest.mark.parametrize("bad", [float("nan"), object(), "\0", "\ud800", {1, object()}, [10**5000]])
async def test_a_result_that_cannot_be_stored_is_dropped_and_the_job_is_done(
    app: Soniq, caplog: pytest.LogCaptureFixture, bad: object
) -> None:
    @app.job(name="bad.result")
    async def bad_result() -> object:
        return bad

    job_id = await app.enqueue(bad_result)
    await run(app)
    job = await the_job(app, job_id)
    assert (job["status"], job["result"]) == ("done", None)
    assert any(r.levelno == logging.ERROR and job_id in r.getMessage() for r in caplog.records)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, Exception])
@pytest.mark.parametrize("threaded", [False, True])
async def test_whatever_a_handler_raises_is_an_ordinary_failure(
    app: Soniq, kind: type[BaseException], threaded: bool
) -> None:
    if threaded:

        @app.job(name="raise", retries=0)
        def raising() -> None:
            raise kind("x")
    else:

        @app.job(name="raise", retries=0)
        async def raising() -> None:
            raise kind("x")

    job_id = await app.enqueue(raising)
    await run(app)
    job = await the_job(app, job_id)
    assert job["dead_letter_reason"] == "max_retries_exceeded"
    assert job["last_error"].startswith(kind.__name__)


async def test_an_async_handler_that_takes_too_long_is_cancelled(app: Soniq) -> None:
    cancelled = asyncio.Event()

    @app.job(name="slow", timeout=0.1, retries=0)
    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    job_id = await app.enqueue(slow)
    await run(app)
    job = await the_job(app, job_id)
    assert cancelled.is_set()
    assert job["dead_letter_reason"] == "timeout"
    assert job["last_error"] == "Job timed out after 0.1s"


async def test_a_handler_that_swallows_its_cancellation_still_timed_out(app: Soniq) -> None:
    @app.job(name="stubborn", timeout=0.1, retries=0)
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "fine"
        return "never"

    job_id = await app.enqueue(stubborn)
    await run(app)
    assert (await the_job(app, job_id))["dead_letter_reason"] == "timeout"


async def test_a_handler_that_swallows_a_cancellation_and_goes_on_is_cancelled_again(
    app: Soniq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "INSIST_EVERY", 0.01)
    swallowed: list[int] = []

    @app.job(name="deaf", timeout=0.05, retries=0)
    async def deaf() -> None:
        while len(swallowed) < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed.append(1)

    job_id = await app.enqueue(deaf)
    await run(app)
    assert len(swallowed) == 3
    assert (await the_job(app, job_id))["dead_letter_reason"] == "timeout"


async def test_a_timeout_error_from_inside_a_handler_is_its_own(app: Soniq) -> None:
    @app.job(name="inner", retries=0)
    async def inner() -> None:
        raise TimeoutError("the database")

    job_id = await app.enqueue(inner)
    await run(app)
    job = await the_job(app, job_id)
    assert job["dead_letter_reason"] == "max_retries_exceeded"
    assert job["last_error"].startswith("TimeoutError: the database")


async def test_a_sync_handler_that_takes_too_long_keeps_its_thread_but_not_its_slot(
    make_app: MakeApp,
) -> None:
    app = await make_app(sync_handler_pool_size=1)
    gate, ended = threading.Event(), threading.Event()

    @app.job(name="stuck", timeout=0.1, retries=0)
    def stuck() -> None:
        gate.wait()
        ended.set()

    @app.job(name="quick")
    async def quick() -> None: ...

    @app.job(name="threaded")
    def threaded() -> None: ...

    first = await app.enqueue(stuck)
    async with working(app, concurrency=2):
        await until_status(app, first, "dead_letter")
        second = await app.enqueue(threaded)
        third = await app.enqueue(quick)
        await until_status(app, third, "done")
        assert (await the_job(app, second))["status"] != "done"
        gate.set()
        await until_status(app, second, "done")
    assert ended.is_set()


async def test_slow_sync_handlers_hold_up_no_async_ones(make_app: MakeApp) -> None:
    app = await make_app(sync_handler_pool_size=2)
    gate = threading.Event()

    @app.job(name="slow")
    def slow() -> None:
        gate.wait()

    @app.job(name="quick")
    async def quick() -> None: ...

    await app.enqueue_many(slow, [{} for _ in range(3)])
    async with working(app, concurrency=3):

        async def two_run() -> bool:
            return (await app.get_queue_stats())["processing"] >= 2

        await until(two_run)
        job_id = await app.enqueue(quick)
        await until_status(app, job_id, "done")
        gate.set()


@pytest.mark.parametrize("prefetch", ["auto", 0])
async def test_what_waits_for_a_thread_for_long_is_left_to_other_workers(
    make_app: MakeApp, prefetch: Any
) -> None:
    app = await make_app(sync_handler_pool_size=1, prefetch=prefetch)
    gate = threading.Event()

    @app.job(name="slow")
    def slow() -> None:
        gate.wait()

    @app.job(name="quick")
    async def quick() -> None: ...

    # The quick ones before make the worker expect that it will be done with the rest at once.
    await app.enqueue_many(quick, [{} for _ in range(300)])
    await app.enqueue_many(slow, [{} for _ in range(50)])
    try:
        async with working(app, concurrency=2):

            async def the_rest_is_queued() -> bool:
                stats = await app.get_queue_stats()
                return (stats["processing"], stats["queued"]) == (3, 47)

            await until(the_rest_is_queued)
            gate.set()
            await until_idle(app)
    finally:
        gate.set()
    assert (await app.get_queue_stats())["done"] == 350


async def until_idle(app: Soniq) -> None:
    async def nothing_left() -> bool:
        stats = await app.get_queue_stats()
        return stats["queued"] == stats["processing"] == 0

    await until(nothing_left)


async def test_cancelling_a_running_job_reaches_its_handler(app: Soniq) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    @app.job(name="long")
    async def long() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    job_id = await app.enqueue(long)
    async with working(app):
        await asyncio.wait_for(began.wait(), 10)
        assert await app.cancel_job(job_id) is True
        await asyncio.wait_for(cancelled.wait(), 10)
    job = await the_job(app, job_id)
    assert job["status"] == "cancelled"
    assert job["last_error"] is None


async def test_a_sync_handler_of_a_cancelled_job_can_see_it(app: Soniq) -> None:
    saw = threading.Event()

    @app.job(name="polite")
    def polite(ctx: JobContext) -> str:
        while not ctx.should_stop:
            saw.wait(0.01)
        saw.set()
        return "dropped"

    job_id = await app.enqueue(polite)
    async with working(app):
        await until_status(app, job_id, "processing")
        assert await app.cancel_job(job_id)
        assert await asyncio.to_thread(saw.wait, 10)
    job = await the_job(app, job_id)
    assert (job["status"], job["result"]) == ("cancelled", None)


async def test_an_unknown_name_waits_for_somebody_who_knows_it(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = await make_app(enqueue_validation="none")
    job_id = await app.enqueue("somebody.elses", args={})
    assert await run(app) is False
    job = await the_job(app, job_id)
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert "somebody.elses" in caplog.text

    @app.job(name="somebody.elses")
    async def known() -> str:
        return "ran"

    await run(app)
    assert await app.get_result(job_id) == "ran"


async def test_an_unknown_name_without_grace_is_a_dead_letter_at_once(make_app: MakeApp) -> None:
    app = await make_app(enqueue_validation="none", unknown_job_grace=0)
    job_id = await app.enqueue("nobodys", args={})
    await run(app)
    job = await the_job(app, job_id)
    assert job["dead_letter_reason"] == "job_not_found"
    assert job["last_error"] == "Job nobodys not registered."


async def test_arguments_that_no_longer_fit_are_a_dead_letter_at_once(make_app: MakeApp) -> None:
    app = await make_app(enqueue_validation="none")
    job_id = await app.enqueue("changed", args={"old": 1})
    ran = False

    @app.job(name="changed")
    async def changed(new: int) -> None:
        nonlocal ran
        ran = True

    await run(app)
    job = await the_job(app, job_id)
    assert job["dead_letter_reason"] == "invalid_arguments"
    assert not ran


async def test_without_result_ttl_a_done_job_leaves_no_row(make_app: MakeApp) -> None:
    app = await make_app(result_ttl=0)

    @app.job(name="gone")
    async def gone() -> int:
        return 1

    job_id = await app.enqueue(gone)
    assert await run(app)
    assert await app.get_job(job_id) is None


async def test_a_job_enqueued_for_later_runs_when_it_is_due(quiet_app: Soniq) -> None:
    app = quiet_app

    @app.job(name="due")
    async def due(ctx: JobContext) -> float:
        return (datetime.now(UTC) - ctx.scheduled_at).total_seconds()

    async with working(app):
        job_id = await app.enqueue(due, delay=0.5)
        job = await until_status(app, job_id, "done")
    assert 0 <= job["result"] < 2


async def test_a_handlers_own_numbers_go_nowhere_unless_somebody_keeps_them(app: Soniq) -> None:
    @app.job(name="counts")
    async def counts(ctx: JobContext) -> str:
        ctx.metrics.counter("mails")
        ctx.metrics.gauge("queue", 3)
        ctx.metrics.histogram("size", 1.5)
        return "counted"

    job_id = await app.enqueue(counts)
    await run(app)
    assert await app.get_result(job_id) == "counted"
