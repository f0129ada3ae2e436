"""What plugins are told once an end is stored: nothing else, nothing twice, and beside the work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from soniq import JobContext
from soniq.plugins import PluginJob, PluginWorker
from tests.plugins.conftest import Updated, define, memory_app, run_one
from tests.worker.conftest import MakeApp, until, until_status, working


async def until_told(plugin: Updated, number: int) -> None:
    """Wait until a plugin has been told of so many updates: a worker that stops may not wait."""

    async def told() -> bool:
        return len(plugin.jobs) >= number

    await until(told)


async def test_an_update_is_told_once_it_can_be_read(make_app: MakeApp) -> None:
    class Reading(Updated):
        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            stored = await worker.app.get_job(job.id)
            assert stored is not None
            assert stored["status"] == job.status
            self.jobs.append(job)

    plugin = Reading()
    app = await make_app(plugins=[plugin])
    define(app)
    await app.enqueue_many("works", [{"number": number} for number in range(20)])
    await run_one(app, "fatal")
    assert len(plugin.jobs) == 21


async def test_an_end_that_the_store_refuses_is_not_told(make_app: MakeApp) -> None:
    plugin = Updated()
    app = await make_app(plugins=[plugin])

    @app.job(name="deletes.itself")
    async def deletes_itself(ctx: JobContext) -> None:
        await app.delete_job(ctx.job_id)

    @app.job(name="after")
    async def after() -> None: ...

    async with working(app, concurrency=1):
        await app.enqueue("deletes.itself")
        await until_status(app, await app.enqueue("after"), "done")
    assert [job.job_name for job in plugin.jobs] == ["after"]


async def test_a_plugin_that_raises_is_told_of_the_next_update(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Updated):
        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            self.jobs.append(job)
            if len(self.jobs) == 1:
                raise OSError("no disk")
            if len(self.jobs) == 2:
                raise asyncio.CancelledError

    broken, fine = Broken("tests.broken"), Updated()
    app = await memory_app(broken, fine)
    await app.enqueue_many("works", [{}] * 4)
    await app.run_worker(run_once=True)
    assert (len(broken.jobs), len(fine.jobs)) == (4, 4)
    assert caplog.text.count("Plugin tests.broken: on_job_updated failed") == 2
    await app.close()


async def test_a_plugin_that_cannot_even_be_called_is_told_of_and_of_the_next_update(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Wrong(Updated):
        def on_job_updated(  # type: ignore[override]
            self, *, worker: PluginWorker, job: PluginJob
        ) -> None:
            self.jobs.append(job)
            raise LookupError("no coroutine")

    wrong, fine = Wrong("tests.wrong"), Updated()
    app = await memory_app(wrong, fine)
    await app.enqueue_many("works", [{}] * 3)
    await app.run_worker(run_once=True)
    assert (len(wrong.jobs), len(fine.jobs)) == (3, 3)
    assert caplog.text.count("on_job_updated failed: LookupError('no coroutine')") == 3
    await app.close()


async def test_a_hanging_plugin_that_swallows_its_cancellation_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Deaf(Updated):
        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            self.jobs.append(job)
            if len(self.jobs) == 1:
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            else:
                raise OSError("no disk")

    deaf = Deaf("tests.deaf")
    app = await memory_app(deaf, hook_timeout=0.2)
    await app.enqueue_many("works", [{}] * 2)
    async with working(app):
        await until_told(deaf, 2)
    assert len(deaf.jobs) == 2
    assert caplog.text.count("on_job_updated failed: TimeoutError") == 1
    assert caplog.text.count("on_job_updated failed: OSError('no disk')") == 1
    await app.close()


async def test_a_plugin_that_hangs_holds_up_nobody_and_is_told_of_the_next_update(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Hanging(Updated):
        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            self.jobs.append(job)
            task = asyncio.current_task()
            assert task is not None
            cancelling.append(task.cancelling())
            if len(self.jobs) == 1:
                await asyncio.Event().wait()

    cancelling: list[int] = []
    hanging, fine = Hanging("tests.hanging"), Updated()
    app = await memory_app(hanging, fine, hook_timeout=0.2)
    async with working(app):
        first = await app.enqueue("works")
        await until_status(app, first, "done")
        second = await app.enqueue("works")
        await until_status(app, second, "done")
        await until_told(hanging, 2)
    assert [job.id for job in hanging.jobs] == [first, second]
    assert cancelling == [0, 0]
    assert len(fine.jobs) == 2
    assert "Plugin tests.hanging: on_job_updated failed: TimeoutError" in caplog.text
    await app.close()


@pytest.mark.parametrize("bound", ["BACKLOG", "BACKLOG_BYTES"])
async def test_a_plugin_that_never_catches_up_is_cut_off_and_that_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(f"soniq.plugins.updates.{bound}", 5)

    class Stuck(Updated):
        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            self.jobs.append(job)
            await asyncio.Event().wait()

    stuck = Stuck("tests.stuck")
    app = await memory_app(stuck, hook_timeout=0.3)
    await app.enqueue_many("works", [{}] * 50)
    async with asyncio.timeout(15):
        await app.run_worker(run_once=True)
    lost = sum(
        record.args[1]
        for record in caplog.records
        if "was not told of" in record.msg
        and isinstance(record.args, tuple)
        and isinstance(record.args[1], int)
    )
    assert 1 <= len(stuck.jobs) < 50
    assert len(stuck.jobs) + lost == 50
    stats = await app.get_queue_stats()
    assert stats["done"] == 50
    await app.close()


class Together(Updated):
    """Is told of several ends at a time."""

    def __init__(self, identifier: str = "tests.together") -> None:
        super().__init__(identifier)
        self.sizes: list[int] = []

    async def on_jobs_updated(self, *, worker: PluginWorker, jobs: Sequence[PluginJob]) -> None:
        self.sizes.append(len(jobs))
        self.jobs += jobs


async def test_updates_may_be_told_together(make_app: MakeApp) -> None:
    plugin, single = Together(), Updated()
    app = await make_app(plugins=[plugin, single])
    define(app)
    ids = await app.enqueue_many("works", [{"number": number} for number in range(250)])
    await app.run_worker(run_once=True, concurrency=100)
    assert sorted(job.id for job in plugin.jobs) == sorted(ids)
    assert [job.id for job in plugin.jobs] == [job.id for job in single.jobs]
    assert 1 < max(plugin.sizes) <= 100


async def test_updates_told_together_that_fail_or_hang_cost_the_plugin_these(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Together):
        async def on_jobs_updated(self, *, worker: PluginWorker, jobs: Sequence[PluginJob]) -> None:
            await super().on_jobs_updated(worker=worker, jobs=jobs)
            if len(self.sizes) == 1:
                raise OSError("no disk")
            if len(self.sizes) == 2:
                await asyncio.Event().wait()

    plugin = Failing("tests.failing")
    app = await memory_app(plugin, hook_timeout=0.2)
    async with working(app):
        for _ in range(3):
            await until_status(app, await app.enqueue("works"), "done")
        await until_told(plugin, 3)
    assert len(plugin.jobs) == 3
    assert "Plugin tests.failing: on_jobs_updated failed: OSError" in caplog.text
    assert "Plugin tests.failing: on_jobs_updated failed: TimeoutError" in caplog.text
    await app.close()


async def test_whoever_refines_the_single_call_of_a_plugin_is_still_called() -> None:
    class Refined(Together):
        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            await super().on_jobs_updated(worker=worker, jobs=[job])

    plugin = Refined()
    app = await memory_app(plugin)
    await app.enqueue_many("works", [{}] * 3)
    await app.run_worker(run_once=True)
    assert plugin.sizes == [1, 1, 1]
    await app.close()
