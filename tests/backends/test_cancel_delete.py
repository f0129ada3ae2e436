"""Jobs changed by hand, from whatever state."""

from __future__ import annotations

import pytest

from soniq.records import Dead, DeadLetterReason, Done, Retry
from tests.backends.stores import Recruit, Store
from tests.factories import new_job

STATES = ["queued", "scheduled", "waiting for a retry", "processing", "done", "cancelled", "dead"]
BAD_IDS = [
    "",
    "nonsense",
    "\0",
    "\ud800",
    "a" * 36,
    "00000000-0000-0000-0000-00000000000g",
    "1" * 5_000,
]
NOBODYS_ID = "018f0000-0000-7000-8000-000000000000"


async def job_in(state: str, store: Store, worker: Recruit) -> str:
    """The id of a job in that state."""
    job = new_job(delay=60 if state == "scheduled" else 0, dedup_key="key")
    await store.backend.insert([job])
    if state == "cancelled":
        assert await store.backend.cancel_job(job.id)
    if state in ("processing", "done", "dead", "waiting for a retry"):
        claimed = await worker.claim_one()
        if state == "done":
            await worker.finish(claimed, Done("1"))
        if state == "dead":
            await worker.finish(claimed, Dead(DeadLetterReason.TIMEOUT, "no"))
        if state == "waiting for a retry":
            await worker.finish(claimed, Retry(60, "no"))
    return job.id


@pytest.fixture
async def worker(store: Store) -> Recruit:
    return await store.join()


@pytest.mark.parametrize("state", STATES)
async def test_live_jobs_can_be_cancelled_and_no_others(
    store: Store, worker: Recruit, state: str
) -> None:
    live = state in ("queued", "scheduled", "waiting for a retry", "processing")
    job_id = await job_in(state, store, worker)
    before = await store.job(job_id)

    assert await store.backend.cancel_job(job_id) is live

    after = await store.job(job_id)
    if live:
        assert after["status"] == "cancelled"
        assert after["finished_at"] == after["updated_at"] >= before["updated_at"]
        assert after["attempts"] == before["attempts"]
        assert after["last_error"] == before["last_error"]
        await store.pass_time(120)
        await worker.assert_nothing_to_claim()
    else:
        assert after == before
    assert await store.backend.cancel_job(job_id) is False


@pytest.mark.parametrize("state", STATES)
async def test_any_job_but_a_dead_letter_can_be_deleted(
    store: Store, worker: Recruit, state: str
) -> None:
    job_id = await job_in(state, store, worker)
    deletable = state != "dead"

    assert await store.backend.delete_job(job_id) is deletable
    assert await store.backend.delete_job(job_id) is False

    assert (await store.backend.get_job(job_id) is None) is deletable
    await store.pass_time(120)
    await worker.assert_nothing_to_claim()


@pytest.mark.parametrize("job_id", [*BAD_IDS, NOBODYS_ID])
async def test_ids_nobody_has_are_not_found(store: Store, job_id: str) -> None:
    await store.backend.insert([new_job()])

    assert await store.backend.get_job(job_id) is None
    assert await store.backend.cancel_job(job_id) is False
    assert await store.backend.delete_job(job_id) is False
    assert (await store.backend.queue_stats())["default"]["queued"] == 1


@pytest.mark.parametrize("state", ["queued", "done", "dead"])
async def test_an_id_is_found_as_it_is_spelt_in_the_store(
    store: Store, worker: Recruit, state: str
) -> None:
    job_id = await job_in(state, store, worker)

    for other in (job_id.upper(), job_id.replace("-", ""), f"{{{job_id}}}"):
        assert await store.backend.get_job(other) is None
        assert await store.backend.job_states([other]) == {}
        assert await store.backend.cancel_job(other) is False
        assert await store.backend.delete_job(other) is False
        assert await store.backend.dead_letters.show([other]) == []
        assert await store.backend.dead_letters.delete([other]) == []
    assert await store.backend.get_job(job_id) is not None


async def test_another_backend_may_cancel_and_delete(store: Store, worker: Recruit) -> None:
    other = await store.open()
    await store.backend.insert([first := new_job(), second := new_job()])
    await worker.claim(2)

    assert await other.cancel_job(first.id)
    assert await other.delete_job(second.id)

    assert (await store.job(first.id))["status"] == "cancelled"
    assert await store.backend.get_job(second.id) is None
