"""Running what waits."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from soniq import JobContext, Soniq
from soniq.plugins import Plugin, PluginJob, PluginWorker
from soniq.testing import drain
from soniq.testing import make_app as make_memory_app
from tests.worker.conftest import MakeApp, make_app, store

__all__ = ["make_app", "store"]


async def test_it_gives_results_in_the_order_of_the_runs(make_app: MakeApp) -> None:
    app = await make_app()
    sent: list[str] = []

    @app.job(priority=50)
    async def urgent() -> dict[str, int]:
        return {"n": 1}

    @app.job
    def in_a_thread(n: int) -> int:
        return n

    @app.job
    async def nothing() -> None:
        sent.append("nothing")

    await app.enqueue(in_a_thread, n=2)
    await app.enqueue(nothing)
    await app.enqueue(urgent)
    assert await drain(app) == [{"n": 1}, 2, None]
    assert sent == ["nothing"]
    assert await drain(app) == []


async def test_failures_add_nothing_and_future_jobs_are_left_alone(make_app: MakeApp) -> None:
    app = await make_app(max_retries=1)
    tries: list[int] = []

    @app.job
    async def second_try_works() -> str:
        tries.append(len(tries))
        if len(tries) == 1:
            raise ValueError("first")
        return "second"

    @app.job(retries=0)
    async def fails() -> None:
        raise ValueError("always")

    @app.job(retry_delay=3600)
    async def later() -> None:
        raise ValueError("again in an hour")

    ids = [await app.enqueue(job) for job in (second_try_works, fails, later)]
    future = await app.enqueue(second_try_works, delay=3600)
    assert await drain(app) == ["second"]
    statuses = [job["status"] for job_id in (*ids, future) if (job := await app.get_job(job_id))]
    assert statuses == ["done", "dead_letter", "queued", "queued"]


async def test_jobs_run_one_at_a_time_with_those_they_enqueue(make_app: MakeApp) -> None:
    app = await make_app(concurrency=10)
    running: list[str] = []

    @app.job
    async def work(name: str, depth: int = 0) -> str:
        assert running == []
        running.append(name)
        if depth:
            await work.enqueue(name=f"{name}.child", depth=depth - 1)
        await asyncio.sleep(0)
        running.remove(name)
        return name

    await app.enqueue_many(work, [{"name": "a", "depth": 2}, {"name": "b"}])
    assert await drain(app) == ["a", "b", "a.child", "a.child.child"]


async def test_it_runs_at_most_so_many(make_app: MakeApp) -> None:
    app = await make_app(max_retries=0)

    @app.job
    async def work(n: int) -> int:
        if n == 1:
            raise ValueError("no")
        return n

    await app.enqueue_many(work, [{"n": n} for n in range(5)])
    assert await drain(app, max_jobs=0) == []
    assert await drain(app, max_jobs=3) == [0, 2]
    assert (await app.get_queue_stats())["queued"] == 2
    assert await drain(app, 1) == [3]
    with pytest.raises(ValueError, match="max_jobs"):
        await drain(app, -1)


async def test_everything_around_a_handler_is_as_in_a_worker() -> None:
    told: list[str] = []
    app = Soniq(backend="memory", max_retries=0)

    @app.before_job
    async def before(ctx: JobContext) -> None:
        told.append(f"before {ctx.attempt}")

    @app.middleware
    async def around(ctx: JobContext, call_next: Any) -> Any:
        return f"{await call_next(ctx)}!"

    @app.after_job
    def after(job_name: str) -> None:
        told.append(f"after {job_name}")

    @app.on_error
    def failed(error: str) -> None:
        told.append(f"error {error}")

    @app.job(name="a.job", timeout=0.05)
    async def work(*, hang: bool) -> str:
        if hang:
            await asyncio.Event().wait()
        return "done"

    await app.enqueue(work, hang=False)
    await app.enqueue(work, hang=True)
    assert await drain(app) == ["done!"]
    assert told == ["before 1", "after a.job", "before 1", "error Job timed out after 0.05s"]


async def test_plugins_attend_the_runs() -> None:
    told: list[str] = []

    class Listening(Plugin):
        @staticmethod
        def get_identifier() -> str:
            return "tests.listening"

        async def on_worker_started(self, worker: PluginWorker) -> None:
            told.append("started")

        async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
            told.append(f"starting {job.job_name}")

        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            told.append(f"updated {job.outcome}")

        async def on_worker_stopped(self, worker: PluginWorker) -> None:
            told.append("stopped")

    app = make_memory_app(plugins=[Listening()])
    app.job(name="a.job")(lambda: 1)
    await app.enqueue("a.job")
    assert await drain(app) == [1]
    assert told == ["started", "starting a.job", "updated done", "stopped"]


async def test_unknown_jobs_are_put_back_and_do_not_count() -> None:
    app = Soniq(backend="memory", enqueue_validation="none")
    app.job(name="known.job")(lambda: "ran")
    unknown = await app.enqueue("unknown.job")
    await app.enqueue("known.job")
    assert await drain(app, max_jobs=1) == ["ran"]
    job = await app.get_job(unknown)
    assert job is not None
    assert (job["status"], job["attempts"]) == ("queued", 0)


async def test_a_drain_that_is_cancelled_puts_back_what_it_ran() -> None:
    app, begun = Soniq(backend="memory"), asyncio.Event()

    @app.job
    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    job_id = await app.enqueue(hang)
    draining = asyncio.create_task(drain(app))
    async with asyncio.timeout(10):
        await begun.wait()
        draining.cancel()
        with pytest.raises(asyncio.CancelledError):
            await draining
    job = await app.get_job(job_id)
    assert job is not None
    assert (job["status"], job["attempts"]) == ("queued", 0)


async def test_jobs_see_the_context_variables_of_the_test() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    app = Soniq(backend="memory")

    @app.job
    def seen() -> str:
        return variable.get()

    await app.enqueue(seen)
    variable.set("the test's")
    assert await drain(app) == ["the test's"]
