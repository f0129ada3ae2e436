"""What a claim takes, in which order, and what it leaves alone."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from soniq.records import Done, Released, Retry
from tests.backends.stores import Recruit, Store
from tests.factories import ending, new_job, new_jobs

PAST = datetime(2020, 1, 1, tzinfo=UTC)


async def test_an_empty_store_gives_nothing_and_knows_of_nothing(store: Store) -> None:
    worker = await store.join()

    answer = await worker.session.claim(10)

    assert (answer.jobs, answer.next_due, answer.suspects) == ([], None, False)


async def test_a_claimed_job_belongs_to_its_worker(store: Store) -> None:
    given = new_job(job_name="mail.send", args={"to": "me"}, queue="mail", priority=9)
    await store.backend.insert([given])
    worker = await store.join()

    claimed = await worker.claim_one()

    job = await store.job(given.id)
    assert (claimed.id, claimed.job_name, claimed.queue, claimed.priority) == (
        given.id,
        "mail.send",
        "mail",
        9,
    )
    assert json.loads(claimed.args) == {"to": "me"}
    assert (claimed.attempts, claimed.max_attempts, claimed.crashes) == (1, 4, 0)
    assert (claimed.scheduled_at, claimed.created_at) == (job["scheduled_at"], job["created_at"])
    assert (job["status"], job["attempts"], job["worker_id"]) == ("processing", 1, worker.id)
    assert job["created_at"] <= job["started_at"] == job["updated_at"]
    assert job["finished_at"] is None


async def test_each_claim_gives_a_greater_number(store: Store) -> None:
    await store.backend.insert([new_job()])
    worker = await store.join()

    numbers = []
    for outcome in (Released(), Retry(0, "no"), Released(), Done()):
        job = await worker.claim_one()
        numbers.append(job.claim)
        await worker.finish(job, outcome)

    assert numbers == sorted(set(numbers))


async def test_no_more_than_asked_for(store: Store) -> None:
    await store.backend.insert(new_jobs(30))
    worker = await store.join()

    assert len((await worker.session.claim(7)).jobs) <= 7
    assert (await store.backend.queue_stats())["default"]["processing"] <= 7


async def test_order_is_priority_then_due_time_then_id(store: Store) -> None:
    jobs = [
        new_job(priority=priority, scheduled_at=PAST + timedelta(seconds=second))
        for priority in (200, 1, 100)
        for second in (2, 0, 1)
        for _ in range(3)
    ]
    await store.backend.insert(jobs[::-1])
    worker = await store.join()

    claimed = await worker.claim(len(jobs))

    expected = sorted(jobs, key=lambda job: (job.priority, job.scheduled_at, job.id))
    assert [job.id for job in claimed] == [job.id for job in expected]


async def test_the_order_holds_from_claim_to_claim(store: Store) -> None:
    jobs = new_jobs(25, scheduled_at=PAST)
    await store.backend.insert(jobs)
    worker = await store.join()

    claimed = []
    for _ in range(5):
        claimed += await worker.claim(5)

    assert [job.id for job in claimed] == [job.id for job in jobs]


async def test_a_job_of_a_better_priority_overtakes_those_that_wait(store: Store) -> None:
    await store.backend.insert(new_jobs(20, queue="a"))
    worker = await store.join()
    await worker.claim(5)
    worker.woken.clear()
    await store.backend.insert([urgent := new_job(priority=1, queue="b")])
    await worker.wait_for_wake()

    assert (await worker.claim_one()).id == urgent.id


async def test_a_job_due_earlier_than_those_already_claimed_is_found(store: Store) -> None:
    await store.backend.insert(new_jobs(10))
    worker = await store.join()
    await worker.claim(10)

    await store.backend.insert([earlier := new_job(scheduled_at=PAST)])

    assert (await worker.claim_one()).id == earlier.id


@pytest.mark.parametrize("size", [1, 10])
async def test_queues_of_one_priority_take_turns_whatever_their_backlogs(
    store: Store, size: int
) -> None:
    await store.backend.insert(new_jobs(5_000, queue="backlog"))
    await store.backend.insert([lone := new_job(queue="lone")])
    worker = await store.join()

    claimed: list[str] = []
    for _ in range(4):
        claimed += [job.id for job in (await worker.session.claim(size)).jobs]

    assert lone.id in claimed


async def test_a_queue_that_appears_beside_a_backlog_gets_its_turn(store: Store) -> None:
    await store.backend.insert(new_jobs(3_000, queue="backlog"))
    worker = await store.join()
    await worker.claim(10)
    worker.woken.clear()
    await store.backend.insert([late := new_job(queue="late")])
    await worker.wait_for_wake()

    claimed: list[str] = []
    for _ in range(4):
        claimed += [job.id for job in await worker.claim(5)]

    assert late.id in claimed


async def test_queues_with_backlogs_of_one_priority_get_alike(store: Store) -> None:
    for queue in ("a", "b", "c"):
        await store.backend.insert(new_jobs(300, queue=queue))
    worker = await store.join()

    shares: Counter[str] = Counter()
    for _ in range(9):
        shares.update(job.queue for job in await worker.claim(10))

    assert min(shares[queue] for queue in ("a", "b", "c")) >= 15


async def test_a_worker_claims_only_from_its_queues(store: Store) -> None:
    jobs = [new_job(queue=queue) for queue in ("a", "b", "c", "a", "b", "c")]
    await store.backend.insert(jobs)
    worker = await store.join(queues=("a", "c"))

    claimed = await worker.claim(4)

    assert {job.queue for job in claimed} == {"a", "c"}
    await worker.assert_nothing_to_claim()


async def test_queues_nobody_fills_are_no_error(store: Store) -> None:
    await store.backend.insert([new_job()])
    worker = await store.join(queues=("nobody", "fills"))

    await worker.assert_nothing_to_claim()


async def test_future_jobs_are_told_of_but_not_claimed(store: Store) -> None:
    await store.backend.insert([later := new_job(delay=300), sooner := new_job(delay=60)])
    worker = await store.join()

    assert 50 < await worker.next_due() <= 60

    await store.pass_time(60)
    assert (await worker.claim_one()).id == sooner.id
    assert 200 < await worker.next_due() <= 240
    await store.pass_time(240)
    assert (await worker.claim_one()).id == later.id


async def test_a_short_answer_with_jobs_tells_of_the_next_ones_too(store: Store) -> None:
    await store.backend.insert([new_job(), new_job(delay=60)])
    worker = await store.join()

    answers = await worker.until(
        lambda answer: answer.next_due is not None, lambda: worker.session.claim(10)
    )

    assert sum(len(answer.jobs) for answer in answers) == 1
    assert 50 < (answers[-1].next_due or 0) <= 60


async def test_other_queues_future_jobs_are_not_waited_for(store: Store) -> None:
    await store.backend.insert([new_job(queue="other", delay=60)])
    worker = await store.join(queues=("mine",))

    assert (await worker.session.claim(10)).next_due is None


async def test_a_retry_is_claimed_when_it_falls_due(store: Store) -> None:
    await store.backend.insert([new_job()])
    worker = await store.join()
    first = await worker.claim_one()
    await worker.finish(first, Retry(30, "no"))

    assert 20 < await worker.next_due() <= 30
    await store.pass_time(30)

    again = await worker.claim_one()
    assert (again.id, again.attempts) == (first.id, 2)


async def test_names_to_do_without_are_left_alone_and_block_nobody(store: Store) -> None:
    await store.backend.insert(new_jobs(300, job_name="unknown.one"))
    await store.backend.insert(new_jobs(300, job_name="unknown.two", priority=50))
    await store.backend.insert([known := new_job(job_name="known")])
    worker = await store.join()
    without = {"unknown.one", "unknown.two"}

    assert (await worker.claim_one(without=without)).id == known.id
    await worker.assert_nothing_to_claim(without=without)
    assert len(await worker.claim(600)) == 600


async def test_cancelled_and_deleted_jobs_are_not_claimed(store: Store) -> None:
    jobs = new_jobs(4)
    await store.backend.insert(jobs)
    await store.backend.cancel_job(jobs[0].id)
    await store.backend.delete_job(jobs[2].id)
    worker = await store.join()

    assert [job.id for job in await worker.claim(2)] == [jobs[1].id, jobs[3].id]
    await worker.assert_nothing_to_claim()


async def test_eight_workers_at_once_never_claim_a_job_twice(store: Store) -> None:
    number = 2_000
    jobs = [new_job(queue=f"q{n % 3}", priority=100 + n % 2) for n in range(number)]
    await store.backend.insert(jobs)
    backends = [store.backend, await store.open()]
    workers = [await store.join(backends[n % 2]) for n in range(8)]
    seen: list[str] = []

    async def drain(worker: Recruit) -> None:
        while len(seen) < number:
            claimed = (await worker.session.claim(40)).jobs
            seen.extend(job.id for job in claimed)
            endings = [ending(job, Done()) for job in claimed]
            assert await worker.session.finish(endings) == {job.id for job in claimed}
            if not claimed:
                await worker.pause()

    async with asyncio.timeout(45):
        await asyncio.gather(*map(drain, workers))

    assert Counter(seen) == Counter(job.id for job in jobs)
    assert sum(queue["done"] for queue in (await store.backend.queue_stats()).values()) == number


async def test_claims_and_finishes_of_one_session_may_overlap(store: Store) -> None:
    jobs = new_jobs(400)
    await store.backend.insert(jobs)
    worker = await store.join()
    claimed = await worker.claim(20)
    finished: set[str] = set()

    while len(finished) < len(jobs):
        stored, answer = await asyncio.gather(
            worker.session.finish([ending(job, Done()) for job in claimed]),
            worker.session.claim(20),
        )
        assert stored == {job.id for job in claimed}
        finished |= stored
        claimed = answer.jobs

    assert finished == {job.id for job in jobs}
