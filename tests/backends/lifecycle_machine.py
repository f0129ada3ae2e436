"""Lives of jobs, played on a store and on a model of a page; both must agree at each step.

The model states the invariants: who may end a claim, what spends an attempt, what counts a crash,
one live job a key, nothing taken from the living, and nothing left with the dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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
from tests.backends.lifecycle_model import MAX_ATTEMPTS, MAX_CRASHES, Claim, Job, Worker
from tests.backends.stores import HEARTBEAT_TIMEOUT, Store
from tests.factories import new_job
from tests.faults.fuse import Moment

# Shorter than a heartbeat's interval, and no multiple of it comes near the timeout: the real clock
# of a server may creep on meanwhile.
STEP: Final = 13.0
_TRIES: Final = 100
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

Call = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """The next call fails: before or after its statement of this number, if it has so many."""

    at: int
    moment: Moment


class Lifecycle(RuleBasedStateMachine):
    """Subclassed with the store it plays on."""

    new_store: Callable[[], Coroutine[Any, Any, tuple[Store, AsyncExitStack]]]
    """A store that nobody has opened, and what is to be closed after it."""
    claims_at_once = False
    """Whether a claim finds at once whatever is due, and not only within a poll interval."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.fault: Fault | None = None
        self.store, self.beneath = self.run(type(self).new_store())
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

    def ask(self, call: Call, again: Call | None = None) -> tuple[Any, bool]:
        """The answer to a call, and whether it took more than one try.

        Args:
            call: what is asked of the store.
            again: what its callers ask after a failure, if that is something else.
        """
        fault, self.fault = self.fault, None
        answer, disturbed = self.run(self.break_call(fault, call, again or call))
        return answer, disturbed

    async def break_call(self, fault: Fault | None, call: Call, again: Call) -> tuple[Any, bool]:
        """A store in memory does nothing in between: it has done a call or it has not."""
        if fault is None:
            return await call(), False
        if fault.moment is Moment.AFTER:
            await call()
        return await again(), True

    @rule(at=st.integers(1, 6), moment=st.sampled_from(Moment))
    def the_next_call_fails(self, at: int, moment: Moment) -> None:
        self.fault = Fault(at, moment)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.run(self.beneath.aclose())
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
            dedup_key=key, delay=delay, priority=priority, queue=queue, max_attempts=MAX_ATTEMPTS
        )
        holder = self.holder(key)

        ids, _ = self.ask(lambda: self.store.backend.insert([given]))

        assert ids == [holder.id if holder else given.id]
        if holder is None:
            self.jobs[given.id] = Job(given.id, key, queue, priority, self.now + delay)

    def insert_many(self, number: int) -> None:
        for _ in range(number):
            self.insert(key=None, delay=0.0, priority=100, queue="a")

    def holder(self, key: str | None) -> Job | None:
        """The live job that has this key."""
        held = [job for job in self.jobs.values() if key and job.key == key and self.lives(job)]
        assert len(held) <= 1
        return held[0] if held else None

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
        self.ask(worker.recruit.session.stopping)
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
                    assert self.ask(worker.recruit.session.heartbeat)[0] is worker.live
                    worker.heartbeat = self.now

    # --- claims --------------------------------------------------------------------------------

    @precondition(lambda self: self.present())
    @rule(data=st.data(), limit=st.integers(1, 4))
    def claim(self, data: st.DataObject, limit: int) -> None:
        self.takes(self.a_worker(data), limit, suspects=False)

    @precondition(lambda self: self.present())
    @rule(data=st.data())
    def claim_suspect(self, data: st.DataObject) -> None:
        self.takes(self.a_worker(data), 1, suspects=True)

    def takes(self, worker: Worker, limit: int, *, suspects: bool) -> None:
        """A worker gets all it asks for, if that is there: at once, or by the poll interval."""
        wanted = min(limit, len(self.claimable(suspects)) if worker.live else 0)
        for _ in range(_TRIES):
            worker.recruit.woken.clear()
            answer = self.claims_of(worker, limit, suspects)
            self.check_claimed(worker, answer, limit, suspects)
            limit -= len(answer.jobs)
            wanted -= len(answer.jobs)
            if not wanted:
                return
            assert not self.claims_at_once
            self.run(worker.recruit.pause())
        raise AssertionError(f"{wanted} more jobs were there to be claimed")

    def claimable(self, suspects: bool) -> list[Job]:
        return [
            job
            for job in self.jobs.values()
            if job.status == "queued" and job.due <= self.now and (job.crashes > 0) is suspects
        ]

    def claims_of(self, worker: Worker, limit: int, suspects: bool) -> Claimed:
        """A claim; after one whose answer was lost, its worker releases what it does not know of.

        What a lost claim had taken shows no former ending any more, and nobody can tell what that
        was.
        """
        session = worker.recruit.session

        async def claim() -> Claimed:
            return await (session.claim_suspect() if suspects else session.claim(limit))

        async def again() -> Claimed:
            while not await session.release_strays(lambda: self.held_by(worker)):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            return await claim()

        answer, disturbed = self.ask(claim, again)
        for job in self.claimable(suspects) if disturbed else ():
            job.shows = None
        claimed: Claimed = answer
        return claimed

    def held_by(self, worker: Worker) -> set[str]:
        return {
            job.id
            for job in self.jobs.values()
            if job.status == "processing" and job.worker is worker
        }

    def check_claimed(self, worker: Worker, answer: Claimed, limit: int, suspects: bool) -> None:
        claimable = self.claimable(suspects)
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
        holds = self.is_held(claim)
        if isinstance(outcome, Retry) and job.attempts >= MAX_ATTEMPTS:
            outcome = Dead(DeadLetterReason.MAX_RETRIES_EXCEEDED, outcome.error)
        shown = job.shows == outcome and self.is_last(claim)

        endings = [Ending(job.id, claim.number, outcome)]
        stored, disturbed = self.ask(
            lambda: session.finish(endings, repeated=repeated),
            lambda: session.finish(endings, repeated=True),
        )

        repeated = repeated or disturbed
        if holds:
            self.ended(job, outcome)
            assert stored == {job.id}
        elif repeated and shown:
            assert stored == {job.id}
        elif not repeated or (self.lives(job) and not self.is_last(claim)):
            assert stored == set()

    def usable_claims(self) -> list[Claim]:
        return [claim for claim in self.claims if not claim.worker.left]

    def is_held(self, claim: Claim) -> bool:
        return claim.job.status == "processing" and self.is_last(claim)

    def is_last(self, claim: Claim) -> bool:
        return claim.job.worker is claim.worker and claim.job.claim == claim.number

    def ended(self, job: Job, outcome: Outcome) -> None:
        job.ends(AFTER[type(outcome)], self.now)
        job.shows = outcome
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
        done, disturbed = self.ask(lambda: self.store.backend.cancel_job(job.id))
        assert disturbed or done is self.lives(job)
        if self.lives(job):
            job.ends("cancelled", self.now)
            job.shows = None

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        job = self.a_job(data)
        deletable = job.status not in ("dead_letter", GONE)
        done, disturbed = self.ask(lambda: self.store.backend.delete_job(job.id))
        assert disturbed or done is deletable
        if deletable:
            job.status, job.shows = GONE, None

    @precondition(lambda self: len(self.awake()) > 1)
    @rule(data=st.data(), suspects=st.booleans())
    def crash(self, data: st.DataObject, suspects: bool) -> None:
        """A worker dies with jobs in its hands, and another one finds out."""
        victim, judge, *_ = data.draw(st.permutations(self.awake()), "victim and judge")
        self.takes(victim, 1 if suspects else 2, suspects=suspects)
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
            job.requeue(crashed=id(job.worker) in crashed, now=self.now)
            job.shows = None

        session = judge.recruit.session
        found, disturbed = self.ask(lambda: session.recover(max_crashes=MAX_CRASHES))

        if disturbed:
            return  # an earlier try has told nobody what it found
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
            assert set(lost) == set(claims) - self.held_by(worker)
