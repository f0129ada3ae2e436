"""A worker's standing: its lock, its listener, and what others conclude from them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest

from soniq.backends.base import Unavailable
from soniq.backends.postgres.listener import lock_key
from soniq.records import Done
from tests.backends.stores import PATIENCE, PostgresStore, Recruit, settings
from tests.factories import ending, new_job, new_worker

INTERVAL: Final = 0.2

_WORKER: Final = """
import asyncio, sys
from soniq.backends.postgres import PostgresBackend, listener
from tests.backends.stores import PATIENCE, settings
from tests.factories import new_worker

async def main():
    listener._PROBE_TIMEOUT = PATIENCE
    backend = PostgresBackend(sys.argv[1])
    await backend.open(settings(heartbeat_interval=float(sys.argv[2])))
    session = await backend.join(new_worker(id=sys.argv[3]), lambda priority: None)
    claimed = await session.claim(1)
    print(claimed.jobs[0].id, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def process_with_a_job(url: str, worker_id: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process that holds a job and sends no heartbeat."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, url, str(INTERVAL), worker_id, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await process.stdout.readline()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def judge(store: PostgresStore) -> Recruit:
    """A worker of a process of its own, whose heartbeats come as they should."""
    backend = store._new_backend()
    await store.opened(backend, settings(heartbeat_interval=INTERVAL))
    return await store.join(backend)


async def recovers(judge: Recruit, seconds: float = PATIENCE) -> list[str]:
    """Ids queued again by the first sweep that finds something, within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                assert await judge.session.heartbeat()
                found = await judge.session.recover(max_crashes=3)
                if found.requeued:
                    return found.requeued
                await asyncio.sleep(INTERVAL / 2)
    except TimeoutError:
        return []


async def test_a_silent_process_lives_while_it_holds_its_lock_and_is_dead_when_killed(
    store: PostgresStore, pg_url: str
) -> None:
    await store.backend.insert([job := new_job()])
    watching = await judge(store)
    async with process_with_a_job(pg_url, new_worker().id) as process:
        assert await recovers(watching, seconds=5 * INTERVAL) == []
        process.send_signal(signal.SIGKILL)
        assert await recovers(watching) == [job.id]
    assert (await store.job(job.id))["crashes"] == 1


async def test_a_process_known_to_have_ended_is_dead_as_soon_as_its_lock_is_free(
    store: PostgresStore, sql: Any
) -> None:
    await store.backend.insert([new_job()])
    fallen = await store.join(pid=4711)
    await fallen.claim_one()
    watching = await store.join()

    found = await watching.session.recover(max_crashes=3, gone=[4711])
    assert found.workers == []

    await end_listener(sql, fallen.id)
    async with asyncio.timeout(PATIENCE):
        while not found.workers:
            await end_listener(sql, fallen.id)
            found = await watching.session.recover(max_crashes=3, gone=[4711])
    assert [worker.pid for worker in found.workers] == [4711]


async def test_leaving_needs_no_answer_from_the_server(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await store.join()
    await worker.session.claim(1)

    async def unanswered(connection: Any, **_: object) -> None:
        connection.terminate()
        raise TimeoutError

    with monkeypatch.context() as network:
        network.setattr(asyncpg.Connection, "close", unanswered)
        await worker.session.leave()


async def end_listener(sql: Any, worker_id: str) -> int:
    """Cut the connection that holds a worker's lock; how many that were."""
    return int(
        await sql.fetchval(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_locks
            WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = $1
            """,
            lock_key(worker_id),
        )
    )


async def holds_lock(sql: Any, worker_id: str) -> bool:
    return bool(
        await sql.fetchval(
            """
            SELECT count(*) FROM pg_locks
            WHERE locktype = 'advisory' AND (classid::bigint << 32) | objid::bigint = $1
            """,
            lock_key(worker_id),
        )
    )


async def test_joining_takes_the_lock_and_leaving_frees_it(store: PostgresStore, sql: Any) -> None:
    worker = await store.join()
    assert await holds_lock(sql, worker.id)
    assert await sql.fetchval("SELECT liveness FROM soniq_workers") == "lock"
    await worker.session.leave()
    assert not await holds_lock(sql, worker.id)


async def test_a_cut_listener_comes_back_with_its_lock_and_hears_again(
    store: PostgresStore, sql: Any
) -> None:
    worker = await store.join()
    elsewhere = await store.open()
    worker.woken.clear()

    assert await end_listener(sql, worker.id) == 1

    # It wakes its worker, since something may have been missed.
    await worker.wait_for_wake()
    assert None in worker.announced
    assert await holds_lock(sql, worker.id)
    worker.woken.clear()
    await elsewhere.insert([job := new_job(priority=7)])
    await worker.wait_for_wake()
    assert worker.announced[-1] == 7
    assert (await worker.session.claim(10)).jobs[0].id == job.id


async def test_a_judge_that_was_cut_off_gives_everybody_a_new_term(
    store: PostgresStore, sql: Any
) -> None:
    watching = await store.join()
    before = await sql.fetchval("SELECT steady_since FROM soniq_workers")
    watching.woken.clear()
    await end_listener(sql, watching.id)
    await watching.wait_for_wake()
    assert await sql.fetchval("SELECT steady_since FROM soniq_workers") > before


async def test_a_worker_whose_connections_are_all_cut_works_on(
    store: PostgresStore, sql: Any
) -> None:
    worker = await store.join()
    await store.backend.insert([first := new_job(), second := new_job()])
    claimed = await worker.claim_one()
    await sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await worker.wait_for_wake()
    ended = await tried_again(
        lambda: worker.session.finish([ending(claimed, Done())], repeated=True)
    )
    assert ended == {first.id}
    assert [job.id for job in (await tried_again(lambda: worker.session.claim(5))).jobs] == [
        second.id
    ]


async def tried_again(call: Any) -> Any:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(0)


@pytest.mark.parametrize("notify", [True, False])
async def test_without_notifications_the_lock_is_held_all_the_same(
    store: PostgresStore, sql: Any, notify: bool
) -> None:
    backend = store._new_backend()
    await store.opened(backend, settings(notify=notify))
    worker = await store.join(backend)
    assert await holds_lock(sql, worker.id)
