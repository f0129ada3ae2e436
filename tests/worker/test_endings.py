"""A worker ends wholly however it is ended, and by nothing but a wish to end it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from soniq import Soniq
from soniq.backends import MemoryBackend
from soniq.backends.base import Unavailable, Wake, WorkerSession
from soniq.records import NewWorker
from tests.worker.conftest import PATIENCE, until_status, working


async def test_cancelling_the_task_again_and_again_stops_the_worker_no_less_wholly(
    app: Soniq,
) -> None:
    began, ending, gate = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.job(name="slow_to_end")
    async def slow_to_end() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await gate.wait()

    job_id = await app.enqueue(slow_to_end)
    task = asyncio.create_task(app.run_worker(shutdown_event=asyncio.Event()))
    await asyncio.wait_for(began.wait(), PATIENCE)
    task.cancel()
    await asyncio.wait_for(ending.wait(), PATIENCE)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    async with asyncio.timeout(PATIENCE):
        while not task.done():
            task.cancel()
            await asyncio.sleep(0.001)
    assert task.cancelled()
    job = await app.get_job(job_id)
    assert job is not None
    assert (job["status"], job["attempts"], job["crashes"]) == ("queued", 0, 0)
    assert [worker["status"] for worker in await app.list_workers()] == ["stopped"]


async def test_a_loop_that_ends_beside_a_worker_ends(app: Soniq) -> None:
    began = asyncio.Event()

    @app.job(name="endless")
    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    async def leave_a_worker_behind() -> None:
        await app.enqueue(endless)
        worker = asyncio.create_task(app.run_worker(shutdown_event=asyncio.Event()))
        await began.wait()
        assert not worker.done()

    await asyncio.wait_for(asyncio.to_thread(asyncio.run, leave_a_worker_behind()), PATIENCE)
    assert [worker["status"] for worker in await app.list_workers()] == ["stopped"]


class _Flapping(MemoryBackend):
    """Declares its first worker dead, and is away when that one comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 0
        self._joined = False

    async def join(self, worker: NewWorker, wake: Wake) -> WorkerSession:
        if self._joined and self.refusals < 3:
            self.refusals += 1
            raise Unavailable("the network is flapping")
        session: Any = await super().join(worker, wake)
        if not self._joined:
            self._joined = True
            session.heartbeat = _declared_dead
        return session  # type: ignore[no-any-return]


async def _declared_dead() -> bool:
    return False


async def test_a_worker_that_was_declared_dead_waits_for_a_store_that_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = _Flapping()
    app = Soniq(backend=backend, heartbeat_interval=0.1, error_retry_delay=0.1)

    @app.job(name="after")
    async def after() -> None: ...

    async with app, working(app):
        async with asyncio.timeout(PATIENCE):
            while backend.refusals < 3:  # noqa: ASYNC110 - a backend tells nobody
                await asyncio.sleep(0.01)
        await until_status(app, await app.enqueue(after), "done")
    assert "Joining failed, next try in" in caplog.text


class _AwayAtFirst(MemoryBackend):
    """Goes away between its opening and the first join."""

    def __init__(self, refusals: float) -> None:
        super().__init__()
        self._refusals = refusals

    async def join(self, worker: NewWorker, wake: Wake) -> WorkerSession:
        if self._refusals > 0:
            self._refusals -= 1
            raise Unavailable("the server is restarting")
        return await super().join(worker, wake)


async def test_a_worker_that_starts_while_the_store_restarts_waits_for_it() -> None:
    app = Soniq(backend=_AwayAtFirst(3), error_retry_delay=0.1)

    @app.job(name="after")
    async def after() -> None: ...

    async with app, working(app):
        await until_status(app, await app.enqueue(after), "done")


async def test_a_worker_gives_up_joining_a_store_that_stays_away() -> None:
    app = Soniq(backend=_AwayAtFirst(math.inf), error_retry_delay=0.1, database_timeout=0.3)
    async with app:
        with pytest.raises(Unavailable, match="restarting"):
            await asyncio.wait_for(app.run_worker(shutdown_event=asyncio.Event()), PATIENCE)
