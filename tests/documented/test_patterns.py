"""What is promised of common patterns, a test a statement."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Optional

import pytest

from soniq import Soniq
from soniq.errors import SONIQ_SCHEMA_MISSING, SoniqError
from soniq.job import JobContext
from tests.worker.conftest import until_status, working


async def run(app: Soniq) -> None:
    await app.run_worker(run_once=True, concurrency=1)


async def test_before_and_after_job_are_given_the_context_and_on_error_the_exception_too(
    app: Soniq,
) -> None:
    given: list[Any] = []
    app.before_job(given.append)
    app.after_job(given.append)
    app.on_error(lambda ctx, error: given.append((ctx, error)))
    raised = ValueError("first time")

    @app.job(name="work", retries=1)
    async def work(ctx: JobContext) -> None:
        if ctx.attempt == 1:
            raise raised

    job_id = await app.enqueue(work)
    await run(app)
    begun, (failed, error), again, done = given
    assert error is raised
    assert [ctx.attempt for ctx in (begun, failed, again, done)] == [1, 1, 2, 2]
    assert {(type(ctx), ctx.job_id) for ctx in (begun, failed, again, done)} == {
        (JobContext, job_id)
    }
    assert (begun.duration_ms, again.duration_ms) == (None, None)
    assert done.duration_ms >= 0


async def test_the_context_comes_by_its_annotation_under_any_name(app: Soniq) -> None:
    @app.job(name="plain")
    async def plain(who: str, ctx: JobContext) -> str:
        return f"{who} {ctx.job_id}"

    @app.job(name="other")
    def other(whatever: Optional[JobContext] = None) -> str:  # noqa: UP045 - is accepted too
        assert whatever is not None
        return whatever.job_id

    one, two = await app.enqueue(plain, who="ada"), await app.enqueue(other)
    await run(app)
    assert await app.get_result(one) == f"ada {one}"
    assert await app.get_result(two) == two


async def test_the_context_has_the_documented_fields(app: Soniq) -> None:
    seen: list[JobContext] = []

    @app.job(name="work", queue="mail", retries=4)
    async def work(ctx: JobContext) -> None:
        seen.append(ctx)

    job_id = await app.enqueue(work)
    await run(app)
    job = await app.get_job(job_id)
    assert job is not None
    [ctx] = seen
    assert (ctx.job_id, ctx.job_name, ctx.queue) == (job_id, "work", "mail")
    assert (ctx.attempt, ctx.max_attempts) == (1, 5)
    assert ctx.worker_id == job["worker_id"] != ""
    assert isinstance(ctx.scheduled_at, datetime)
    assert (ctx.scheduled_at, ctx.created_at) == (job["scheduled_at"], job["created_at"])


async def test_unique_jobs_are_kept_apart_by_their_arguments(app: Soniq) -> None:
    @app.job(name="sync", unique=True)
    async def sync(user_id: int, full: bool = False) -> None: ...

    first = await app.enqueue(sync, user_id=1)
    assert await app.enqueue(sync, user_id=1) == first
    assert await app.enqueue(sync, user_id=2) != first
    assert await app.enqueue(sync, user_id=1, full=True) != first
    assert (await app.get_queue_stats())["queued"] == 3


async def test_a_unique_job_blocks_while_it_waits_or_runs_and_not_after_its_end(app: Soniq) -> None:
    go = asyncio.Event()

    @app.job(name="sync", unique=True)
    async def sync() -> None:
        await go.wait()

    first = await app.enqueue(sync)
    async with working(app):
        await until_status(app, first, "processing")
        assert await app.enqueue(sync) == first
        go.set()
        await until_status(app, first, "done")
    assert await app.enqueue(sync) != first


async def test_a_dedup_key_holds_across_arguments_and_jobs(app: Soniq) -> None:
    @app.job(name="one")
    async def one(n: int) -> None: ...

    @app.job(name="other")
    async def other() -> None: ...

    first = await app.enqueue(one, n=1, dedup_key="invoice-7")
    assert await app.enqueue(one, n=2, dedup_key="invoice-7") == first
    assert await app.enqueue(other, dedup_key="invoice-7") == first
    assert await app.enqueue(one, n=1, dedup_key="invoice-8") != first
    job = await app.get_job(first)
    assert job is not None
    assert (job["dedup_key"], job["args"]) == ("invoice-7", {"n": 1})


async def test_a_result_is_none_before_the_end_and_for_a_job_that_does_not_exist(
    app: Soniq,
) -> None:
    @app.job(name="add")
    async def add(a: int, b: int) -> int:
        return a + b

    job_id = await app.enqueue(add, a=2, b=3)
    assert await app.get_result(job_id) is None
    assert await app.get_result("00000000-0000-0000-0000-000000000000") is None
    assert await app.get_result("no such id") is None
    await run(app)
    assert await app.get_result(job_id) == 5


async def test_the_status_of_a_job_tells_its_state_result_and_name(app: Soniq) -> None:
    @app.job(name="add")
    async def add(a: int, b: int) -> int:
        return a + b

    job_id = await app.enqueue(add, a=2, b=3)
    waiting = await app.get_job_status(job_id)
    await run(app)
    done = await app.get_job_status(job_id)
    assert waiting is not None
    assert done is not None
    assert (waiting["status"], waiting["result"], waiting["job_name"]) == ("queued", None, "add")
    assert (done["status"], done["result"], done["job_name"]) == ("done", 5, "add")


async def test_results_are_stored_where_the_jobs_are(store_url: str) -> None:
    async with Soniq(database_url=store_url) as app:
        await app.setup()

        @app.job(name="add")
        async def add(a: int, b: int) -> dict[str, int]:
            return {"sum": a + b}

        job_id = await app.enqueue(add, a=2, b=3)
        await run(app)
    async with Soniq(database_url=store_url) as other:
        assert await other.get_result(job_id) == {"sum": 5}


async def test_the_context_manager_closes_on_exit_whatever_happened(store_url: str) -> None:
    app = Soniq(database_url=store_url)

    async def script() -> None:
        async with app:
            assert app.is_initialized
            raise LookupError

    with pytest.raises(LookupError):
        await script()
    assert app.is_closed


async def test_the_store_is_opened_by_its_first_use(store_url: str) -> None:
    app = Soniq(database_url=store_url)
    assert (app.is_initialized, app.backend) == (False, None)
    await app.setup()
    assert app.is_initialized
    await app.close()


async def test_on_postgres_the_tables_are_there_before_the_script_runs(pg_url: str) -> None:
    async with Soniq(database_url=pg_url, enqueue_validation="none") as app:
        with pytest.raises(SoniqError, match="soniq setup") as caught:
            await app.enqueue("work", args={})
    assert caught.value.error_code == SONIQ_SCHEMA_MISSING


async def test_a_script_stores_follow_up_work_that_another_program_runs(store_url: str) -> None:
    async with Soniq(database_url=store_url) as script:
        await script.setup()

        @script.job(name="rebuild.index")
        async def not_here(table: str) -> None: ...

        job_id = await script.enqueue(not_here, table="orders")

    async with Soniq(database_url=store_url) as worker:

        @worker.job(name="rebuild.index")
        async def rebuild(table: str) -> str:
            return f"{table} rebuilt"

        await run(worker)
        assert await worker.get_result(job_id) == "orders rebuilt"
