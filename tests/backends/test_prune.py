"""What is over is deleted after its time, in bounded portions; what is not over never."""

from __future__ import annotations

import pytest

from soniq.records import Dead, DeadLetterReason, Done
from soniq.settings import SoniqSettings
from tests.backends.stores import Recruit, Store
from tests.factories import ending, new_job, new_jobs

DAY = 86_400.0


@pytest.fixture
async def worker(store: Store) -> Recruit:
    return await store.join()


async def prune(
    store: Store, *, result_ttl: float = 300, dead_letter_ttl: float | None = None, limit: int = 100
) -> int:
    return await store.backend.prune(
        result_ttl=result_ttl, dead_letter_ttl=dead_letter_ttl, limit=limit
    )


async def end(store: Store, worker: Recruit, number: int, *, dead: bool = False) -> None:
    outcome = Dead(DeadLetterReason.TIMEOUT, "no") if dead else Done()
    await store.backend.insert(new_jobs(number))
    jobs = await worker.claim(number)
    await worker.session.finish([ending(job, outcome) for job in jobs])


async def test_nothing_to_prune(store: Store) -> None:
    assert await prune(store) == 0


async def test_ended_jobs_go_when_their_time_is_over(store: Store, worker: Recruit) -> None:
    await store.backend.insert([cancelled := new_job(delay=60)])
    await store.backend.cancel_job(cancelled.id)
    await end(store, worker, 2)

    await store.pass_time(290)
    assert await prune(store) == 0
    await store.pass_time(11)
    assert await prune(store) == 3

    assert await store.backend.queue_stats() == {}


async def test_the_time_counts_from_the_end_not_the_beginning(
    store: Store, worker: Recruit
) -> None:
    await store.backend.insert([new_job()])
    job = await worker.claim_one()
    await store.pass_time(1_000)
    await worker.finish(job, Done())

    assert await prune(store) == 0


async def test_live_jobs_are_never_pruned(store: Store, worker: Recruit) -> None:
    await store.backend.insert([new_job(), new_job(delay=60), new_job()])
    await worker.claim(1)
    await store.live_on(1_000, worker)

    assert await prune(store, result_ttl=0, dead_letter_ttl=0) == 0
    assert (await store.backend.queue_stats())["default"]["queued"] == 2


async def test_at_most_so_many_go_in_one_call(store: Store, worker: Recruit) -> None:
    await end(store, worker, 25)
    await end(store, worker, 5, dead=True)
    await store.pass_time(1_000)

    counts = [await prune(store, dead_letter_ttl=300, limit=10) for _ in range(4)]

    assert max(counts) <= 10
    assert sum(counts) == 30
    assert await store.backend.queue_stats() == {}


async def test_the_oldest_need_not_go_first_but_the_young_stay(
    store: Store, worker: Recruit
) -> None:
    await end(store, worker, 3)
    await store.live_on(200, worker)
    await end(store, worker, 4)
    await store.live_on(120, worker)

    assert await prune(store) == 3
    assert (await store.backend.queue_stats())["default"]["done"] == 4


async def test_dead_letters_stay_unless_they_are_given_a_time(
    store: Store, worker: Recruit
) -> None:
    await end(store, worker, 2, dead=True)
    await store.pass_time(1_000)

    assert await prune(store, result_ttl=0) == 0
    assert await prune(store, dead_letter_ttl=2_000) == 0
    assert await prune(store, dead_letter_ttl=900) == 2

    assert await store.backend.queue_stats() == {}


async def test_a_time_of_none_at_all_is_over_at_once(store: Store, worker: Recruit) -> None:
    await end(store, worker, 1)
    await end(store, worker, 1, dead=True)
    await store.pass_time(0.01)

    assert await prune(store, result_ttl=0, dead_letter_ttl=0) == 2


async def test_stopped_workers_go_after_a_day(store: Store, worker: Recruit) -> None:
    left = await store.join()
    await left.session.leave()

    await store.pass_time(DAY - 600)
    assert await prune(store) == 0
    await store.pass_time(1_200)
    assert await prune(store) == 1

    workers = await store.backend.list_workers(stale_after=60)
    assert [row["id"] for row in workers] == [worker.id]


async def test_settings_that_say_for_ever_are_kept_to(store: Store) -> None:
    given = SoniqSettings(
        result_ttl=float("inf"),
        dead_letter_ttl=1e300,
        unknown_job_grace=float("inf"),
        max_crashes=10**12,
    )
    dying, judge = await store.join(), await store.join()
    (job_id,) = await store.backend.insert([new_job()])
    await dying.claim_one()
    await store.outlive(judge)

    found = await judge.session.recover(max_crashes=given.max_crashes)
    assert found.requeued == [job_id]
    grace = given.unknown_job_grace
    assert await judge.session.sweep_unknown(["tests.job"], grace=grace) == []
    pruned = await store.backend.prune(
        result_ttl=given.result_ttl, dead_letter_ttl=given.dead_letter_ttl, limit=10
    )
    assert pruned == 0
