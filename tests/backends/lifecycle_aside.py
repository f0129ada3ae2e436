"""What happens to jobs beside their runs: races, dead letters, schedules, and being forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from soniq.backends.dead_letters import Changes, Replay
from soniq.backends.schedules import Firing, Schedule
from soniq.records import Claimed, ClaimedJob, Done, Ending, Released
from tests.backends.lifecycle_machine import GONE, STEP, Lifecycle
from tests.backends.lifecycle_model import MAX_ATTEMPTS, Job, Worker
from tests.factories import EPOCH, new_id, new_job

RESULT_TTL: Final = STEP * 1.5
DEAD_LETTER_TTL: Final = STEP * 8.5
EVERY: Final = timedelta(hours=1)


class LifecycleAndMore(Lifecycle):
    """The whole of a store's jobs."""

    remembered: Schedule
    runs = 0

    @initialize()
    def schedule(self) -> None:
        given = a_schedule()
        assert self.run(self.store.backend.schedules.insert(given))
        self.remembered = self.stored_schedule()

    def stored_schedule(self) -> Schedule:
        found = self.run(self.store.backend.schedules.get("schedule"))
        assert isinstance(found, Schedule)
        return found

    # --- several at once -----------------------------------------------------------------------

    @precondition(lambda self: self.present())
    @rule(limit=st.integers(1, 4))
    def all_claim_at_once(self, limit: int) -> None:
        """Nobody can tell who gets which job; so they give back what they got."""
        workers = self.present()

        async def claims() -> list[Claimed]:
            return await asyncio.gather(*(one.recruit.session.claim(limit) for one in workers))

        answers: list[Claimed] = self.run(claims())

        ids = [job.id for answer in answers for job in answer.jobs]
        assert len(ids) == len(set(ids))
        for worker, answer in zip(workers, answers, strict=True):
            assert worker.live or not answer.jobs
            self.check_claimed(worker, answer, limit, suspects=False)
        for worker, answer in zip(workers, answers, strict=True):
            self.gives_back(worker, answer.jobs)

    def gives_back(self, worker: Worker, jobs: list[ClaimedJob]) -> None:
        endings = [Ending(job.id, job.claim, Released()) for job in jobs]
        assert self.run(worker.recruit.session.finish(endings)) == {job.id for job in jobs}
        for claimed in jobs:
            self.ended(self.jobs[claimed.id], Released())
        del self.claims[len(self.claims) - len(jobs) :]

    @precondition(lambda self: any(self.is_held(claim) for claim in self.usable_claims()))
    @rule(data=st.data())
    def one_ends_what_another_cancels(self, data: st.DataObject) -> None:
        """One of them does it and the other is refused; then the job is deleted."""
        held = [claim for claim in self.usable_claims() if self.is_held(claim)]
        claim = data.draw(st.sampled_from(held), "claim")
        session, job = claim.worker.recruit.session, claim.job

        async def both() -> tuple[set[str], bool]:
            finish = session.finish([Ending(job.id, claim.number, Done())])
            answers = await asyncio.gather(finish, self.store.backend.cancel_job(job.id))
            return answers[0], answers[1]

        stored, cancelled = self.run(both())
        assert bool(stored) is not cancelled
        assert self.run(self.store.backend.delete_job(job.id))
        job.status, job.shows = GONE, None

    # --- dead letters --------------------------------------------------------------------------

    def letters(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.status == "dead_letter"]

    @precondition(lambda self: self.letters())
    @rule(data=st.data(), reset=st.booleans())
    def replay(self, data: st.DataObject, reset: bool) -> None:
        letter = data.draw(st.sampled_from(self.letters()), "letter")
        holder = self.holder(letter.key)
        replay = Replay(letter.id, new_id())

        (answer,), _ = self.ask(
            lambda: self.store.backend.dead_letters.replay([replay], Changes(reset))
        )

        assert answer.is_new is (holder is None)
        assert answer.job_id == (holder.id if holder else replay.job_id)
        if holder is None:
            new = Job(replay.job_id, letter.key, letter.queue, letter.priority, self.now)
            new.attempts = 0 if reset else min(letter.attempts, MAX_ATTEMPTS - 1)
            self.jobs[new.id] = new
            letter.replays += 1

    @precondition(lambda self: self.letters())
    @rule(data=st.data())
    def forget_dead_letter(self, data: st.DataObject) -> None:
        letter = data.draw(st.sampled_from(self.letters()), "letter")
        gone, disturbed = self.ask(lambda: self.store.backend.dead_letters.delete([letter.id]))
        assert disturbed or gone == [letter.id]
        letter.status, letter.shows = GONE, None

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def bury(self, data: st.DataObject) -> None:
        job = self.a_job(data)
        done, disturbed = self.ask(lambda: self.store.backend.dead_letters.bury(job.id, None))
        assert disturbed or done is self.lives(job)
        if self.lives(job):
            job.ends("dead_letter", self.now)
            job.shows = None

    # --- being forgotten -----------------------------------------------------------------------

    @rule()
    def prune(self) -> None:
        over = [job for job in self.jobs.values() if self.is_over(job)]
        number, disturbed = self.ask(
            lambda: self.store.backend.prune(
                result_ttl=RESULT_TTL, dead_letter_ttl=DEAD_LETTER_TTL, limit=1000
            )
        )
        assert disturbed or number == len(over)
        for job in over:
            job.status, job.shows = GONE, None

    def is_over(self, job: Job) -> bool:
        age = self.now - job.ended
        ended = job.status in ("done", "cancelled")
        return (ended and age > RESULT_TTL) or (
            job.status == "dead_letter" and age > DEAD_LETTER_TTL
        )

    # --- schedules -----------------------------------------------------------------------------

    @rule(key=st.sampled_from([None, "one"]), stale=st.booleans(), alone=st.booleans())
    def fire(self, key: str | None, stale: bool, alone: bool) -> None:
        """Of all who have seen a due time, one fires it."""
        seen = self.stored_schedule()
        if stale:
            seen, self.remembered = self.remembered, seen
        fresh = seen.next_run == self.stored_schedule().next_run
        job = new_job(dedup_key=key, queue="a", max_attempts=MAX_ATTEMPTS)
        following = seen.next_run + EVERY
        firing = Firing(seen, (job,), following, following, unless_live=alone)
        passed_over = alone and self.is_live(seen.last_job_id)
        holder = self.holder(key)

        fired, disturbed = self.ask(lambda: self.store.backend.schedules.fire(firing))

        assert disturbed or (fired is not None) is fresh
        if fresh and not passed_over:
            stands = holder.id if holder else job.id
            assert disturbed or fired.ids == [stands]
            assert self.stored_schedule().last_job_id == stands
            self.runs += 1
            if holder is None:
                self.jobs[job.id] = Job(job.id, key, "a", job.priority, self.now)

    def is_live(self, job_id: str | None) -> bool:
        job = self.jobs.get(job_id or "")
        return job is not None and self.lives(job)

    @invariant()
    def every_due_time_has_fired_once(self) -> None:
        if hasattr(self, "remembered"):
            assert self.stored_schedule().run_count == self.runs

    # --- what must hold ------------------------------------------------------------------------

    @invariant()
    def each_job_is_counted_once(self) -> None:
        counts = self.run(self.store.backend.queue_stats())
        left = [job for job in self.jobs.values() if job.status != GONE]
        assert sum(sum(queue.values()) for queue in counts.values()) == len(left)

    @invariant()
    def nothing_exceeds_its_limit_and_no_live_key_is_there_twice(self) -> None:
        jobs = list(self.stored().values())
        assert all(0 <= job["attempts"] <= job["max_attempts"] for job in jobs)
        keys = [job["dedup_key"] for job in jobs if job["status"] in ("queued", "processing")]
        held = [key for key in keys if key is not None]
        assert len(held) == len(set(held))


def a_schedule() -> Schedule:
    """One whose due times are all in the past; when they come is for schedulers to know."""
    return Schedule(
        id=new_id(),
        name="schedule",
        job_name="tests.job",
        schedule_type="interval",
        schedule_value="3600",
        timezone="UTC",
        catch_up="one",
        overlap="allow",
        jitter=0.0,
        priority=100,
        queue="a",
        max_attempts=MAX_ATTEMPTS,
        args="{}",
        status="active",
        created_at=EPOCH,
        next_run=EPOCH,
        dedup_key=None,
        declared=False,
        version=1,
        fires_at=EPOCH,
    )
