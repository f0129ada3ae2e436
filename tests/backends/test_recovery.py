"""No job stays with a worker that is gone, and none is taken from one that lives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from soniq.records import ClaimedJob, Done, Recovered, Retry
from tests.backends.stores import HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, Recruit, Store
from tests.factories import new_job, new_jobs

NOBODY = Recovered([], [], [])


@pytest.fixture
async def judge(store: Store) -> Recruit:
    """A worker whose heartbeats go on."""
    return await store.join(pid=1_000_001)


@pytest.fixture
async def victim(store: Store) -> Recruit:
    return await store.join(hostname="elsewhere", pid=1_000_002)


@pytest.fixture
async def job(store: Store, victim: Recruit) -> ClaimedJob:
    """A job the victim holds."""
    await store.backend.insert([new_job(dedup_key="key")])
    return await victim.claim_one()


async def recover(worker: Recruit, max_crashes: int = 3) -> Recovered:
    """What one sweep found, less the number of live workers."""
    found = await worker.session.recover(max_crashes=max_crashes)
    return found._replace(live=NOBODY.live)


async def test_nobody_dead_nothing_done(judge: Recruit) -> None:
    assert await recover(judge) == NOBODY


async def test_a_sweep_tells_how_many_workers_live(store: Store, judge: Recruit) -> None:
    assert (await judge.session.recover(max_crashes=3)).live == 1
    await store.join()
    other = await store.join()
    assert (await judge.session.recover(max_crashes=3)).live == 3
    await other.session.leave()
    assert (await judge.session.recover(max_crashes=3)).live == 2


async def test_by_hand_silence_counts_from_the_heartbeat_alone(
    store: Store, victim: Recruit, job: ClaimedJob
) -> None:
    await store.pass_time(HEARTBEAT_TIMEOUT + 1)
    newcomer = await store.join()
    assert await recover(newcomer) == NOBODY

    found = await newcomer.session.recover(max_crashes=3, by_hand=True)

    assert [worker.id for worker in found.workers] == [victim.id]
    assert found.requeued == [job.id]


async def test_a_silent_workers_jobs_are_queued_again(
    store: Store, judge: Recruit, victim: Recruit
) -> None:
    jobs = new_jobs(5)
    await store.backend.insert(jobs)
    await victim.claim(3)
    before = await store.job(jobs[0].id)
    await store.outlive(judge)

    found = await recover(judge)

    [dead] = found.workers
    assert (dead.id, dead.hostname, dead.pid) == (victim.id, "elsewhere", 1_000_002)
    assert dead.stopping is False
    assert sorted(found.requeued) == sorted(job.id for job in jobs[:3])
    assert found.dead == []
    stored = await store.job(jobs[0].id)
    assert (stored["status"], stored["attempts"], stored["crashes"]) == ("queued", 0, 1)
    assert stored["worker_id"] is None
    assert stored["last_error"] == before["last_error"]
    assert (await store.job(jobs[4].id))["crashes"] == 0


async def test_it_is_found_dead_once(store: Store, judge: Recruit, job: ClaimedJob) -> None:
    await store.outlive(judge)
    await recover(judge)

    assert await recover(judge) == NOBODY
    assert (await store.job(job.id))["crashes"] == 1


async def test_two_judges_at_once_find_it_once(
    store: Store, judge: Recruit, victim: Recruit
) -> None:
    second = await store.join(await store.open())
    await store.backend.insert(new_jobs(20))
    jobs = await victim.claim(20)
    await store.outlive(judge, second)

    sweeps = list(await asyncio.gather(recover(judge), recover(second)))
    sweeps += [await recover(judge), await recover(second)]

    assert sorted(job_id for sweep in sweeps for job_id in sweep.requeued) == sorted(
        job.id for job in jobs
    )
    assert [worker.id for sweep in sweeps for worker in sweep.workers] == [victim.id]
    assert {(await store.job(job.id))["crashes"] for job in jobs} == {1}


async def test_recovered_jobs_wake_and_run_again(
    store: Store, judge: Recruit, job: ClaimedJob
) -> None:
    await store.outlive(judge)
    judge.woken.clear()
    await recover(judge)
    await judge.wait_for_wake()

    again = await judge.claim_suspect()

    assert (again.id, again.attempts, again.crashes) == (job.id, 1, 1)
    assert await judge.finish(again, Done())


async def test_a_worker_not_silent_for_long_enough_is_left_alone(
    store: Store, judge: Recruit, victim: Recruit, job: ClaimedJob
) -> None:
    await store.live_on(HEARTBEAT_TIMEOUT - 10, judge)

    assert await recover(judge) == NOBODY
    assert await victim.session.heartbeat()
    assert await victim.finish(job, Done())


async def test_a_worker_whose_heartbeats_go_on_is_left_alone(
    store: Store, judge: Recruit, victim: Recruit, job: ClaimedJob
) -> None:
    await store.live_on(HEARTBEAT_TIMEOUT * 3, judge, victim)

    assert await recover(judge) == NOBODY
    assert await victim.finish(job, Done())


async def test_a_judge_that_slept_too_judges_nobody(
    store: Store, judge: Recruit, victim: Recruit, job: ClaimedJob
) -> None:
    await store.pass_time(HEARTBEAT_TIMEOUT * 10)
    assert await recover(judge) == NOBODY

    assert await judge.session.heartbeat()
    assert await recover(judge) == NOBODY

    await store.live_on(HEARTBEAT_TIMEOUT - 10, judge)
    assert await recover(judge) == NOBODY
    assert await victim.session.heartbeat()
    assert await victim.finish(job, Done())


async def test_a_judge_that_slept_judges_after_a_full_new_term(
    store: Store, judge: Recruit, victim: Recruit, job: ClaimedJob
) -> None:
    await store.pass_time(HEARTBEAT_TIMEOUT * 10)
    assert await judge.session.heartbeat()
    await store.outlive(judge)

    assert (await recover(judge)).requeued == [job.id]


async def test_a_gap_in_the_judges_heartbeats_starts_its_term_anew(
    store: Store, judge: Recruit, job: ClaimedJob
) -> None:
    await store.live_on(HEARTBEAT_INTERVAL, judge)
    await store.pass_time(HEARTBEAT_TIMEOUT - HEARTBEAT_INTERVAL)
    assert await judge.session.heartbeat()
    await store.live_on(HEARTBEAT_INTERVAL * 2, judge)

    assert await recover(judge) == NOBODY


async def test_a_newcomer_judges_nobody_yet(store: Store, job: ClaimedJob) -> None:
    await store.pass_time(HEARTBEAT_TIMEOUT * 10)
    newcomer = await store.join()

    assert await recover(newcomer) == NOBODY

    await store.outlive(newcomer)
    assert (await recover(newcomer)).requeued == [job.id]


async def test_a_worker_declared_dead_must_join_anew(
    store: Store, judge: Recruit, victim: Recruit, job: ClaimedJob
) -> None:
    await store.outlive(judge)
    await recover(judge)
    await store.backend.insert([new_job()])

    assert await victim.session.heartbeat() is False
    assert (await victim.session.claim(5)).jobs == []
    assert (await victim.session.claim_suspect()).jobs == []
    await victim.session.leave()

    anew = await store.join()
    assert len(await anew.claim(1)) == 1


async def test_a_worker_that_had_begun_to_stop_counts_no_crash(
    store: Store, judge: Recruit, victim: Recruit, job: ClaimedJob
) -> None:
    await victim.session.stopping()
    await store.outlive(judge)

    found = await recover(judge)

    assert [worker.stopping for worker in found.workers] == [True]
    assert found.requeued == [job.id]
    stored = await store.job(job.id)
    assert (stored["status"], stored["attempts"], stored["crashes"]) == ("queued", 0, 0)
    assert (await judge.claim_one()).id == job.id


async def test_what_a_worker_left_behind_is_queued_again_without_a_crash(
    store: Store, judge: Recruit, victim: Recruit, job: ClaimedJob
) -> None:
    await victim.session.stopping()
    await victim.session.leave()

    found = await recover(judge)

    assert (found.workers, found.requeued) == ([], [job.id])
    stored = await store.job(job.id)
    assert (stored["status"], stored["attempts"], stored["crashes"]) == ("queued", 0, 0)


async def test_a_job_of_a_worker_nobody_remembers_is_queued_again(
    store: Store, victim: Recruit, job: ClaimedJob
) -> None:
    await victim.session.leave()
    await store.pass_time(3 * 86_400)
    assert await store.backend.prune(result_ttl=1e6, dead_letter_ttl=None, limit=100) == 1
    judge = await store.join()
    assert [worker["id"] for worker in await store.backend.list_workers(stale_after=60)] == [
        judge.id
    ]

    assert (await recover(judge)).requeued == [job.id]
    stored = await store.job(job.id)
    assert (stored["status"], stored["crashes"]) == ("queued", 1)


async def crash(store: Store, judge: Recruit, job_id: str, max_crashes: int) -> Recovered:
    """The job kills one more worker."""
    victim = await store.join()
    job = await (
        victim.claim_suspect() if (await store.job(job_id))["crashes"] else victim.claim_one()
    )
    assert job.id == job_id
    await store.outlive(judge)
    return await recover(judge, max_crashes)


async def test_a_job_that_crashes_too_many_workers_is_a_dead_letter(
    store: Store, judge: Recruit
) -> None:
    await store.backend.insert([job := new_job(dedup_key="key")])

    assert (await crash(store, judge, job.id, 3)).requeued == [job.id]
    assert (await crash(store, judge, job.id, 3)).requeued == [job.id]
    last = await crash(store, judge, job.id, 3)

    assert (last.requeued, last.dead) == ([], [job.id])
    letter = await store.job(job.id)
    assert (letter["status"], letter["dead_letter_reason"]) == ("dead_letter", "worker_crashed")
    assert letter["crashes"] == 3
    assert letter["last_error"]
    other = new_job(dedup_key="key")
    assert await store.backend.insert([other]) == [other.id]


async def test_a_process_said_to_be_gone_that_still_holds_its_lock_is_not_taken_for_dead(
    store: Store, judge: Recruit
) -> None:
    alive = await store.join(pid=1_000_003)
    await store.backend.insert([new_job()])
    job = await alive.claim_one()

    found = await judge.session.recover(max_crashes=3, gone={1_000_003, 1_000_004})

    assert found._replace(live=NOBODY.live) == NOBODY
    assert await alive.finish(job, Done())


# --- suspects ----------------------------------------------------------------------------------


@pytest.fixture
async def suspects(store: Store, judge: Recruit, victim: Recruit) -> list[str]:
    """Ids of three jobs that have crashed a worker, in claim order."""
    jobs = new_jobs(3)
    await store.backend.insert(jobs)
    await victim.claim(3)
    await store.outlive(judge)
    await recover(judge)
    return [job.id for job in jobs]


async def test_suspects_are_left_out_of_the_ordinary_claim(
    store: Store, judge: Recruit, suspects: list[str]
) -> None:
    # Due before the suspects and after them, so that whoever claims them passes those by.
    before = new_jobs(4, scheduled_at=datetime(2020, 1, 1, tzinfo=UTC))
    await store.backend.insert([*before, *(after := new_jobs(2))])
    newcomer = await store.join()

    assert [job.id for job in await newcomer.claim(3)] == [job.id for job in before[:3]]
    assert [job.id for job in await judge.claim(3)] == [job.id for job in (before[3], *after)]
    await newcomer.assert_nothing_to_claim()
    await judge.assert_nothing_to_claim()


async def test_the_ordinary_claim_tells_of_suspects(judge: Recruit, suspects: list[str]) -> None:
    await judge.until(lambda answer: answer.suspects, lambda: judge.session.claim(10))


async def test_suspects_are_claimed_one_at_a_time_in_claim_order(
    judge: Recruit, suspects: list[str]
) -> None:
    claimed = [await judge.claim_suspect() for _ in suspects]

    assert [job.id for job in claimed] == suspects
    assert {(job.crashes, job.attempts) for job in claimed} == {(1, 1)}
    assert (await judge.session.claim_suspect()).jobs == []


async def test_suspects_of_unknown_names_and_other_queues_are_left_alone(
    store: Store, judge: Recruit, suspects: list[str]
) -> None:
    other = await store.join(queues=("other",))

    assert (await judge.session.claim_suspect(without={"tests.job"})).jobs == []
    assert (await other.session.claim_suspect()).jobs == []


async def test_a_suspect_that_is_put_off_is_not_due_yet(
    store: Store, judge: Recruit, suspects: list[str]
) -> None:
    first = await judge.claim_suspect()
    await judge.finish(first, Retry(60, "no"))
    for _ in suspects[1:]:
        assert await judge.finish(await judge.claim_suspect(), Done())

    assert (await judge.session.claim_suspect()).jobs == []
    await store.pass_time(60)
    again = await judge.claim_suspect()
    assert (again.id, again.attempts, again.crashes) == (first.id, 2, 1)


async def test_innocents_are_no_suspects(store: Store, judge: Recruit) -> None:
    await store.backend.insert([new_job()])

    assert (await judge.session.claim_suspect()).jobs == []
    assert (await judge.session.claim(1)).suspects is False
