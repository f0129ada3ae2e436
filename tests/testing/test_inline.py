"""Enqueues that run their jobs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soniq import JobFailed, PermanentFailure, Snooze
from soniq.testing import Clock, drain, make_app


async def status(app: Any, job_id: str) -> tuple[str, int]:
    job = await app.get_job(job_id)
    return job["status"], job["attempts"]


async def test_a_job_has_run_when_its_enqueue_returns() -> None:
    app = make_app(inline=True)

    @app.job
    async def add(a: int, b: int) -> int:
        return a + b

    @app.job
    def in_a_thread() -> str:
        return "here"

    assert await app.get_result(await app.enqueue(add, a=2, b=3)) == 5
    assert await app.get_result(await add.enqueue(a=1, b=1)) == 2
    assert await app.get_result(await app.enqueue(in_a_thread)) == "here"
    ids = await app.enqueue_many(add, [{"a": 1, "b": n} for n in range(3)])
    assert [await app.get_result(job_id) for job_id in ids] == [1, 2, 3]


async def test_jobs_that_a_job_enqueues_run_inside_it() -> None:
    app, order = make_app(inline=True), []

    @app.job
    async def inner(name: str) -> str:
        order.append(name)
        return name

    @app.job
    async def outer() -> Any:
        order.append("outer")
        result = await app.get_result(await inner.enqueue(name="first"))
        await asyncio.gather(*(inner.enqueue(name=name) for name in ("second", "third")))
        order.append("end")
        return result

    assert await app.get_result(await app.enqueue(outer)) == "first"
    assert order[:2] == ["outer", "first"]
    assert sorted(order[2:4]) == ["second", "third"]
    assert order[4:] == ["end"]


async def test_concurrent_enqueues_wait_each_for_its_own_job() -> None:
    app = make_app(inline=True)
    released = asyncio.Event()

    @app.job
    async def wait() -> None:
        await released.wait()

    @app.job
    async def release() -> None:
        released.set()

    async with asyncio.timeout(10):
        waiting = asyncio.create_task(wait.enqueue())
        await release.enqueue()
        assert (await status(app, await waiting))[0] == "done"


async def test_retries_due_at_once_run_and_later_ones_wait() -> None:
    clock = Clock()
    app = make_app(clock=clock, inline=True)

    @app.job(retries=2)
    async def at_once() -> None:
        raise ValueError("no")

    @app.job(retries=1, retry_delay=60)
    async def later() -> None:
        raise ValueError("no")

    @app.job
    async def hopeless() -> None:
        raise PermanentFailure("never")

    assert await status(app, await app.enqueue(at_once)) == ("dead_letter", 3)
    waiting = await app.enqueue(later)
    assert await status(app, waiting) == ("queued", 1)
    await clock.advance(60)
    assert await status(app, waiting) == ("dead_letter", 2)
    with pytest.raises(JobFailed, match="never"):
        await app.wait(await app.enqueue(hopeless))


async def test_delayed_jobs_and_snoozes_wait() -> None:
    app = make_app(inline=True)

    @app.job
    async def snooze() -> Snooze:
        return Snooze(0)

    @app.job
    async def work() -> str:
        return "ran"

    assert await status(app, await app.enqueue(snooze)) == ("queued", 0)
    future = await app.schedule(work, 60)
    assert await status(app, future) == ("queued", 0)


async def test_a_dedup_hit_on_a_waiting_job_runs_nothing_else() -> None:
    app = make_app(inline=True)

    @app.job
    async def work(n: int) -> int:
        return n

    held = await app.enqueue(work, n=1, dedup_key="k", delay=60)
    assert await app.enqueue(work, n=2, dedup_key="k") == held
    assert await status(app, held) == ("queued", 0)
    assert await drain(app) == []


async def test_it_works_for_code_that_is_not_async() -> None:
    app = make_app(inline=True)

    @app.job
    def inner(n: int) -> int:
        return n * 2

    @app.job
    def outer() -> Any:
        return app.sync.get_result(app.sync.enqueue(inner, n=4))

    def program() -> Any:
        return app.sync.get_result(app.sync.enqueue(outer))

    assert await asyncio.to_thread(program) == 8
    assert await app.get_result(await app.enqueue(outer)) == 8
