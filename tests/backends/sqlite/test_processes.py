"""Several processes on one file."""

from __future__ import annotations

import asyncio
import signal
import statistics
import time
from asyncio.subprocess import Process

from soniq.backends.base import WorkerSession
from soniq.backends.sqlite import SQLiteBackend
from soniq.records import Recovered
from tests.backends.sqlite.conftest import PATIENCE, Opener, Spawn, line_of, tell
from tests.factories import new_jobs, new_worker

JUDGE = {"heartbeat_interval": 0.1}


async def test_two_processes_run_every_job_once(backend: SQLiteBackend, spawn: Spawn) -> None:
    ids = set(await backend.insert(new_jobs(2000)))
    workers = [await spawn("drain") for _ in range(2)]
    for worker in workers:
        assert await line_of(worker) == "ready"
    for worker in workers:
        await tell(worker, "go")

    first, second = [(await line_of(worker)).split() for worker in workers]

    assert len(first) + len(second) == 2000
    assert {*first, *second} == ids
    assert (await backend.queue_stats())["default"]["done"] == 2000


async def test_a_killed_process_gives_its_jobs_back(
    backend: SQLiteBackend, opener: Opener, spawn: Spawn
) -> None:
    await backend.insert(new_jobs(3))
    judge = await opener.session(**JUDGE)
    victim = await spawn("hold")
    worker_id, *held = (await line_of(victim)).split()

    victim.send_signal(signal.SIGKILL)
    await victim.wait()
    found = await _recovered(judge)

    assert [worker.id for worker in found.workers] == [worker_id]
    assert sorted(found.requeued) == sorted(held)
    for job_id in held:
        job = await backend.get_job(job_id)
        assert job is not None
        assert (job["status"], job["attempts"], job["crashes"]) == ("queued", 0, 1)


async def test_a_process_that_merely_stands_still_keeps_its_jobs(
    backend: SQLiteBackend, opener: Opener, spawn: Spawn
) -> None:
    await backend.insert(new_jobs(3))
    judge = await opener.session(**JUDGE)
    slow = await spawn("hold")
    worker_id, *held = (await line_of(slow)).split()

    slow.send_signal(signal.SIGSTOP)
    try:
        await _outwait_its_heartbeat(judge, worker_id, backend)
        assert await judge.recover(max_crashes=3) == Recovered([], [], [], live=2)
    finally:
        slow.send_signal(signal.SIGCONT)
    assert await judge.lost(dict.fromkeys(held, 1))
    job = await backend.get_job(held[0])
    assert job is not None
    assert (job["status"], job["worker_id"]) == ("processing", worker_id)


async def test_a_process_known_to_be_gone_is_not_waited_for(
    backend: SQLiteBackend, opener: Opener, spawn: Spawn
) -> None:
    await backend.insert(new_jobs(3))
    judge = await opener.session()
    victim = await spawn("hold")
    await line_of(victim)

    assert (await judge.recover(max_crashes=3, gone=[victim.pid])).workers == []
    victim.kill()
    await victim.wait()

    assert len((await judge.recover(max_crashes=3, gone=[victim.pid])).requeued) == 3


async def test_an_enqueue_of_another_process_wakes_within_50_ms(
    opener: Opener, spawn: Spawn
) -> None:
    backend = await opener.backend()
    woken: asyncio.Queue[float] = asyncio.Queue()
    session = await backend.join(
        new_worker(queues=("default",)), lambda _: woken.put_nowait(time.monotonic())
    )
    other = await spawn("enqueue")
    assert await line_of(other) == "ready"

    delays = [await _wake_delay(other, woken, session) for _ in range(9)]

    assert statistics.median(delays) < 0.05


async def test_a_lone_enqueue_beside_a_busy_process_stays_quick(
    backend: SQLiteBackend, spawn: Spawn
) -> None:
    busy = await spawn("be_busy")
    assert await line_of(busy) == "ready"

    delays = [await _enqueue_time(backend) for _ in range(60)]

    await tell(busy, "stop")
    assert statistics.median(delays) < 0.1
    assert max(delays) < 2.0


async def _recovered(judge: WorkerSession) -> Recovered:
    """What the first sweep finds that finds anything."""
    async with asyncio.timeout(PATIENCE):
        while True:
            assert await judge.heartbeat()
            found = await judge.recover(max_crashes=3)
            if found.workers:
                return found
            await asyncio.sleep(0.02)


async def _outwait_its_heartbeat(
    judge: WorkerSession, worker_id: str, backend: SQLiteBackend
) -> None:
    """The judge lives on until that worker has been silent for ten intervals."""
    async with asyncio.timeout(PATIENCE):
        while not await _is_stale(backend, worker_id):
            assert await judge.heartbeat()
            await asyncio.sleep(0.02)


async def _is_stale(backend: SQLiteBackend, worker_id: str) -> bool:
    workers = await backend.list_workers(stale_after=1.0)
    return any(each["id"] == worker_id and each["status"] == "stale" for each in workers)


async def _wake_delay(other: Process, woken: asyncio.Queue[float], session: WorkerSession) -> float:
    await session.claim(10)
    while not woken.empty():
        woken.get_nowait()
    await tell(other, "now")
    async with asyncio.timeout(PATIENCE):
        woken_at = await woken.get()
    return woken_at - float(await line_of(other))


async def _enqueue_time(backend: SQLiteBackend) -> float:
    begun = time.monotonic()
    await backend.insert(new_jobs(1, queue="other"))
    return time.monotonic() - begun
