"""Stores know nothing of each other, and what a store holds outlives its backends."""

from __future__ import annotations

import asyncio

import pytest

from soniq.backends.base import Backend
from soniq.records import Done
from tests.backends.stores import Store, settings
from tests.factories import new_job, new_jobs


@pytest.fixture
async def elsewhere(store: Store) -> Backend:
    """A backend on another store."""
    backend, given = store.elsewhere()
    await store.opened(backend, given)
    return backend


async def test_another_store_sees_nothing_of_this_one(store: Store, elsewhere: Backend) -> None:
    jobs = new_jobs(3, dedup_key="key", id=None)
    await store.backend.insert([here := jobs[0]])
    worker = await store.join()
    assert await store.backend.lease("pruning", "one", 10)

    assert await elsewhere.get_job(here.id) is None
    assert await elsewhere.queue_stats() == {}
    assert await elsewhere.list_workers(stale_after=60) == []
    assert await elsewhere.insert([there := jobs[1]]) == [there.id]
    assert await elsewhere.lease("pruning", "two", 10)
    assert await elsewhere.cancel_job(here.id) is False
    assert (await worker.claim_one()).id == here.id
    await worker.assert_nothing_to_claim()


async def test_workers_are_not_woken_by_another_store(store: Store, elsewhere: Backend) -> None:
    here, there = await store.join(), await store.join(elsewhere)
    here.woken.clear()

    await elsewhere.insert([new_job(priority=7)])
    await there.wait_for_wake()

    assert 7 not in here.announced


async def test_what_is_stored_outlives_the_backend(store: Store) -> None:
    await store.backend.insert([first := new_job(), new_job()])
    worker = await store.join()
    assert await worker.finish(await worker.claim_one(), Done("1"))
    await worker.session.leave()

    await store.backend.close()
    await store.backend.close()
    await store.backend.open(settings())

    assert (await store.job(first.id))["result"] == 1
    assert (await store.backend.queue_stats())["default"]["queued"] == 1


async def test_backends_on_one_store_see_the_same(store: Store) -> None:
    other = await store.open()
    await store.backend.insert([job := new_job()])

    assert await other.get_job(job.id) == await store.job(job.id)


async def test_setting_up_again_applies_nothing(store: Store) -> None:
    assert await store.backend.setup() == []
    assert await (await store.open()).setup() == []
    assert all(applied for _, applied in await store.backend.migrations())
    await store.backend.ping()


async def test_several_that_set_up_at_once_apply_each_migration_once(
    unopened_store: Store,
) -> None:
    store = unopened_store
    pairs = [store.elsewhere() for _ in range(4)]
    backends = [backend for backend, _ in pairs]
    try:
        for backend, given in pairs:
            await backend.open(given)

        applied = await asyncio.gather(*(backend.setup() for backend in backends))

        known = [name for name, _ in await backends[0].migrations()]
        assert sorted(name for names in applied for name in names) == sorted(known)
        for backend in backends:
            assert all(done for _, done in await backend.migrations())
    finally:
        for backend in backends:
            await backend.close()


async def test_an_unopened_backend_can_be_closed(unopened_store: Store) -> None:
    backend, _ = unopened_store.elsewhere()

    await backend.close()
    await backend.close()


async def test_a_store_says_what_and_where_it_is(store: Store) -> None:
    assert store.backend.name == store.name
    assert store.backend.location
