"""How a worker starts, drains, is taken for dead, and shares a process with others."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import aiosqlite
import asyncpg
import pytest

from soniq import JobContext, Soniq
from soniq.plugins import Plugin, PluginJob, PluginWorker
from tests.worker.conftest import PATIENCE, MakeApp, until, until_status, working


async def workers(app: Soniq, status: str) -> list[dict[str, Any]]:
    return [worker for worker in await app.list_workers() if worker["status"] == status]


async def test_a_worker_registers_and_leaves(app: Soniq) -> None:
    @app.job(name="noop")
    async def noop() -> None: ...

    async with working(app, concurrency=7, queues=["a", "b"]):

        async def registered() -> bool:
            return len(await workers(app, "active")) == 1

        await until(registered)
        (worker,) = await workers(app, "active")
    assert worker["concurrency"] == 7
    assert worker["queues"] == ["a", "b"]
    (left,) = await app.list_workers()
    assert (left["id"], left["status"]) == (worker["id"], "stopped")


async def test_a_stopping_worker_lets_running_jobs_end(app: Soniq) -> None:
    began, gate = asyncio.Event(), asyncio.Event()

    @app.job(name="long")
    async def long(ctx: JobContext) -> bool:
        began.set()
        await gate.wait()
        return ctx.should_stop

    job_id = await app.enqueue(long)
    async with working(app) as stop:
        await asyncio.wait_for(began.wait(), PATIENCE)
        waiting = await app.enqueue_many(long, [{} for _ in range(20)])
        stop.set()

        async def stopping() -> bool:
            return len(await workers(app, "stopping")) == 1

        await until(stopping)
        gate.set()
    assert await app.get_result(job_id) is True
    stats = await app.get_queue_stats()
    assert stats["processing"] == 0
    assert stats["done"] + stats["queued"] == 1 + len(waiting)


class Holding(Plugin):
    """As plugin, sink or hook it holds up the start of a run until `gate` is set."""

    def __init__(self) -> None:
        self.began, self.gate = asyncio.Event(), asyncio.Event()

    @staticmethod
    def get_identifier() -> str:
        return "tests.holding"

    async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
        await self.before(job.job_name)

    async def record_job_start(self, *, job_name: str, **_: Any) -> None:
        await self.before(job_name)

    async def record_job_end(self, **_: Any) -> None: ...

    async def before(self, job_name: str) -> None:
        self.began.set()
        await self.gate.wait()


@pytest.mark.parametrize("holds", ["sink", "plugin", "hook"])
async def test_a_handler_that_begins_while_its_worker_stops_knows_it(
    make_app: MakeApp, holds: str
) -> None:
    holding = Holding()
    app = await make_app(
        metrics_sink=holding if holds == "sink" else None,
        plugins=[holding] if holds == "plugin" else [],
    )
    if holds == "hook":
        app.before_job(holding.before)

    @app.job(name="asks")
    async def asks(ctx: JobContext) -> bool:
        return ctx.should_stop

    job_id = await app.enqueue(asks)
    async with working(app) as stop:
        await asyncio.wait_for(holding.began.wait(), PATIENCE)
        stop.set()

        async def stopping() -> bool:
            return len(await workers(app, "stopping")) == 1

        await until(stopping)
        holding.gate.set()
    assert await app.get_result(job_id) is True


async def test_after_shutdown_timeout_async_jobs_go_back_unspent(make_app: MakeApp) -> None:
    app = await make_app(shutdown_timeout=0.1)
    began = asyncio.Event()

    @app.job(name="endless")
    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    job_id = await app.enqueue(endless)
    async with working(app):
        await asyncio.wait_for(began.wait(), PATIENCE)
    job = await app.get_job(job_id)
    assert job is not None
    assert (job["status"], job["attempts"], job["crashes"]) == ("queued", 0, 0)


async def test_a_sync_job_is_never_put_back_while_its_thread_runs(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = await make_app(shutdown_timeout=0.1, sync_handler_grace_seconds=0.1)
    began, gate = threading.Event(), threading.Event()

    @app.job(name="thread")
    def thread() -> str:
        began.set()
        gate.wait()
        return "finished"

    job_id = await app.enqueue(thread)
    async with working(app) as stop:
        await asyncio.to_thread(began.wait, PATIENCE)
        stop.set()

        async def warned() -> bool:
            return "cannot be interrupted" in caplog.text

        await until(warned)
        job = await app.get_job(job_id)
        assert job is not None
        assert job["status"] == "processing"
        gate.set()
    assert await app.get_result(job_id) == "finished"


async def test_cancelling_the_task_of_a_worker_stops_it_wholly(app: Soniq) -> None:
    began = asyncio.Event()

    @app.job(name="endless")
    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    job_id = await app.enqueue(endless)
    before = asyncio.all_tasks()
    task = asyncio.create_task(app.run_worker(shutdown_event=asyncio.Event()))
    await asyncio.wait_for(began.wait(), PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE)
    job = await app.get_job(job_id)
    assert job is not None
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert await workers(app, "active") == []
    leftover = {t for t in asyncio.all_tasks() - before if t.get_name().startswith("soniq")}
    assert leftover == set()


async def test_several_workers_share_a_process_and_the_work(app: Soniq) -> None:
    seen: list[str] = []

    @app.job(name="note")
    async def note(n: int, ctx: JobContext) -> None:
        seen.append(ctx.worker_id)
        await asyncio.sleep(0.001)

    await app.enqueue_many(note, [{"n": n} for n in range(200)])
    async with working(app, concurrency=5), working(app, concurrency=5):

        async def all_done() -> bool:
            return (await app.get_queue_stats())["done"] == 200

        await until(all_done)
    assert len(seen) == 200


async def test_an_idle_worker_is_woken_by_an_enqueue(make_app: MakeApp) -> None:
    app = await make_app(poll_interval=60)
    ran = asyncio.Event()

    @app.job(name="wake")
    async def wake() -> None:
        ran.set()

    async with working(app):

        async def registered() -> bool:
            return len(await workers(app, "active")) == 1

        await until(registered)
        await app.enqueue(wake)
        await asyncio.wait_for(ran.wait(), PATIENCE)


async def test_a_long_job_does_not_make_short_ones_wait_behind_it(make_app: MakeApp) -> None:
    """What was claimed ahead goes back to another worker when its slot does not come free."""
    app = await make_app(poll_interval=0.2)
    gate = asyncio.Event()

    @app.job(name="mixed")
    async def mixed(long: bool) -> None:
        if long:
            await gate.wait()

    await app.enqueue_many(mixed, [{"long": False} for _ in range(200)])
    async with working(app, concurrency=1):

        async def short_done() -> bool:
            return (await app.get_queue_stats())["done"] == 200

        await until(short_done)
        blocked = await app.enqueue_many(mixed, [{"long": n == 0} for n in range(50)])
        await until_status(app, blocked[0], "processing")
        async with working(app, concurrency=1):

            async def rest_done() -> bool:
                return (await app.get_queue_stats())["done"] == 249

            await until(rest_done)
        gate.set()


async def test_a_job_of_a_quiet_queue_starts_soon_beside_a_backlog(app: Soniq) -> None:
    started: list[str] = []

    @app.job(name="noop")
    async def noop() -> None: ...

    @app.job(name="quiet", queue="quiet")
    async def quiet() -> int:
        return len(started)

    @app.job(name="busy", queue="busy")
    async def busy() -> None:
        started.append("busy")
        await asyncio.sleep(0)

    await app.enqueue_many(busy, [{} for _ in range(3000)])
    job_id = await app.enqueue(quiet)
    async with working(app, concurrency=4):
        job = await until_status(app, job_id, "done")
    assert job["result"] < 1500


async def test_arguments_a_handler_changes_stay_as_they_are_stored(app: Soniq) -> None:
    @app.job(name="change", retries=1)
    async def change(items: list[int], ctx: JobContext) -> list[int]:
        items.append(ctx.attempt)
        if ctx.attempt == 1:
            raise ValueError
        return items

    job_id = await app.enqueue(change, items=[0])
    await app.run_worker(run_once=True)
    job = await app.get_job(job_id)
    assert job is not None
    assert job["result"] == [0, 2]
    assert job["args"] == {"items": [0]}


async def declare_dead(store: dict[str, Any]) -> None:
    """Do to every worker's row what a judge does."""
    statement = "UPDATE soniq_workers SET status = 'stopped'"
    if store["backend"] == "sqlite":
        async with aiosqlite.connect(store["database_url"]) as file:
            await file.execute(statement)
            await file.commit()
    else:
        connection = await asyncpg.connect(store["database_url"])
        await connection.execute(statement)
        await connection.close()


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
async def test_a_worker_that_was_declared_dead_goes_on_under_a_new_id(
    store: dict[str, Any], make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = await make_app(heartbeat_interval=0.2)
    ids: list[str] = []
    lost = asyncio.Event()

    @app.job(name="long")
    async def long(ctx: JobContext) -> str:
        ids.append(ctx.worker_id)
        if len(ids) > 1:
            return "second"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.set()
            raise
        return "first"

    job_id = await app.enqueue(long)
    async with working(app):
        await until_status(app, job_id, "processing")
        await declare_dead(store)
        await asyncio.wait_for(lost.wait(), PATIENCE)
        job = await until_status(app, job_id, "done")
        (active,) = await workers(app, "active")
    assert job["result"] == "second"
    assert ids == [ids[0], active["id"]]
    assert ids[0] != ids[1]
    assert "declared dead" in caplog.text
