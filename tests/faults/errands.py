"""What a client of a store is at when it is cut off for good, and what may be left of it then."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from itertools import count
from typing import ClassVar, Final

from soniq import Soniq
from soniq.events import Events
from soniq.records import Ending, JobDict
from soniq.scheduler.firing import Firer
from tests.backends.stores import Recruit, Store
from tests.factories import every_outcome, new_job, new_jobs

_numbers = count()


class Errand(ABC):
    """One thing that a client does once, whether or not it hears of its success.

    Args:
        client: the store as the client sees it, which is cut off in `run`.
        onlooker: the same store as nobody disturbs it.
    """

    name: ClassVar[str]

    def __init__(self, client: Store, onlooker: Store) -> None:
        self.client = client
        self.onlooker = onlooker
        self.queue = f"errand{next(_numbers)}"

    async def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Whatever must be there before, undisturbed."""

    @abstractmethod
    async def run(self) -> None:
        """Do it; the store's errors pass through."""

    async def go_on(self) -> None:  # noqa: B027 - most need nothing
        """Whatever another process does beside recovering, claiming and ending."""

    @abstractmethod
    def possible(self, heard: bool) -> Collection[int]:
        """How many jobs there may be in the end; `heard` when the client heard of its success."""

    def check(self, jobs: list[JobDict]) -> None:  # noqa: B027 - most need nothing
        """What else must be true of the jobs, all of which have ended."""

    async def recruit(self, store: Store) -> Recruit:
        return await store.join(queues=(self.queue,))


class Enqueue(Errand):
    """Plain jobs and keyed ones, in one call: all of them, or none."""

    name = "enqueue"

    async def run(self) -> None:
        keys = (None, None, f"{self.queue}.one", f"{self.queue}.two", f"{self.queue}.one")
        jobs = [new_job(queue=self.queue, dedup_key=key) for key in keys]
        await self.client.backend.insert(jobs)

    def possible(self, heard: bool) -> Collection[int]:
        return {4} if heard else {0, 4}


class Claim(Errand):
    """What nobody knows to be claimed is not lost with the claim."""

    name = "claim"

    async def prepare(self) -> None:
        await self.onlooker.backend.insert(new_jobs(3, queue=self.queue))
        self.worker = await self.recruit(self.client)

    async def run(self) -> None:
        while (await self.worker.session.claim(2)).jobs:
            pass

    def possible(self, heard: bool) -> Collection[int]:
        return {3}


class Finish(Errand):
    """Ends of every kind in one call: all of them are stored, or none."""

    name = "finish"
    OUTCOMES: ClassVar = every_outcome("ended")

    async def prepare(self) -> None:
        await self.onlooker.backend.insert(new_jobs(len(self.OUTCOMES), queue=self.queue))
        self.worker = await self.recruit(self.client)
        self.held = await self.worker.claim(len(self.OUTCOMES))

    async def run(self) -> None:
        endings = [
            Ending(job.id, job.claim, outcome)
            for job, outcome in zip(self.held, self.OUTCOMES, strict=True)
        ]
        assert len(await self.worker.session.finish(endings)) == len(endings)

    def possible(self, heard: bool) -> Collection[int]:
        all_of_them = len(self.OUTCOMES)
        return {all_of_them - 1} if heard else {all_of_them, all_of_them - 1}

    def check(self, jobs: list[JobDict]) -> None:
        stored = len(jobs) < len(self.OUTCOMES)
        assert any(job["status"] == "dead_letter" for job in jobs) == stored
        assert any(job["result"] == "ended" for job in jobs) == stored


class Recover(Errand):
    """Who declares another dead dies over it."""

    name = "recover"

    async def prepare(self) -> None:
        await self.onlooker.backend.insert(new_jobs(3, queue=self.queue))
        self.dead = await self.recruit(self.client)
        await self.dead.claim(3)
        self.judge = await self.recruit(self.client)
        await self.onlooker.outlive(self.judge)

    async def run(self) -> None:
        await self.judge.session.recover(max_crashes=5)

    def possible(self, heard: bool) -> Collection[int]:
        return {3}

    def check(self, jobs: list[JobDict]) -> None:
        assert {job["crashes"] for job in jobs} == {1}, "a death counts once, whoever sees it"


class Fire(Errand):
    """A due time has one job, whoever fires it."""

    name = "fire"

    async def prepare(self) -> None:
        backend = await self.onlooker.open()
        async with Soniq(backend=backend, enqueue_validation="none") as app:
            await app.scheduler.add("tests.job", every=3600, queue=self.queue, name=self.queue)
        await self.onlooker.pass_time(3601)

    async def run(self) -> None:
        await self._fire(self.client)

    async def go_on(self) -> None:
        await self._fire(self.onlooker)
        schedule = await self.onlooker.backend.schedules.get(self.queue)
        assert schedule is not None
        assert schedule.run_count == 1
        await self.onlooker.backend.schedules.remove(self.queue)

    async def _fire(self, store: Store) -> None:
        firer = Firer(store.backend.schedules, Events(), missed_after=60.0, producer=None)
        due_in = await firer.fire_due()
        while due_in is not None and due_in < 60:
            # Due now, or held back for a moment by a session that has yet to notice its end.
            await asyncio.sleep(due_in)
            due_in = await firer.fire_due()

    def possible(self, heard: bool) -> Collection[int]:
        return {1}


ERRANDS: Final[dict[str, type[Errand]]] = {
    errand.name: errand for errand in (Enqueue, Claim, Finish, Recover, Fire)
}
