"""The examples of common patterns, each as a program that runs jobs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from soniq import Soniq
from soniq.job import JobContext
from tests.documented.alone import alone


@alone
async def test_hooks_are_given_the_context_and_the_exception(url):
    eq = Soniq(database_url=url)
    told = []

    @eq.before_job
    async def log_start(ctx):
        told.append(f"start {ctx.job_name} {ctx.attempt}")

    @eq.after_job
    async def log_complete(ctx):
        told.append(f"done {ctx.job_name}")

    @eq.on_error
    async def log_failure(ctx, error):
        assert isinstance(error, OSError)
        told.append(f"failed {ctx.job_name} {error}")

    @eq.job(name="once.bad", retries=1)
    async def once_bad(ctx: JobContext):
        if ctx.attempt == 1:
            raise OSError("disk")

    await eq.enqueue(once_bad)
    await eq.run_worker(run_once=True)
    await eq.close()
    assert told == ["start once.bad 1", "failed once.bad disk", "start once.bad 2", "done once.bad"]


@alone
async def test_a_handler_is_given_its_context_by_annotation(url):
    eq = Soniq(database_url=url)
    seen = []

    @eq.job(queue="default")
    async def process_order(order_id: int, ctx: JobContext):
        seen.append((order_id, ctx))

    job_id = await eq.enqueue(process_order, order_id=7)
    await eq.run_worker(run_once=True)
    job = await eq.get_job(job_id)
    await eq.close()

    [(order_id, ctx)] = seen
    assert order_id == 7
    assert (ctx.job_id, ctx.queue, ctx.attempt) == (job_id, "default", 1)
    assert ctx.job_name == f"{__name__}.process_order"
    assert ctx.max_attempts == job["max_attempts"] == 4
    assert ctx.worker_id == job["worker_id"]
    assert UUID(ctx.worker_id)
    assert isinstance(ctx.scheduled_at, datetime)
    assert ctx.created_at == job["created_at"]
    assert job["args"] == {"order_id": 7}


@alone
async def test_a_unique_job_is_stored_once_for_the_same_arguments(url):
    eq = Soniq(database_url=url)
    ran = []

    @eq.job(unique=True)
    async def sync_user(user_id: int):
        ran.append(user_id)

    first = await eq.enqueue(sync_user, user_id=42)
    again = await eq.enqueue(sync_user, user_id=42)
    other = await eq.enqueue(sync_user, user_id=99)
    assert first == again != other
    await eq.run_worker(run_once=True)
    await eq.close()
    assert sorted(ran) == [42, 99]


@alone
async def test_a_key_of_the_callers_stands_for_different_arguments(url):
    eq = Soniq(database_url=url)
    ran = []

    @eq.job()
    async def sync_user(user_id: int, full: bool = False):
        ran.append((user_id, full))

    first = await eq.enqueue(sync_user, user_id=42, dedup_key="sync-user-42")
    again = await eq.enqueue(sync_user, user_id=42, full=True, dedup_key="sync-user-42")
    assert first == again
    await eq.run_worker(run_once=True)
    await eq.close()
    assert ran == [(42, False)]


@alone
async def test_the_result_of_a_job_is_fetched_after_it_ran(url):
    eq = Soniq(database_url=url)

    @eq.job()
    async def add(a: int, b: int):
        return a + b

    job_id = await eq.enqueue(add, a=2, b=3)
    assert await eq.get_result(job_id) is None
    await eq.run_worker(run_once=True)
    assert await eq.get_result(job_id) == 5

    status = await eq.get_job_status(job_id)
    assert status["status"] == "done"
    assert status["result"] == 5
    assert status["job_name"] == f"{__name__}.add"
    await eq.close()


@alone
async def test_a_script_registers_enqueues_and_runs_within_the_context_manager(url):
    ran = []
    async with Soniq(database_url=url) as eq:

        @eq.job()
        async def my_task(value: str):
            ran.append(value)

        await eq.enqueue(my_task, value="hello")
        await eq.run_worker(run_once=True)
    assert ran == ["hello"]
    assert eq.is_closed
