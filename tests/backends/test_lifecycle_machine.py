"""Random lives of jobs, played on a store and on a model of a page; both must agree at each step.

The model states the invariants: who may end a claim, what spends an attempt, what counts a crash,
one live job a key, nothing taken from the living, and nothing left with the dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from soniq.records import (
    Claimed,
    ClaimedJob,
    Dead,
    DeadLetterReason,
    Done,
    Ending,
    Outcome,
    Released,
    Retry,
    Snoozed,
)
from tests.backends.lifecycle_model import MAX_CRASHES, Claim, Job, Worker
from tests.backends.stores import (
    HEARTBEAT_TIMEOUT,
    MemoryStore,
    PostgresStore,
    SQLiteStore,
    Store,
)
from tests.factories import new_job

# Shorter than a heartbeat's interval, and no multiple of it comes near the timeout: the real clock
# of a server may creep on meanwhile.
STEP: Final = 13.0
LIVE: Final = ("queued", "processing")
GONE: Final = "gone"

OUTCOMES: Final[list[Outcome]] = [
    Done('"result"'),
    Done(keep=False),
    Retry(0, "no"),
    Retry(STEP, "no"),
    Snoozed(0, "SNOOZE"),
    Snoozed(STEP, "SNOOZE"),
    Dead(DeadLetterReason.PERMANENT_FAILURE, "no"),
    Released(),
    Released(STEP),
]
AFTER: Final[dict[type, str]] = {
    Done: "done",
    Retry: "queued",
    Snoozed: "queued",
    Dead: "dead_letter",
    Released: "queued",
}


class Lifecycle(RuleBasedStateMachine):
    """Subclassed with the store it plays on."""

    new_store: Callable[[], Coroutine[Any, Any, Store]]
    claims_at_once = False
    """Whether a claim finds at once whatever is due, and not only within a poll interval."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.run(type(self).new_store())
        self.store.backend = self.run(self.store.open())
        self.now = 0.0
        self.jobs: dict[str, Job] = {}
        self.workers: list[Worker] = []
        self.claims: list[Claim] = []
        self.join()
        self.join()
        self.insert_many(6)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    # --- drawing -------------------------------------------------------------------------------

    def a_worker(self, data: st.DataObject) -> Worker:
        return data.draw(st.sampled_from(self.present()), "worker")

    def present(self) -> list[Worker]:
        return [worker for worker in self.workers if not worker.left]

    def awake(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.live and not worker.silent]

    def a_job(self, data: st.DataObject) -> Job:
        return data.draw(st.sampled_from(list(self.jobs.values())), "job")

    # --- jobs in -------------------------------------------------------------------------------

    @rule(
        key=st.sampled_from([None, None, "one", "two"]),
        delay=st.sampled_from([0.0, 0.0, STEP, STEP * 3]),
        priority=st.sampled_from([1, 100]),
        queue=st.sampled_from(["a", "b"]),
    )
    def insert(self, key: str | None, delay: float, priority: int, queue: str) -> None:
        given = new_job(
            dedup_key=key, delay=delay, priority=priority, queue=queue, max_attempts=1_000
        )
        holders = [job for job in self.jobs.values() if key and job.key == key and self.lives(job)]

        ids = self.run(self.store.backend.insert([given]))

        assert ids == [holders[0].id if holders else given.id]
        if not holders:
            self.jobs[given.id] = Job(given.id, key, queue, priority, self.now + delay)

    def insert_many(self, number: int) -> None:
        for _ in range(number):
            self.insert(key=None, delay=0.0, priority=100, queue="a")

    def lives(self, job: Job) -> bool:
        return job.status in LIVE

    # --- workers -------------------------------------------------------------------------------

    @precondition(lambda self: len(self.present()) < 4)
    @rule()
    def join(self) -> None:
        self.workers.append(Worker(self.run(self.store.join()), self.now, self.now))

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def fall_silent(self, data: st.DataObject) -> None:
        self.a_worker(data).silent = True

    @precondition(lambda self: self.present())
    @rule(data=st.data(), leaves=st.booleans())
    def stop(self, data: st.DataObject, leaves: bool) -> None:
        worker = self.a_worker(data)
        self.run(worker.recruit.session.stopping())
        if leaves:
            self.run(worker.recruit.session.leave())
            worker.left = True
        if worker.live:
            worker.status = "stopped" if leaves else "stopping"

    @rule(steps=st.sampled_from([1, 1, 6]))
    def time_passes(self, steps: int) -> None:
        for _ in range(steps):
            self.run(self.store.pass_time(STEP))
            self.now += STEP
            for worker in self.workers:
                if not worker.silent and not worker.left:
                    assert self.run(worker.recruit.session.heartbeat()) is worker.live
                    worker.heartbeat = self.now

    # --- claims --------------------------------------------------------------------------------

    @precondition(lambda self: self.present())
    @rule(data=st.data(), limit=st.integers(1, 4))
    def claim(self, data: st.DataObject, limit: int) -> None:
        worker = self.a_worker(data)
        self.check_claimed(worker, self.run(worker.recruit.session.claim(limit)), limit, False)

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def claim_suspect(self, data: st.DataObject) -> None:
        worker = self.a_worker(data)
        self.check_claimed(worker, self.run(worker.recruit.session.claim_suspect()), 1, True)

    def check_claimed(self, worker: Worker, answer: Claimed, limit: int, suspects: bool) -> None:
        claimable = [
            job
            for job in self.jobs.values()
            if job.status == "queued" and job.due <= self.now and (job.crashes > 0) is suspects
        ]
        ids = [job.id for job in answer.jobs]
        assert set(ids) <= {job.id for job in claimable if worker.live}
        assert len(ids) == len(set(ids)) <= limit
        if self.claims_at_once and worker.live:
            best = sorted(job.priority for job in claimable)[:limit]
            assert [job.priority for job in answer.jobs] == best
        assert answer.jobs == sorted(
            answer.jobs, key=lambda job: (job.priority, job.scheduled_at, job.id)
        )
        for claimed in answer.jobs:
            self.claimed(worker, claimed)

    def claimed(self, worker: Worker, claimed: ClaimedJob) -> None:
        job = self.jobs[claimed.id]
        assert claimed.claim > job.claim
        job.claim = claimed.claim
        job.status, job.worker, job.shows = "processing", worker, None
        job.attempts += 1
        assert (claimed.attempts, claimed.crashes) == (job.attempts, job.crashes)
        self.claims.append(Claim(job, worker, claimed.claim))

    # --- ends ----------------------------------------------------------------------------------

    @precondition(lambda self: self.usable_claims())
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), repeated=st.booleans())
    def finish(self, data: st.DataObject, outcome: Outcome, repeated: bool) -> None:
        claim = data.draw(st.sampled_from(self.usable_claims()[-12:]), "claim")
        job, session = claim.job, claim.worker.recruit.session
        holds = job.status == "processing" and self.is_last(claim)
        shown = repeated and job.shows == outcome and self.is_last(claim)

        endings = [Ending(job.id, claim.number, outcome)]
        stored = self.run(session.finish(endings, repeated=repeated))

        if holds:
            self.ended(job, outcome)
            assert stored == {job.id}
        elif shown:
            assert stored == {job.id}
        elif not repeated or (self.lives(job) and not self.is_last(claim)):
            assert stored == set()

    def usable_claims(self) -> list[Claim]:
        return [claim for claim in self.claims if not claim.worker.left]

    def is_last(self, claim: Claim) -> bool:
        return claim.job.worker is claim.worker and claim.job.claim == claim.number

    def ended(self, job: Job, outcome: Outcome) -> None:
        job.status, job.shows = AFTER[type(outcome)], outcome
        match outcome:
            case Done(keep=False):
                job.status = GONE
            case Retry(delay) | Snoozed(delay):
                job.due = self.now + delay
            case Released(delay):
                job.due = max(job.due, self.now + delay) if delay else job.due
            case _:
                pass
        if isinstance(outcome, Snoozed | Released):
            job.attempts -= 1

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = self.a_job(data)
        assert self.run(self.store.backend.cancel_job(job.id)) is self.lives(job)
        if self.lives(job):
            job.status, job.shows = "cancelled", None

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        job = self.a_job(data)
        deletable = job.status not in ("dead_letter", GONE)
        assert self.run(self.store.backend.delete_job(job.id)) is deletable
        if deletable:
            job.status, job.shows = GONE, None

    @precondition(lambda self: len(self.awake()) > 1)
    @rule(data=st.data(), suspects=st.booleans())
    def crash(self, data: st.DataObject, suspects: bool) -> None:
        """A worker dies with jobs in its hands, and another one finds out."""
        victim, judge, *_ = data.draw(st.permutations(self.awake()), "victim and judge")
        session = victim.recruit.session
        claim = session.claim_suspect() if suspects else session.claim(2)
        self.check_claimed(victim, self.run(claim), 1 if suspects else 2, suspects)
        victim.silent = True
        self.time_passes(steps=6)
        self.recovers(judge)

    @precondition(lambda self: self.awake())
    @rule(data=st.data())
    def recover(self, data: st.DataObject) -> None:
        self.recovers(data.draw(st.sampled_from(self.awake()), "judge"))

    def recovers(self, judge: Worker) -> None:
        dead = [worker for worker in self.workers if self.is_dead(worker, judge)]
        crashed = {id(worker) for worker in dead if worker.status == "active"}
        for worker in dead:
            worker.status = "stopped"
        taken = [
            job
            for job in self.jobs.values()
            if job.status == "processing" and job.worker and not job.worker.live
        ]
        for job in taken:
            job.requeue(crashed=id(job.worker) in crashed)
            job.shows = None

        found = self.run(judge.recruit.session.recover(max_crashes=MAX_CRASHES))

        assert {worker.id for worker in found.workers} == {worker.recruit.id for worker in dead}
        requeued = [job.id for job in taken if job.status == "queued"]
        assert sorted(found.requeued) == sorted(requeued)
        assert sorted(found.dead) == sorted({job.id for job in taken} - set(requeued))

    def is_dead(self, worker: Worker, judge: Worker) -> bool:
        age = self.now - max(worker.heartbeat, judge.joined)
        return worker.live and worker is not judge and age > HEARTBEAT_TIMEOUT

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        stored = self.stored()
        assert {job_id: self.seen(job) for job_id, job in stored.items()} == {
            job.id: (job.status, job.attempts, job.crashes, self.ran_by(job))
            for job in self.jobs.values()
            if job.status != GONE
        }

    @staticmethod
    def ran_by(job: Job) -> str | None:
        shown = job.worker if job.status in ("processing", "done") else None
        return shown.recruit.id if shown else None

    def stored(self) -> dict[str, dict[str, Any]]:
        jobs = [
            job
            for status in (None, "dead_letter")
            for job in self.run(
                self.store.backend.list_jobs(queue=None, status=status, limit=1_000, offset=0)
            )
        ]
        assert len({job["id"] for job in jobs}) == len(jobs)
        return {job["id"]: job for job in jobs}

    @staticmethod
    def seen(job: dict[str, Any]) -> tuple[str, int, int, str | None]:
        worker_id = job["worker_id"] if job["status"] in ("processing", "done") else None
        return (job["status"], job["attempts"], job["crashes"], worker_id)

    @invariant()
    def a_worker_is_told_of_what_it_lost_and_of_nothing_else(self) -> None:
        for worker in self.present():
            claims = {c.job.id: c.number for c in self.claims if c.worker is worker}
            lost = self.run(worker.recruit.session.lost(claims)) if claims else {}
            held = {
                job.id
                for job in self.jobs.values()
                if job.status == "processing" and job.worker is worker
            }
            assert set(lost) == set(claims) - held


EXAMPLES: Final = {"memory": (120, 50), "sqlite": (20, 40), "postgres": (8, 30)}


async def emptied(url: str) -> None:
    """Forget what the example before has stored."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables"
            " WHERE tablename LIKE 'soniq\\_%' AND tablename <> 'soniq_migrations'"
        )
        for table in tables:
            await connection.execute(f"TRUNCATE {table['tablename']} CASCADE")
    finally:
        await connection.close()


@pytest.mark.timeout(180)
def test_random_lives_of_jobs(unopened_store: Store, tmp_path: Path) -> None:
    numbers = count()

    async def new_store() -> Store:
        match unopened_store:
            case PostgresStore(url=url):
                await emptied(url)
                return PostgresStore(url)
            case SQLiteStore():
                folder = tmp_path / str(next(numbers))
                folder.mkdir()
                return SQLiteStore(folder)
            case _:
                return MemoryStore()

    class OnThisStore(Lifecycle):
        pass

    OnThisStore.new_store = staticmethod(new_store)
    OnThisStore.claims_at_once = unopened_store.name == "memory"
    examples, steps = EXAMPLES[unopened_store.name]
    run_state_machine_as_test(
        OnThisStore,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
