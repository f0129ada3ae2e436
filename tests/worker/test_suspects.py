"""Jobs that have crashed a worker run apart, and the last time alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from soniq import Soniq
from soniq.backends.memory import MemoryBackend
from tests.backends.stores import Clock, Recruit
from tests.factories import new_worker
from tests.worker.conftest import until, until_status, working

CRASH_AFTER = 120.0


class Crashing:
    """An application on a store in memory, whose clock lets workers die at will."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.app = Soniq(
            backend=MemoryBackend(clock=self.clock), heartbeat_timeout=60, max_crashes=3
        )
        self.running: list[str] = []
        self.beside: list[tuple[str, ...]] = []
        self.gates: dict[str, asyncio.Event] = {}

        @self.app.job(name="job")
        async def job(n: str) -> None:
            self.running.append(n)
            self.beside.append(tuple(sorted(self.running)))
            try:
                await self.gates.setdefault(n, asyncio.Event()).wait()
            finally:
                self.running.remove(n)

    async def suspects(self, *names: str, crashes: int) -> list[str]:
        """Jobs that were running when so many workers died."""
        ids = [await self.app.enqueue("job", args={"n": name}) for name in names]
        backend = self.app.backend
        assert backend is not None
        for crash in range(crashes):
            victim = Recruit("victim")
            victim.session = await backend.join(new_worker(), victim.wake)
            for _ in ids:
                await (victim.claim_suspect() if crash else victim.claim_one())
            await self._outlived()
        return ids

    async def _outlived(self) -> None:
        """The victim's heartbeat becomes too old for a judge whose own never stopped."""
        backend = self.app.backend
        assert backend is not None
        judge = await backend.join(new_worker(job_names=("job",)), lambda _: None)
        for _ in range(30):
            self.clock.advance(4)
            await judge.heartbeat()
        found = await judge.recover(max_crashes=3)
        assert len(found.workers) == 1
        await judge.leave()

    def open(self, name: str) -> None:
        self.gates.setdefault(name, asyncio.Event()).set()

    async def until_running(self, *names: str) -> None:
        async def running() -> bool:
            return sorted(self.running) == sorted(names)

        await until(running)


@pytest.fixture
async def crashing() -> AsyncIterator[Crashing]:
    made = Crashing()
    async with made.app:
        yield made


async def stays(check: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """It holds now, and after everything that is ready has run."""
    for _ in range(20):
        await asyncio.sleep(0.005)
        result = check()
        assert result if isinstance(result, bool) else await result


async def test_one_suspect_at_a_time_runs_beside_ordinary_jobs(crashing: Crashing) -> None:
    ids = await crashing.suspects("s1", "s2", crashes=1)
    ordinary = await crashing.app.enqueue("job", args={"n": "ordinary"})
    async with working(crashing.app, concurrency=4):
        await crashing.until_running("ordinary", "s1")
        await stays(lambda: "s2" not in crashing.running)
        crashing.open("s1")
        await until_status(crashing.app, ids[0], "done")
        await crashing.until_running("ordinary", "s2")
        crashing.open("s2")
        await until_status(crashing.app, ids[1], "done")
        crashing.open("ordinary")
        await until_status(crashing.app, ordinary, "done")


async def test_two_workers_of_a_process_share_the_one_suspect(crashing: Crashing) -> None:
    ids = await crashing.suspects("s1", "s2", crashes=1)
    async with working(crashing.app), working(crashing.app):
        await crashing.until_running("s1")
        await stays(lambda: crashing.running == ["s1"])
        crashing.open("s1")
        await crashing.until_running("s2")
        crashing.open("s2")
        await until_status(crashing.app, ids[1], "done")


async def test_before_its_last_crash_a_suspect_runs_with_nothing_beside_it(
    crashing: Crashing,
) -> None:
    (suspect,) = await crashing.suspects("s", crashes=2)
    first = await crashing.app.enqueue("job", args={"n": "first"}, priority=1)
    async with working(crashing.app, concurrency=4):
        await crashing.until_running("first")
        # It waits until the process is quiet, and nothing else begins meanwhile.
        later = await crashing.app.enqueue("job", args={"n": "later"})
        await stays(lambda: crashing.running == ["first"])
        crashing.open("first")
        await until_status(crashing.app, first, "done")
        await crashing.until_running("s")
        await stays(lambda: crashing.running == ["s"])
        crashing.open("s")
        await until_status(crashing.app, suspect, "done")
        await crashing.until_running("later")
        crashing.open("later")
        await until_status(crashing.app, later, "done")
    assert ("s",) in crashing.beside
    assert not [beside for beside in crashing.beside if "s" in beside and len(beside) > 1]


async def test_a_suspect_that_waits_for_quiet_goes_back_when_its_worker_stops(
    crashing: Crashing,
) -> None:
    (suspect,) = await crashing.suspects("s", crashes=2)
    await crashing.app.enqueue("job", args={"n": "first"}, priority=1)
    async with working(crashing.app, concurrency=4) as stop:
        await crashing.until_running("first")
        await until_status(crashing.app, suspect, "processing")
        stop.set()
        job = await until_status(crashing.app, suspect, "queued")
        crashing.open("first")
    assert (job["attempts"], job["crashes"]) == (0, 2)
