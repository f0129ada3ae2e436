"""Jobs nobody knows wait for somebody who does, but not for ever."""

from __future__ import annotations

import pytest

from soniq.records import Done, Released
from tests.backends.stores import Recruit, Store
from tests.factories import new_job, new_jobs

NAME = "not.here"
GRACE = 300.0


@pytest.fixture
async def sweeper(store: Store) -> Recruit:
    return await store.join()


async def sweep(worker: Recruit, *names: str, grace: float = GRACE) -> list[str]:
    return sorted(await worker.session.sweep_unknown(names or (NAME,), grace=grace))


async def test_nothing_unknown(sweeper: Recruit) -> None:
    assert await sweep(sweeper) == []
    assert await sweep(sweeper, "a", "b") == []
    assert sorted(await sweeper.session.sweep_unknown((), grace=GRACE)) == []


async def test_it_waits_for_its_grace_and_is_a_dead_letter_then(
    store: Store, sweeper: Recruit
) -> None:
    await store.backend.insert([job := new_job(job_name=NAME, dedup_key="key")])

    assert await sweep(sweeper) == []
    await store.live_on(GRACE - 10, sweeper)
    assert await sweep(sweeper) == []
    await store.live_on(11, sweeper)
    assert await sweep(sweeper) == [job.id]

    letter = await store.job(job.id)
    assert (letter["status"], letter["dead_letter_reason"]) == ("dead_letter", "job_not_found")
    assert letter["last_error"] == "Job not.here not registered."
    assert letter["attempts"] == 0
    assert await sweep(sweeper) == []
    other = new_job(dedup_key="key")
    assert await store.backend.insert([other]) == [other.id]


async def test_the_grace_counts_from_the_first_sweep_that_met_it(
    store: Store, sweeper: Recruit
) -> None:
    await store.backend.insert([new_job(job_name=NAME)])
    await store.live_on(GRACE * 2, sweeper)

    assert await sweep(sweeper) == []


async def test_without_grace_it_goes_at_once(store: Store, sweeper: Recruit) -> None:
    await store.backend.insert([job := new_job(job_name=NAME)])

    first = await sweep(sweeper, grace=0)
    assert first + await sweep(sweeper, grace=0) == [job.id]


async def test_being_met_by_a_worker_that_puts_it_back_does_not_start_it_anew(
    store: Store, sweeper: Recruit
) -> None:
    await store.backend.insert([job := new_job(job_name=NAME)])
    await sweep(sweeper)
    await store.live_on(GRACE - 10, sweeper)
    other = await store.join()
    assert await other.finish(await other.claim_one(), Released())
    await store.live_on(11, sweeper)

    assert await sweep(sweeper) == [job.id]


async def test_jobs_of_other_names_future_and_running_ones_are_left_alone(
    store: Store, sweeper: Recruit
) -> None:
    running = new_job(job_name=NAME, priority=1)
    left = [new_job(job_name="other"), new_job(job_name=NAME, delay=GRACE * 9)]
    await store.backend.insert([running, *left])
    assert (await sweeper.claim_one()).id == running.id
    for _ in range(2):
        assert await sweep(sweeper) == []
        await store.live_on(GRACE + 10, sweeper)

    assert await sweep(sweeper) == []
    assert (await store.backend.queue_stats())["default"]["queued"] == 2


async def test_a_live_worker_that_knows_the_name_keeps_it(store: Store, sweeper: Recruit) -> None:
    knows = await store.join(job_names=("a", NAME), queues=("default", "more"))
    await store.backend.insert([job := new_job(job_name=NAME)])
    await sweep(sweeper)
    await store.live_on(GRACE + 10, sweeper, knows)

    assert await sweep(sweeper) == []
    assert await knows.finish(await knows.claim_one(), Done())
    assert (await store.job(job.id))["status"] == "done"


async def test_one_that_knows_it_but_serves_other_queues_does_not(
    store: Store, sweeper: Recruit
) -> None:
    knows = await store.join(job_names=(NAME,), queues=("other",))
    await store.backend.insert([job := new_job(job_name=NAME)])
    await sweep(sweeper)
    await store.live_on(GRACE + 10, sweeper, knows)

    assert await sweep(sweeper) == [job.id]


async def test_a_worker_tells_nothing_of_queues_it_does_not_serve(
    store: Store, sweeper: Recruit
) -> None:
    narrow = await store.join(queues=("other",))
    await store.backend.insert([new_job(job_name=NAME)])
    for _ in range(2):
        assert await sweep(narrow) == []
        await store.live_on(GRACE + 10, sweeper, narrow)

    assert await sweep(sweeper) == []


async def test_one_that_knew_it_and_has_left_does_not(store: Store, sweeper: Recruit) -> None:
    knew = await store.join(job_names=(NAME,))
    await store.backend.insert([job := new_job(job_name=NAME)])
    await knew.session.leave()
    await sweep(sweeper)
    await store.live_on(GRACE + 10, sweeper)

    assert await sweep(sweeper) == [job.id]


async def test_many_go_in_as_many_sweeps_as_it_takes(store: Store, sweeper: Recruit) -> None:
    jobs = new_jobs(1_500, job_name=NAME)
    await store.backend.insert(jobs)
    gone: list[str] = []
    for _ in range(10):
        gone += await sweep(sweeper)
    assert gone == []
    await store.live_on(GRACE + 10, sweeper)
    for _ in range(10):
        gone += await sweep(sweeper)

    assert sorted(gone) == [job.id for job in jobs]
