"""One key, one live job: also between calls that race, and for as long as the job lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from soniq.backends.base import Backend, Contended
from soniq.records import Dead, DeadLetterReason, Done, Outcome, Released, Retry, Snoozed
from tests.backends.stores import Recruit, Store
from tests.factories import new_job


async def insert_keyed(backend: Backend, key: str = "key") -> str:
    """The id that stands for the key; as patient as an inserter."""
    job = new_job(dedup_key=key)
    async with asyncio.timeout(10):
        while True:
            try:
                return (await backend.insert([job]))[0]
            except Contended:
                await asyncio.sleep(0)


async def test_a_held_key_gives_its_holders_id_and_stores_nothing(store: Store) -> None:
    [holder] = await store.backend.insert([new_job(dedup_key="key", args={"n": 1})])

    again = await store.backend.insert([new_job(dedup_key="key", args={"n": 2}, queue="other")])

    assert again == [holder]
    assert list(await store.backend.queue_stats()) == ["default"]
    assert (await store.job(holder))["args"] == {"n": 1}


async def test_other_keys_and_no_key_are_no_duplicates(backend: Backend) -> None:
    jobs = [new_job(dedup_key="a"), new_job(dedup_key="A"), new_job(dedup_key="a "), new_job()]

    assert await backend.insert(jobs[:3]) == [job.id for job in jobs[:3]]
    assert await backend.insert(jobs[3:]) == [jobs[3].id]


async def test_duplicates_within_one_call_all_get_the_id_of_one(backend: Backend) -> None:
    await backend.insert([new_job(dedup_key="held")])
    jobs = [new_job(dedup_key=key) for key in ("b", "a", "b", "held", "a", "b")]

    ids = await backend.insert(jobs)

    assert ids[0] == ids[2] == ids[5]
    assert ids[1] == ids[4]
    assert len(set(ids)) == 3
    assert (await backend.queue_stats())["default"]["queued"] == 3


async def test_fifty_inserts_of_one_key_at_once_make_one_row(store: Store) -> None:
    backends = [store.backend, await store.open()]

    ids = await asyncio.gather(*(insert_keyed(backends[n % 2]) for n in range(50)))

    assert len(set(ids)) == 1
    assert (await store.backend.queue_stats())["default"]["queued"] == 1
    assert (await store.job(ids[0]))["dedup_key"] == "key"


async def test_batches_that_share_keys_in_opposite_orders_all_succeed(store: Store) -> None:
    backends = [store.backend, await store.open()]
    keys = [f"key{number}" for number in range(40)]

    async def insert(turn: int) -> list[str]:
        ordered = keys if turn % 2 else keys[::-1]
        jobs = [new_job(dedup_key=key) for key in ordered]
        async with asyncio.timeout(20):
            while True:
                try:
                    ids = await backends[turn % 2].insert(jobs)
                    return ids if turn % 2 else ids[::-1]
                except Contended:
                    await asyncio.sleep(0)

    answers = await asyncio.gather(*(insert(turn) for turn in range(10)))

    assert all(answer == answers[0] for answer in answers)
    assert (await store.backend.queue_stats())["default"]["queued"] == 40


async def finishes(worker: Recruit, outcome: Outcome) -> None:
    assert await worker.finish(await worker.claim_one(), outcome)


@pytest.mark.parametrize(
    "outcome", [Retry(0, "no"), Retry(60, "no"), Snoozed(60, "later"), Released()], ids=repr
)
async def test_a_key_is_kept_by_a_job_that_will_run_again(store: Store, outcome: Outcome) -> None:
    holder = await insert_keyed(store.backend)
    worker = await store.join()
    job = await worker.claim_one()
    assert await insert_keyed(store.backend) == holder

    assert await worker.finish(job, outcome)

    assert await insert_keyed(store.backend) == holder


async def test_a_key_is_kept_through_recovery(store: Store) -> None:
    holder = await insert_keyed(store.backend)
    worker, judge = await store.join(), await store.join()
    await worker.claim_one()
    await store.outlive(judge)

    assert (await judge.session.recover(max_crashes=3)).requeued == [holder]

    assert await insert_keyed(store.backend) == holder


Ending = Callable[[Store, Recruit, str], Awaitable[object]]


async def done(_: Store, worker: Recruit, __: str) -> None:
    await finishes(worker, Done())


async def done_and_deleted(_: Store, worker: Recruit, __: str) -> None:
    await finishes(worker, Done(keep=False))


async def dead(_: Store, worker: Recruit, __: str) -> None:
    await finishes(worker, Dead(DeadLetterReason.PERMANENT_FAILURE, "no"))


async def cancelled_while_queued(store: Store, _: Recruit, job_id: str) -> None:
    assert await store.backend.cancel_job(job_id)


async def cancelled_while_running(store: Store, worker: Recruit, job_id: str) -> None:
    await worker.claim_one()
    assert await store.backend.cancel_job(job_id)


async def deleted(store: Store, _: Recruit, job_id: str) -> None:
    assert await store.backend.delete_job(job_id)


@pytest.mark.parametrize(
    "end",
    [done, done_and_deleted, dead, cancelled_while_queued, cancelled_while_running, deleted],
)
async def test_a_key_is_free_again_once_its_job_has_ended(store: Store, end: Ending) -> None:
    worker = await store.join()
    first = await insert_keyed(store.backend)

    await end(store, worker, first)
    second = await insert_keyed(store.backend)

    assert second != first
    assert await insert_keyed(store.backend) == second


async def test_two_ended_jobs_of_one_key_live_beside_a_third(store: Store) -> None:
    worker = await store.join()
    for _ in range(2):
        await insert_keyed(store.backend)
        await finishes(worker, Done())

    await insert_keyed(store.backend)

    stats = (await store.backend.queue_stats())["default"]
    assert (stats["done"], stats["queued"]) == (2, 1)
