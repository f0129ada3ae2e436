"""Enqueueing inside the caller's own transaction, and what it may not do to anybody else.

Memory has no transactions to join, and a SQLite file has one writer at a time: there an open
transaction is in every writer's way, so that only Postgres can promise the last two.
"""

from __future__ import annotations

import asyncio

import pytest

from soniq.backends.base import Contended
from tests.backends.conftest import DATABASES, POSTGRES
from tests.backends.stores import Store
from tests.factories import new_job


@DATABASES
async def test_a_job_appears_with_the_commit(store: Store) -> None:
    worker = await store.join()
    job = new_job(priority=3)
    async with store.transaction() as connection:
        assert await store.backend.insert_on(connection, [job]) == [job.id]
        assert await store.backend.get_job(job.id) is None
        worker.woken.clear()
        await store.commit(connection)

    await worker.wait_for_wake()
    assert (await worker.claim_one()).id == job.id


@DATABASES
async def test_a_job_whose_transaction_was_rolled_back_never_was(store: Store) -> None:
    worker = await store.join()
    async with store.transaction() as connection:
        await store.backend.insert_on(connection, [job := new_job(dedup_key="key")])
        await store.rollback(connection)

    assert await store.backend.get_job(job.id) is None
    await worker.assert_nothing_to_claim()
    other = new_job(dedup_key="key")
    assert await store.backend.insert([other]) == [other.id]


@DATABASES
async def test_keys_count_within_a_transaction(store: Store) -> None:
    [holder] = await store.backend.insert([new_job(dedup_key="held")])
    own = new_job(dedup_key="own")
    async with store.transaction() as connection:
        ids = await store.backend.insert_on(
            connection, [new_job(dedup_key="held"), own, new_job(dedup_key="own"), new_job()]
        )
        await store.commit(connection)

    assert ids[:3] == [holder, own.id, own.id]
    assert (await store.backend.queue_stats())["default"]["queued"] == 3


@DATABASES
async def test_many_jobs_of_one_transaction_are_one_unit(store: Store) -> None:
    jobs = [new_job() for _ in range(500)]
    async with store.transaction() as connection:
        assert await store.backend.insert_on(connection, jobs) == [job.id for job in jobs]
        assert await store.backend.queue_stats() == {}
        await store.commit(connection)

    assert (await store.backend.queue_stats())["default"]["queued"] == 500


@DATABASES
async def test_queries_do_not_wait_for_an_open_transaction(store: Store) -> None:
    await store.backend.insert([job := new_job()])
    async with store.transaction() as connection:
        await store.backend.insert_on(connection, [new_job(dedup_key="key")])
        async with asyncio.timeout(5):
            assert (await store.job(job.id))["status"] == "queued"
            assert (await store.backend.queue_stats())["default"]["queued"] == 1
        await store.rollback(connection)


async def insert_patiently(store: Store, key: str) -> str:
    job = new_job(dedup_key=key)
    while True:
        try:
            return (await store.backend.insert([job]))[0]
        except Contended:
            await asyncio.sleep(0.01)


@DATABASES
@pytest.mark.parametrize("commits", [True, False], ids=["commits", "rolls back"])
async def test_a_key_held_by_an_open_transaction_is_waited_for(store: Store, commits: bool) -> None:
    async with store.transaction() as connection:
        [holder] = await store.backend.insert_on(connection, [new_job(dedup_key="key")])
        waiting = asyncio.create_task(insert_patiently(store, "key"))
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        assert not done
        await (store.commit(connection) if commits else store.rollback(connection))

        async with asyncio.timeout(10):
            stands_for_it = await waiting

    assert (stands_for_it == holder) is commits
    assert (await store.backend.queue_stats())["default"]["queued"] == 1


@POSTGRES
async def test_a_keyed_insert_that_waits_holds_up_no_insert_of_others(store: Store) -> None:
    async with store.transaction() as connection:
        await store.backend.insert_on(connection, [new_job(dedup_key="key")])
        waiting = asyncio.create_task(insert_patiently(store, "key"))
        await asyncio.wait({waiting}, timeout=0.05)

        async with asyncio.timeout(5):
            for number in range(20):
                await store.backend.insert([new_job()])
                await store.backend.insert([new_job(dedup_key=f"other{number}")])
                await store.backend.insert_on(connection, [new_job()])
            assert not waiting.done()
            await store.commit(connection)
            await waiting


@POSTGRES
async def test_a_key_held_by_an_open_transaction_is_given_up_within_a_moment(store: Store) -> None:
    async with store.transaction() as connection:
        await store.backend.insert_on(connection, [new_job(dedup_key="key")])
        async with asyncio.timeout(5):
            with pytest.raises(Contended):
                await store.backend.insert([new_job(dedup_key="free"), new_job(dedup_key="key")])
        await store.rollback(connection)

    assert await store.backend.queue_stats() == {}


async def test_a_connection_of_another_kind_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="Transactional enqueue"):
        await store.backend.insert_on(object(), [new_job()])

    assert await store.backend.queue_stats() == {}
