"""Claims whose answer never arrived."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from soniq.backends.base import Unavailable
from soniq.records import Done
from tests.backends.stores import PATIENCE, PostgresStore
from tests.factories import new_job, new_jobs
from tests.postgres_server import PostgresServer


async def claims_and_is_cut_off(worker: Any, sql: Any, blocker: Any) -> None:
    """A claim that the server holds up, and whose worker gives up on it.

    The claim waits for the table, which somebody has locked; what becomes of it then is the
    server's affair.
    """
    await blocker.execute("BEGIN; LOCK TABLE soniq_jobs IN ACCESS EXCLUSIVE MODE")
    claim = asyncio.create_task(worker.session.claim(10))
    async with asyncio.timeout(PATIENCE):
        while not await sql.fetchval(  # noqa: ASYNC110 - locks tell nobody
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
        ):
            await asyncio.sleep(0.005)
    claim.cancel()
    await asyncio.gather(claim, return_exceptions=True)


@pytest.fixture
async def blocker(store: PostgresStore, pg_url: str) -> Any:
    connection = await asyncpg.connect(pg_url)
    yield connection
    await connection.close()


async def test_strays_are_released_once_the_session_that_claimed_them_is_gone(
    store: PostgresStore, sql: Any, blocker: Any
) -> None:
    worker = await store.join()
    await store.backend.insert(jobs := new_jobs(3))
    await claims_and_is_cut_off(worker, sql, blocker)
    await blocker.execute("COMMIT")

    async with asyncio.timeout(PATIENCE):
        while not await worker.session.release_strays(list):  # noqa: ASYNC110 - as heartbeats do
            await asyncio.sleep(0.005)

    for job in jobs:
        stored = await store.job(job.id)
        assert (stored["status"], stored["attempts"]) == ("queued", 0)
    assert {job.id for job in await worker.claim(3)} == {job.id for job in jobs}


async def test_a_stray_whose_row_somebody_has_locked_is_released_once_it_is_free(
    store: PostgresStore, sql: Any, blocker: Any
) -> None:
    worker = await store.join()
    free, locked = new_jobs(2)
    await store.backend.insert([free, locked])
    assert len(await worker.claim(2)) == 2
    await blocker.execute("BEGIN")
    await blocker.execute("SELECT FROM soniq_jobs WHERE id = $1 FOR UPDATE", locked.id)

    async with asyncio.timeout(PATIENCE):
        assert not await worker.session.release_strays(list)
    assert (await store.job(free.id))["status"] == "queued"
    assert (await store.job(locked.id))["status"] == "processing"

    await blocker.execute("COMMIT")
    assert await worker.session.release_strays(list)
    assert (await store.job(locked.id))["status"] == "queued"


async def test_what_the_worker_knows_is_not_released(store: PostgresStore) -> None:
    worker = await store.join()
    await store.backend.insert(new_jobs(2))
    known, stray = await worker.claim(2)

    assert await worker.session.release_strays(lambda: [known.id])

    assert (await store.job(known.id))["status"] == "processing"
    assert (await store.job(stray.id))["status"] == "queued"
    assert await worker.finish(known, Done())
    assert not await worker.finish(stray, Done())


async def test_a_worker_declared_dead_claims_nothing(store: PostgresStore, sql: Any) -> None:
    worker = await store.join()
    await sql.execute("UPDATE soniq_workers SET status = 'stopped'")
    await store.backend.insert([new_job()])
    assert (await worker.session.claim(10)).jobs == []
    assert not await worker.session.heartbeat()


async def test_while_the_server_is_away_all_is_unavailable_and_afterwards_it_goes_on(
    private_pg_server: PostgresServer,
) -> None:
    store = PostgresStore(private_pg_server.url)
    try:
        store.backend = await store.open()
        worker = await store.join()
        await store.backend.insert(jobs := new_jobs(2))
        claimed = await worker.claim_one()
        await asyncio.to_thread(private_pg_server.stop, "immediate")
        for call in (
            lambda: worker.session.claim(1),
            lambda: worker.finish(claimed, Done()),
            worker.session.heartbeat,
            lambda: store.backend.insert([new_job()]),
        ):
            with pytest.raises(Unavailable):
                await call()
        worker.woken.clear()

        await asyncio.to_thread(private_pg_server.start)

        await worker.wait_for_wake()
        assert await worker.finish(claimed, Done(), repeated=True)
        assert await worker.session.release_strays(list)
        assert (await worker.claim_one()).id == jobs[1].id
        assert await worker.session.heartbeat()
    finally:
        await store.close()
