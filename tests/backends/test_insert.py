"""Jobs in: what was accepted is stored whole, once, and announced."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from soniq.backends.base import Backend, Unstorable
from soniq.records import Dead, DeadLetterReason, Done, Ending, NewJob
from tests.backends.stores import Store
from tests.factories import new_job, new_jobs

LONE_SURROGATE = '{"text": "\ud800"}'


async def test_ids_come_back_in_order(backend: Backend) -> None:
    jobs = new_jobs(2_000)

    assert await backend.insert(jobs) == [job.id for job in jobs]
    assert await backend.queue_stats() == {
        "default": {"queued": 2_000, "processing": 0, "done": 0, "cancelled": 0, "dead_letter": 0}
    }


async def test_nothing_inserted_is_nothing_stored(backend: Backend) -> None:
    assert await backend.insert([]) == []
    assert await backend.queue_stats() == {}


@pytest.mark.parametrize("key", [None, "key"])
async def test_a_repetition_finds_what_was_given_up_meanwhile(
    store: Store, key: str | None
) -> None:
    again, other = new_job(dedup_key=key), new_job(priority=5)
    worker = await store.join()
    await store.backend.insert([again])
    (claimed,) = await worker.claim(1)
    dead = Dead(DeadLetterReason.PERMANENT_FAILURE, "no")
    assert await worker.session.finish([Ending(again.id, claimed.claim, dead)])

    ids = await store.backend.insert([again, other], repeated=True)

    assert ids == [again.id, other.id]
    assert [job.id for job in await worker.claim(1)] == [other.id]
    assert await store.backend.insert([again], repeated=True) == [again.id]
    assert (await worker.session.claim(5)).jobs == []


async def test_a_job_is_stored_as_it_was_given(store: Store) -> None:
    args = {"text": "Grüße 🎈 \"'\\", "list": [1, 2.5, None, True], "deep": {"a": {"b": []}}}
    given = new_job(
        job_name="mail.send",
        args=args,
        queue="q" * 128,
        priority=7,
        max_attempts=11,
        dedup_key="k" * 512,
        producer_id="host:1:prog",
    )

    await store.backend.insert([given])

    job = await store.job(given.id)
    assert job["args"] == args
    assert {key: job[key] for key in ("id", "job_name", "queue", "priority", "max_attempts")} == {
        "id": given.id,
        "job_name": "mail.send",
        "queue": "q" * 128,
        "priority": 7,
        "max_attempts": 11,
    }
    assert (job["dedup_key"], job["producer_id"]) == ("k" * 512, "host:1:prog")
    assert (job["status"], job["attempts"], job["crashes"]) == ("queued", 0, 0)


async def test_an_immediate_job_is_due_when_it_is_created(store: Store) -> None:
    await store.backend.insert([given := new_job()])

    job = await store.job(given.id)
    assert job["scheduled_at"] == job["created_at"]


async def test_a_delay_counts_from_the_stores_own_clock(store: Store) -> None:
    await store.backend.insert([given := new_job(delay=90.5)])

    job = await store.job(given.id)
    assert job["scheduled_at"] - job["created_at"] == timedelta(seconds=90.5)


async def test_a_due_time_of_any_zone_is_stored_as_utc(store: Store) -> None:
    due = datetime(2031, 5, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=-7)))

    await store.backend.insert([given := new_job(scheduled_at=due)])

    job = await store.job(given.id)
    assert job["scheduled_at"] == due
    assert job["scheduled_at"].utcoffset() == timedelta(0)


async def test_a_due_time_in_the_past_is_due_at_once(store: Store) -> None:
    due = datetime(2001, 1, 1, tzinfo=UTC)
    await store.backend.insert([given := new_job(scheduled_at=due)])

    assert (await (await store.join()).claim_one()).id == given.id
    assert (await store.job(given.id))["scheduled_at"] == due


async def test_the_same_job_sent_twice_is_stored_once(store: Store) -> None:
    jobs = new_jobs(3)
    await store.backend.insert(jobs[:2])

    assert await store.backend.insert(jobs) == [job.id for job in jobs]
    assert (await store.backend.queue_stats())["default"]["queued"] == 3


@pytest.mark.parametrize("dedup_key", [None, "key"])
async def test_a_job_sent_again_after_it_was_done_is_not_run_again(
    store: Store, dedup_key: str | None
) -> None:
    job = new_job(dedup_key=dedup_key)
    await store.backend.insert([job])
    worker = await store.join()
    await worker.finish(await worker.claim_one(), Done())

    assert await store.backend.insert([job]) == [job.id]
    assert (await store.job(job.id))["status"] == "done"


@pytest.mark.parametrize(
    "unstorable",
    [
        pytest.param(new_job(args=LONE_SURROGATE), id="args"),
        pytest.param(new_job(job_name="a\ud800"), id="job_name"),
        pytest.param(new_job(queue="a\ud800"), id="queue"),
        pytest.param(new_job(dedup_key="a\ud800"), id="dedup_key"),
    ],
)
async def test_one_value_that_cannot_be_stored_leaves_all_unstored(
    backend: Backend, unstorable: NewJob
) -> None:
    with pytest.raises(Unstorable):
        await backend.insert([new_job(dedup_key=unstorable.dedup_key and "good"), unstorable])

    assert await backend.queue_stats() == {}


async def test_a_batch_larger_than_a_statement_is_still_all_or_none(store: Store) -> None:
    large = {"text": "x" * 1_000_000}
    jobs = new_jobs(6, args=large)

    with pytest.raises(Unstorable):
        await store.backend.insert([*jobs, new_job(args=LONE_SURROGATE)])
    assert await store.backend.queue_stats() == {}

    assert await store.backend.insert(jobs) == [job.id for job in jobs]
    assert (await store.job(jobs[-1].id))["args"] == large


@pytest.mark.parametrize("delay", [0.0, 3600.0])
async def test_an_insert_wakes_the_workers_of_its_queue(store: Store, delay: float) -> None:
    serves_all, serves_it, serves_other = (
        await store.join(),
        await store.join(queues=("mail",)),
        await store.join(queues=("other",)),
    )

    await store.backend.insert([new_job(queue="mail", priority=5, delay=delay)])
    await serves_all.wait_for_wake()
    await serves_it.wait_for_wake()

    assert set(serves_it.announced) <= {5, None}
    assert 5 not in serves_other.announced


async def test_an_insert_of_another_backend_wakes_too(store: Store) -> None:
    worker = await store.join()
    other = await store.open()

    await other.insert([job := new_job()])
    await worker.wait_for_wake()

    assert (await worker.claim_one()).id == job.id


async def test_a_worker_that_has_left_is_woken_no_more(store: Store) -> None:
    gone, there = await store.join(), await store.join()
    await gone.session.leave()
    gone.woken.clear()

    await store.backend.insert([new_job()])
    await there.wait_for_wake()

    assert not gone.woken.is_set()


async def test_an_insert_on_another_threads_loop_wakes_a_worker_on_its_own(store: Store) -> None:
    worker = await store.join()
    job = new_job()

    async def insert() -> None:
        backend = await store.open()
        await backend.insert([job])
        await backend.close()

    await asyncio.to_thread(asyncio.run, insert())
    await worker.wait_for_wake()

    assert (await worker.claim_one()).id == job.id
