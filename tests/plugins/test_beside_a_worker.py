"""What plugins do beside a worker: their own loops, and the upkeep of the leader."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soniq import Soniq
from soniq.backends import MemoryBackend
from soniq.events import Events
from soniq.plugins import PluginJob, PluginWorker
from soniq.services import maintenance
from soniq.services.leader import LIFE, Leadership
from soniq.services.maintenance import Pruning
from soniq.settings import SoniqSettings
from tests.plugins.conftest import PATIENCE, Diary, Named
from tests.worker.conftest import MakeApp, until, until_status, working


class Running(Named):
    """Goes wrong as often as it is told to, and then runs on."""

    def __init__(self, *failures: BaseException) -> None:
        super().__init__("tests.running")
        self.failures = list(failures)
        self.workers: list[str] = []
        self.steady = asyncio.Event()
        self.ended = 0

    async def run(self, worker: PluginWorker, app: Soniq) -> None:
        self.workers.append(worker.id)
        if self.failures:
            raise self.failures.pop(0)
        self.steady.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


async def test_a_plugin_runs_beside_each_worker_until_it_stops() -> None:
    plugin = Running()
    app = Soniq(backend="memory", plugins=[plugin])
    for _ in range(2):
        plugin.steady.clear()
        async with working(app):
            await asyncio.wait_for(plugin.steady.wait(), PATIENCE)
    assert len(set(plugin.workers)) == 2
    assert plugin.ended == 2
    await app.close()


async def test_a_run_that_breaks_is_begun_again_after_a_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugin = Running(OSError("one"), SystemExit(2), asyncio.CancelledError())
    app = Soniq(backend="memory", plugins=[plugin])

    @app.job(name="work")
    async def work() -> str:
        return "done"

    async with working(app):
        await asyncio.wait_for(plugin.steady.wait(), PATIENCE)
        await until_status(app, await app.enqueue("work"), "done")
    assert len(plugin.workers) == 4
    told = [line for line in caplog.messages if "run failed" in line]
    assert len(told) == 3
    assert all("next try in" in line for line in told)
    await app.close()


async def test_a_run_that_returns_is_over() -> None:
    class Once(Named):
        runs = 0

        async def run(self, worker: PluginWorker, app: Soniq) -> None:
            self.runs += 1

    plugin = Once()
    app = Soniq(backend="memory", plugins=[plugin])

    @app.job(name="work")
    async def work() -> None: ...

    async with working(app):
        await until_status(app, await app.enqueue("work"), "done")
    assert plugin.runs == 1
    await app.close()


async def test_a_run_that_will_not_end_keeps_no_worker_from_stopping(
    caplog: pytest.LogCaptureFixture,
) -> None:
    release = asyncio.Event()

    class Stubborn(Named):
        begun = asyncio.Event()

        async def run(self, worker: PluginWorker, app: Soniq) -> None:
            self.begun.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

    plugin = Stubborn()
    app = Soniq(backend="memory", plugins=[plugin], hook_timeout=0.05)
    async with working(app):
        await asyncio.wait_for(plugin.begun.wait(), PATIENCE)
    assert "has not ended within 0.05 s" in caplog.text
    release.set()
    await app.close()


async def test_what_runs_beside_a_worker_ends_after_its_last_update() -> None:
    pages: list[Any] = []

    class Flushing(Diary):
        async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
            await asyncio.sleep(0.01)
            self.write("updated")

        async def run(self, worker: PluginWorker, app: Soniq) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                self.write("flushed")

    app = Soniq(backend="memory", plugins=[Flushing(pages=pages)])

    @app.job(name="work")
    async def work() -> None: ...

    async with working(app):
        await app.enqueue_many("work", [{}] * 10)
        await until_status(app, await app.enqueue("work"), "done")
    assert [entry[1] for entry in pages[-4:]] == ["updated", "updated", "flushed", "worker stopped"]
    assert sum(entry[1] == "updated" for entry in pages) == 11
    await app.close()


async def test_a_plugin_that_fails_or_hangs_as_a_worker_comes_and_goes_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Named):
        async def on_worker_started(self, worker: PluginWorker) -> None:
            await asyncio.Event().wait()

        async def on_worker_stopped(self, worker: PluginWorker) -> None:
            raise OSError("no farewell")

    app = Soniq(backend="memory", plugins=[Broken()], hook_timeout=0.05)

    @app.job(name="work")
    async def work() -> None: ...

    await app.enqueue("work")
    assert await app.run_worker(run_once=True) is True
    assert "on_worker_started failed: TimeoutError" in caplog.text
    assert "on_worker_stopped failed: OSError" in caplog.text
    await app.close()


async def test_a_plugin_that_ends_as_cancelled_or_cannot_be_called_lets_the_worker_leave(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Cancelling(Named):
        """Ends a task of its own, and lets the cancellation through."""

        async def on_worker_started(self, worker: PluginWorker) -> None:
            self.beside = asyncio.create_task(asyncio.Event().wait())

        async def on_worker_stopped(self, worker: PluginWorker) -> None:
            self.beside.cancel()
            await self.beside

    class Misspelt(Named):
        async def on_worker_stopped(self) -> None:  # type: ignore[override]
            """It lacks the worker."""

    app = Soniq(backend="memory", plugins=[Cancelling("tests.own"), Misspelt("tests.misspelt")])

    @app.job(name="work")
    async def work() -> None: ...

    before = asyncio.all_tasks()
    await app.enqueue("work")
    assert await app.run_worker(run_once=True) is True
    assert "tests.own: on_worker_stopped failed: RuntimeError" in caplog.text
    assert "tests.misspelt: on_worker_stopped failed: TypeError" in caplog.text
    assert [worker["status"] for worker in await app.list_workers()] == ["stopped"]
    assert asyncio.all_tasks() <= before, "something of the worker still runs"
    await app.close()


async def test_of_two_workers_one_leads_and_the_other_takes_over(make_app: MakeApp) -> None:
    class Leading(Named):
        def __init__(self) -> None:
            super().__init__("tests.leading")
            self.workers: set[str] = set()
            self.leaders: list[str] = []
            self.news = asyncio.Event()

        async def run(self, worker: PluginWorker, app: Soniq) -> None:
            self.workers.add(worker.id)
            await self.wait_for_leader(worker)
            assert worker.is_leader
            self.leaders.append(worker.id)
            self.news.set()
            await asyncio.Event().wait()

    plugin = Leading()
    app = await make_app(plugins=[plugin])
    async with working(app):
        await asyncio.wait_for(plugin.news.wait(), PATIENCE)
        plugin.news.clear()
        stop = asyncio.Event()
        second = asyncio.create_task(app.run_worker(shutdown_event=stop))

        async def both() -> bool:
            return len(plugin.workers) == 2

        await until(both)
        assert len(plugin.leaders) == 1
        stop.set()
        await second
    assert len(plugin.leaders) == 1


async def test_a_lease_that_runs_out_under_a_stuck_renewal_is_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leadership = Leadership(MemoryBackend(), "upkeep", "me")
    loop, held = asyncio.get_running_loop(), [leadership.holds]
    await leadership.renew()
    await asyncio.wait_for(leadership.taken(), 1)
    held.append(leadership.holds)
    later = loop.time() + LIFE + 1
    with monkeypatch.context() as patched:
        patched.setattr(loop, "time", lambda: later)
        held.append(leadership.holds)
    held.append(leadership.holds)
    await leadership.resign()
    held.append(leadership.holds)
    assert held == [False, True, False, True, False]


async def test_the_leader_cleans_up_and_outlives_what_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Cleaning(Named):
        def __init__(self, identifier: str, failure: BaseException | None = None) -> None:
            super().__init__(identifier)
            self.failure = failure
            self.cleaned = asyncio.Event()

        async def cleanup(self, app: Soniq) -> int | None:
            self.cleaned.set()
            if self.failure is not None:
                raise self.failure
            return 3

    monkeypatch.setattr(maintenance, "FIRST_PRUNING", 0.0)
    broken, fine = Cleaning("broken", OSError("no disk")), Cleaning("fine")
    cancelled = Cleaning("cancelled", asyncio.CancelledError())
    app = Soniq(backend="memory", plugins=[broken, cancelled, fine])
    async with working(app):
        await asyncio.wait_for(fine.cleaned.wait(), PATIENCE)
    assert broken.cleaned.is_set()
    assert cancelled.cleaned.is_set()
    assert "Plugin broken: cleanup failed" in caplog.text
    assert "Plugin cancelled: cleanup failed" in caplog.text
    await app.close()


async def test_only_the_leader_cleans_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "FIRST_PRUNING", 0.0)
    cleaned: list[str] = []
    backend, settings = MemoryBackend(), SoniqSettings()

    def pruning(holder: str) -> Pruning:
        async def cleanup() -> int:
            cleaned.append(holder)
            return 0

        leadership = Leadership(backend, "maintenance", holder)
        return Pruning(backend, settings, leadership, Events(), cleanup)

    for holder in ("first", "second"):
        await pruning(holder).beat()
    assert cleaned == ["first"]
