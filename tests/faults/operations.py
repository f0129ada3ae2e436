"""What is done to a store, as its real callers do it when it fails, and what must be true then.

Each operation prepares its own jobs in a queue of its own, so that one store serves them all, one
after the other.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import count
from typing import Any, ClassVar, Final, TypeVar

from soniq import Soniq
from soniq.backends.base import Contended, Unavailable
from soniq.dead_letter import DeadLetterFilter
from soniq.events import Events
from soniq.records import (
    ClaimedJob,
    Dead,
    DeadLetterReason,
    Done,
    JobDict,
    Outcome,
    Released,
    Retry,
    Snoozed,
)
from soniq.scheduler.firing import Firer
from soniq.worker.acker import Acker, Ended
from tests.backends.stores import Recruit, Store
from tests.factories import new_job, new_jobs

Answer = TypeVar("Answer")

NAME: Final = "tests.job"
MAX_CRASHES: Final = 2
_numbers = count()


async def insisted(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Repeat a call with the same values until the store answers, as loops do."""
    while True:
        try:
            return await call()
        except (Unavailable, Contended):
            await asyncio.sleep(0.001)


class Scene:
    """One store, seen by those whose calls fail and by an onlooker whose calls do not.

    Args:
        store: where calls may fail.
        app: an application on it.
        onlooker: the same store as nobody disturbs it.
    """

    def __init__(self, store: Store, app: Soniq, onlooker: Store) -> None:
        self.store = store
        self.app = app
        self.onlooker = onlooker

    async def jobs(self, queue: str) -> list[JobDict]:
        """All that is stored in a queue, dead letters too, oldest first."""
        backend = self.onlooker.backend
        found = [
            job
            for status in (None, "dead_letter")
            for job in await backend.list_jobs(queue=queue, status=status, limit=1000, offset=0)
        ]
        return sorted(found, key=lambda job: str(job["id"]))


class Operation(ABC):
    """One thing that is done to a store."""

    name: ClassVar[str]

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.queue = f"q{next(_numbers)}"

    async def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Whatever must be there before, undisturbed."""

    @abstractmethod
    async def perform(self) -> None:
        """Do it, and again as its callers do when the store fails."""

    @abstractmethod
    async def check(self) -> None:
        """It was done once, and wholly."""

    async def clean(self) -> None:  # noqa: B027 - most need nothing
        """Leave nothing that the next operation would meet."""

    async def recruit(self) -> Recruit:
        return await self.scene.store.join(queues=(self.queue,))

    async def claimed(self, number: int) -> list[ClaimedJob]:
        """New jobs, claimed by `self.worker`."""
        await self.scene.store.backend.insert(new_jobs(number, queue=self.queue))
        self.worker = await self.recruit()
        return await self.worker.claim(number)


class Enqueue(Operation):
    """Jobs of every kind at once: plain ones share statements, keyed ones do not."""

    name = "enqueue"

    async def perform(self) -> None:
        app, queue = self.scene.app, self.queue
        many: list[dict[str, Any]] = [{"n": n} for n in range(3)]
        one_by_one = await asyncio.gather(
            app.enqueue(NAME, args={}, queue=queue),
            app.enqueue(NAME, args={}, queue=queue, delay=60),
            app.enqueue(NAME, args={"queue": queue}, queue=queue, unique=True),
            app.enqueue(NAME, args={"queue": queue}, queue=queue, unique=True),
            app.enqueue(NAME, args={}, queue=queue, dedup_key=f"{queue}.key"),
            app.enqueue(NAME, args={}, queue=queue, dedup_key=f"{queue}.key"),
        )
        keys = [None, f"{queue}.key", f"{queue}.other"]
        batch = await app.enqueue_many(NAME, many, queue=queue, dedup_keys=keys)
        self.answers = [*one_by_one, *batch]

    async def check(self) -> None:
        plain, delayed, unique, same, keyed, same_key, first, second, third = self.answers
        assert (unique, keyed) == (same, same_key)
        assert second == keyed
        distinct = {plain, delayed, unique, keyed, first, third}
        assert len(distinct) == 6
        stored = await self.scene.jobs(self.queue)
        assert [job["id"] for job in stored] == sorted(distinct)
        assert {(job["status"], job["attempts"]) for job in stored} == {("queued", 0)}


class Claim(Operation):
    """A claimer that has lost an answer releases what it may have got without knowing."""

    name = "claim"

    async def prepare(self) -> None:
        await self.scene.store.backend.insert(new_jobs(3, queue=self.queue))
        self.worker = await self.recruit()
        self.got: dict[str, ClaimedJob] = {}

    async def perform(self) -> None:
        while len(self.got) < 3:
            self.worker.woken.clear()
            try:
                answer = await self.worker.session.claim(2)
            except (Unavailable, Contended):
                await self._release_strays()
                continue
            for job in answer.jobs:
                assert job.id not in self.got, "claimed while it was held"
                self.got[job.id] = job
            if not answer.jobs:
                await self.worker.pause()

    async def _release_strays(self) -> None:
        async def released() -> bool:
            return await self.worker.session.release_strays(lambda: list(self.got))

        while not await insisted(released):  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.001)

    async def check(self) -> None:
        # A session that was cut off could have committed later: nobody may find that out now.
        await self._release_strays()
        stored = await self.scene.jobs(self.queue)
        assert {job["id"] for job in stored} == set(self.got)
        for job in stored:
            assert (job["status"], job["attempts"]) == ("processing", 1)
            assert job["worker_id"] == self.worker.id
        lost = await self.worker.session.lost({job.id: job.claim for job in self.got.values()})
        assert lost == {}


class Finish(Operation):
    """The acker, with one end of each kind."""

    name = "finish"
    OUTCOMES: ClassVar[tuple[Outcome, ...]] = (
        Done('"result"'),
        Done(keep=False),
        Retry(60, "failed"),
        Snoozed(60, "SNOOZE"),
        Dead(DeadLetterReason.PERMANENT_FAILURE, "given up"),
        Released(60),
    )

    async def prepare(self) -> None:
        self.held = await self.claimed(len(self.OUTCOMES))
        self.stored: Counter[str] = Counter()

    async def perform(self) -> None:
        acker = Acker(self.worker.session, self._stored, Events(), 0.01)
        for job, outcome in zip(self.held, self.OUTCOMES, strict=True):
            acker.put(Ended(job, outcome))
        acker.start()
        try:
            async with asyncio.timeout(30):
                await acker.drained()
        finally:
            await acker.stop()

    def _stored(self, batch: Sequence[Ended], accepted: Collection[str]) -> None:
        self.stored.update(ended.job.id for ended in batch if ended.job.id in accepted)

    async def check(self) -> None:
        assert self.stored == Counter(job.id for job in self.held)
        by_id = {job["id"]: job for job in await self.scene.jobs(self.queue)}
        seen = [by_id.pop(job.id, None) for job in self.held]
        assert by_id == {}
        assert [job and (job["status"], job["attempts"], job["last_error"]) for job in seen] == [
            ("done", 1, None),
            None,
            ("queued", 1, "failed"),
            ("queued", 0, "SNOOZE"),
            ("dead_letter", 1, "given up"),
            ("queued", 0, None),
        ]


class FinishOne(Finish):
    """A single end takes no transaction of its own."""

    name = "finish_one"
    OUTCOMES = (Done('"result"'),)

    async def check(self) -> None:
        assert self.stored == Counter(job.id for job in self.held)
        (job,) = await self.scene.jobs(self.queue)
        assert (job["status"], job["attempts"], job["result"]) == ("done", 1, "result")


class Recover(Operation):
    """Others find out that a worker has died; one of its jobs has crashed before."""

    name = "recover"

    async def prepare(self) -> None:
        self.held = await self.claimed(2)
        suspect = self.held[0]
        await self._dies(self.worker)
        self.worker = await self.recruit()
        first = await self.worker.claim_suspect()
        await self.worker.finish(first, Snoozed(0, "SNOOZE"))
        other = await self.worker.claim_suspect()
        # One of them is innocent after all, and runs again as new.
        innocent = other if other.id != suspect.id else first
        if innocent is not other:
            await self.worker.finish(other, Snoozed(0, "SNOOZE"))
            other = await self.worker.claim_suspect()
        await self.worker.finish(other, Done())
        self.suspect_id = ({job.id for job in self.held} - {other.id}).pop()
        assert (await self.worker.claim_suspect()).id == self.suspect_id
        await self.scene.store.backend.insert(new_jobs(2, queue=self.queue))
        self.fresh = await self.worker.claim(2)
        self.judge = await self.recruit()
        await self.scene.store.outlive(self.judge)

    async def _dies(self, worker: Recruit) -> None:
        judge = await self.recruit()
        await self.scene.store.outlive(judge)
        await judge.session.recover(max_crashes=MAX_CRASHES)
        await judge.session.leave()
        await worker.session.leave()

    async def perform(self) -> None:
        await insisted(lambda: self.judge.session.recover(max_crashes=MAX_CRASHES))
        # What an earlier try has found, it may have told nobody; there is nothing left to find.
        found = await insisted(lambda: self.judge.session.recover(max_crashes=MAX_CRASHES))
        assert (found.workers, found.requeued, found.dead) == ([], [], [])

    async def check(self) -> None:
        by_id = {job["id"]: job for job in await self.scene.jobs(self.queue)}
        for job in self.fresh:
            stored = by_id[job.id]
            assert (stored["status"], stored["attempts"], stored["crashes"]) == ("queued", 0, 1)
        poison = by_id[self.suspect_id]
        assert (poison["status"], poison["crashes"]) == ("dead_letter", 2)
        assert poison["dead_letter_reason"] == "worker_crashed"

    async def clean(self) -> None:
        for recruit in (self.worker, self.judge):
            await recruit.session.leave()


class Fire(Operation):
    """A scheduler whose round failed begins another; one schedule is due, one has been missed."""

    name = "fire"

    async def prepare(self) -> None:
        scheduler = self.scene.app.scheduler
        self.names = [f"{self.queue}.plain", f"{self.queue}.alone"]
        for name, overlap in zip(self.names, ("allow", "skip"), strict=True):
            await scheduler.add(NAME, every=3600, queue=self.queue, name=name, overlap=overlap)
        self.before = [await scheduler.get(name) for name in self.names]
        await self.scene.store.pass_time(3601)

    async def perform(self) -> None:
        firer = Firer(
            self.scene.store.backend.schedules, Events(), missed_after=60.0, producer=None
        )
        await self._round(firer)
        self.extra = await self.scene.app.scheduler.run_now(self.names[0])

    async def _round(self, firer: Firer) -> None:
        due_in = await insisted(firer.fire_due)
        if due_in is not None and due_in < 60:
            # Due now, or held back for a moment by a session that has yet to notice its end.
            await asyncio.sleep(due_in)
            await self._round(firer)

    async def check(self) -> None:
        backend = self.scene.onlooker.backend
        stored = await self.scene.jobs(self.queue)
        assert len(stored) == 3
        for name, runs in zip(self.names, (2, 1), strict=True):
            schedule = await backend.schedules.get(name)
            assert schedule is not None
            assert schedule.run_count == runs
            assert schedule.last_job_id in {job["id"] for job in stored}
        assert self.extra in {job["id"] for job in stored}

    async def clean(self) -> None:
        for name in self.names:
            assert await self.scene.app.scheduler.remove(name)


class Replay(Operation):
    """Dead letters are replayed in bulk and one by one, and deleted."""

    name = "replay"

    async def prepare(self) -> None:
        held = await self.claimed(3)
        self.letters = sorted(job.id for job in held)
        for job in held:
            assert await self.worker.finish(job, Dead(DeadLetterReason.TIMEOUT, "late"))

    async def perform(self) -> None:
        service = self.scene.app.dead_letter
        self.new = await service.bulk_replay(DeadLetterFilter(queues=[self.queue]))
        again = await service.replay(self.letters[0])
        assert again is not None
        self.new.append(again)
        assert await service.delete_dead_letter_job(self.letters[2])

    async def check(self) -> None:
        assert len(set(self.new)) == 4
        stored = await self.scene.jobs(self.queue)
        queued = {job["id"] for job in stored if job["status"] == "queued"}
        assert queued == set(self.new)
        dead = {job["id"] for job in stored if job["status"] == "dead_letter"}
        assert dead == set(self.letters[:2])
        counts = await self.scene.onlooker.backend.dead_letters.show(self.letters)
        assert {one.id: one.resurrection_count for one in counts} == {
            self.letters[0]: 2,
            self.letters[1]: 1,
        }


class Cancel(Operation):
    """Somebody cancels a job that waits and one that runs."""

    name = "cancel"

    async def prepare(self) -> None:
        (self.held,) = await self.claimed(1)
        waiting = new_job(queue=self.queue)
        (self.waiting,) = await self.scene.store.backend.insert([waiting])

    async def perform(self) -> None:
        for job_id in (self.held.id, self.waiting):
            assert await self.scene.app.cancel_job(job_id)

    async def check(self) -> None:
        stored = await self.scene.jobs(self.queue)
        assert [job["status"] for job in stored] == ["cancelled", "cancelled"]
        assert not await self.worker.finish(self.held, Done())


OPERATIONS: Final[dict[str, type[Operation]]] = {
    operation.name: operation
    for operation in (Enqueue, Claim, Finish, FinishOne, Recover, Fire, Replay, Cancel)
}
