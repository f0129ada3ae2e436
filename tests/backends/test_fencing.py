"""A claim ends once, by whom it belongs to: fenced by worker, claim number and status."""

from __future__ import annotations

import asyncio

import pytest

from soniq.records import (
    ClaimedJob,
    ClaimState,
    Dead,
    DeadLetterReason,
    Done,
    Ending,
    JobDict,
    Outcome,
    Released,
    Retry,
    Snoozed,
)
from tests.backends.stores import Recruit, Store
from tests.factories import ending, new_id, new_job, new_jobs

GAVE_UP = Dead(DeadLetterReason.PERMANENT_FAILURE, "ValueError: no")
OUTCOMES: list[Outcome] = [
    Done('"result"'),
    Done(),
    Done(keep=False),
    Retry(60, "ValueError: no"),
    Retry(0, "ValueError: no"),
    Snoozed(60, "SNOOZE"),
    GAVE_UP,
    Released(),
    Released(60),
]
every_outcome = pytest.mark.parametrize("outcome", OUTCOMES, ids=repr)


@pytest.fixture
async def worker(store: Store) -> Recruit:
    return await store.join()


@pytest.fixture
async def job(store: Store, worker: Recruit) -> ClaimedJob:
    """A job that `worker` has claimed."""
    await store.backend.insert([new_job(dedup_key="key")])
    return await worker.claim_one()


async def recovered(store: Store, worker: Recruit) -> None:
    """`worker` was taken for dead."""
    judge = await store.join()
    await store.outlive(judge)
    assert (await judge.session.recover(max_crashes=9)).requeued


@every_outcome
async def test_an_ending_of_another_worker_is_refused(
    store: Store, job: ClaimedJob, outcome: Outcome
) -> None:
    before = await store.job(job.id)
    other = await store.join()

    assert not await other.finish(job, outcome)
    assert not await other.finish(job, outcome, repeated=True)

    assert await store.job(job.id) == before


@every_outcome
@pytest.mark.parametrize("number", [-1, 1])
async def test_an_ending_of_another_claim_is_refused(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome, number: int
) -> None:
    before = await store.job(job.id)
    other = [Ending(job.id, job.claim + number, outcome)]

    assert await worker.session.finish(other) == set()
    assert await worker.session.finish(other, repeated=True) == set()

    assert await store.job(job.id) == before


@every_outcome
async def test_an_ending_sent_twice_is_stored_once(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome
) -> None:
    assert await worker.finish(job, outcome)
    after = await store.backend.get_job(job.id)

    assert not await worker.finish(job, outcome)

    assert await store.backend.get_job(job.id) == after


@every_outcome
async def test_an_ending_repeated_after_a_lost_answer_counts_as_stored(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome
) -> None:
    assert await worker.finish(job, outcome)
    after = await store.backend.get_job(job.id)

    assert await worker.finish(job, outcome, repeated=True)

    assert await store.backend.get_job(job.id) == after


@every_outcome
async def test_an_ending_whose_first_call_never_arrived_is_stored_by_its_repetition(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome
) -> None:
    assert await worker.finish(job, outcome, repeated=True)

    stored = await store.backend.get_job(job.id)
    assert stored is None or stored["status"] != "processing"


async def test_a_repeated_batch_tells_one_from_the_other(store: Store, worker: Recruit) -> None:
    await store.backend.insert(new_jobs(len(OUTCOMES) * 2))
    jobs = await worker.claim(len(OUTCOMES) * 2)
    endings = [ending(job, outcome) for job, outcome in zip(jobs, OUTCOMES * 2, strict=True)]
    await worker.session.finish(endings[: len(OUTCOMES)])
    cancelled = jobs[-1].id
    await store.backend.cancel_job(cancelled)

    stored = await worker.session.finish(endings, repeated=True)

    assert stored == {job.id for job in jobs} - {cancelled}
    assert (await store.backend.queue_stats())["default"]["processing"] == 0


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("outcome", [Snoozed(0, "SNOOZE"), Released(), Retry(0, "no")], ids=repr)
async def test_an_ending_sent_again_cannot_end_the_same_workers_next_claim(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome, repeated: bool
) -> None:
    assert await worker.finish(job, outcome)
    again = await worker.claim_one()
    assert again.id == job.id
    running = await store.job(job.id)

    assert not await worker.finish(job, outcome, repeated=repeated)

    assert await store.job(job.id) == running
    assert await worker.session.lost({again.id: again.claim}) == {}
    assert await worker.finish(again, Done())


@every_outcome
@pytest.mark.parametrize("repeated", [False, True])
async def test_a_cancelled_job_stays_cancelled(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome, repeated: bool
) -> None:
    assert await store.backend.cancel_job(job.id)
    cancelled = await store.job(job.id)

    assert not await worker.finish(job, outcome, repeated=repeated)

    assert await store.job(job.id) == cancelled


@pytest.mark.parametrize("outcome", [Retry(0, "no"), Snoozed(0, "SNOOZE"), Released()], ids=repr)
async def test_an_ending_is_not_taken_for_stored_because_an_earlier_claim_ended_alike(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome
) -> None:
    assert await worker.finish(job, outcome)
    again = await worker.claim_one()
    assert await store.backend.cancel_job(job.id)

    assert not await worker.finish(again, outcome, repeated=True)

    assert (await store.job(job.id))["status"] == "cancelled"


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("outcome", [Done("1"), Retry(0, "no"), GAVE_UP], ids=repr)
async def test_a_deleted_job_stays_deleted(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome, repeated: bool
) -> None:
    assert await store.backend.delete_job(job.id)

    assert not await worker.finish(job, outcome, repeated=repeated)

    assert await store.backend.get_job(job.id) is None


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("outcome", [Done("1"), Retry(0, "no"), GAVE_UP], ids=repr)
async def test_a_worker_taken_for_dead_cannot_end_what_was_taken_from_it(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome, repeated: bool
) -> None:
    await recovered(store, worker)
    requeued = await store.job(job.id)

    assert not await worker.finish(job, outcome, repeated=repeated)

    assert await store.job(job.id) == requeued
    assert await worker.session.lost({job.id: job.claim}) == {job.id: ClaimState.LOST}


async def test_a_job_run_by_its_second_worker_is_not_ended_by_its_first(
    store: Store, worker: Recruit, job: ClaimedJob
) -> None:
    await recovered(store, worker)
    second = await store.join()
    again = await second.claim_suspect()
    assert again.claim > job.claim

    assert not await worker.finish(job, Done('"of the first"'))
    assert await second.finish(again, Done('"of the second"'))
    assert not await worker.finish(job, Done('"of the first"'), repeated=True)

    assert (await store.job(job.id))["result"] == "of the second"


async def test_of_cancel_and_finish_at_once_one_wins(store: Store, worker: Recruit) -> None:
    await store.backend.insert(new_jobs(60))
    jobs = await worker.claim(60)
    other = await store.open()

    async def cancel() -> dict[str, bool]:
        return {job.id: await other.cancel_job(job.id) for job in jobs[::-1]}

    async def finish() -> set[str]:
        stored: set[str] = set()
        for start in range(0, len(jobs), 5):
            batch = jobs[start : start + 5]
            stored |= await worker.session.finish([ending(job, Done("1")) for job in batch])
            await asyncio.sleep(0)
        return stored

    cancelled, stored = await asyncio.gather(cancel(), finish())

    for job in jobs:
        assert cancelled[job.id] != (job.id in stored)
        status: JobDict = await store.job(job.id)
        assert status["status"] == ("cancelled" if cancelled[job.id] else "done")


async def test_the_watch_tells_what_became_of_claims(store: Store, worker: Recruit) -> None:
    await store.backend.insert(new_jobs(5))
    held, cancelled, deleted, again, done = await worker.claim(5)
    await store.backend.cancel_job(cancelled.id)
    await store.backend.delete_job(deleted.id)
    await worker.finish(again, Released())
    assert (await worker.claim_one()).id == again.id
    await worker.finish(done, Done())

    unknown = new_id()
    claims = {job.id: job.claim for job in (held, cancelled, deleted, again, done)}
    assert await worker.session.lost({**claims, unknown: 1, "nonsense": 1}) == {
        cancelled.id: ClaimState.CANCELLED,
        deleted.id: ClaimState.LOST,
        again.id: ClaimState.LOST,
        done.id: ClaimState.LOST,
        unknown: ClaimState.LOST,
        "nonsense": ClaimState.LOST,
    }
    assert await worker.session.lost({}) == {}


async def released(worker: Recruit, held: set[str]) -> None:
    """Strays are released for good; until the store says so one asks again."""
    async with asyncio.timeout(15):
        while not await worker.session.release_strays(lambda: held):
            await worker.pause()


async def test_claims_whose_answer_was_lost_are_put_back(store: Store, worker: Recruit) -> None:
    other = await store.join()
    jobs = new_jobs(6)
    await store.backend.insert(jobs)
    known, *_ = await worker.claim(4)
    [others, _] = await other.claim(2)
    before = {job.id: await store.job(job.id) for job in jobs}
    worker.woken.clear()

    await released(worker, {known.id})

    for number, given in enumerate(jobs):
        stored = await store.job(given.id)
        stray = 1 <= number < 4
        assert stored["status"] == ("queued" if stray else "processing")
        assert (stored["attempts"], stored["crashes"]) == (0 if stray else 1, 0)
        assert stored["scheduled_at"] == before[given.id]["scheduled_at"]
    await worker.wait_for_wake()
    assert [job.id for job in await worker.claim(3)] == [job.id for job in jobs[1:4]]
    assert await worker.finish(known, Done())
    assert await other.finish(others, Done())


async def test_without_strays_nothing_is_put_back(store: Store, worker: Recruit) -> None:
    await store.backend.insert(new_jobs(2))
    jobs = await worker.claim(2)

    await released(worker, {job.id for job in jobs})

    assert (await store.backend.queue_stats())["default"]["processing"] == 2


@pytest.mark.parametrize("outcome", [Done('"result"'), Retry(0, "no"), Released()], ids=repr)
async def test_an_ending_is_not_taken_for_stored_because_a_later_claim_ended_alike(
    store: Store, worker: Recruit, job: ClaimedJob, outcome: Outcome
) -> None:
    await released(worker, set())
    again = await worker.claim_one()
    assert await worker.finish(again, outcome)

    assert not await worker.finish(job, outcome, repeated=True)
