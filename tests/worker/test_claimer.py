"""The claimer asks when there is room and reason, never without need, and misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, cast

import pytest

from soniq.backends.base import Unavailable, WorkerSession
from soniq.definition import define
from soniq.events import Events
from soniq.records import Claimed, ClaimedJob
from soniq.registry import JobRegistry
from soniq.retry import ExponentialBackoff
from soniq.settings import SoniqSettings
from soniq.worker import claimer
from soniq.worker.acker import BACKLOG
from soniq.worker.pace import READY, Pace
from soniq.worker.shift import Shift
from soniq.worker.surroundings import Surroundings
from soniq.worker.threads import HandlerThreads
from tests.factories import claimed_job

PATIENCE = 10.0


class Store:
    """Answers claims with what the test put there, and writes down every question."""

    id = "worker"

    def __init__(self) -> None:
        self.jobs: list[ClaimedJob] = []
        self.claims: list[int] = []
        self.ended: list[tuple[str, str]] = []
        self.strays: list[set[str]] = []
        self.in_claim: Callable[[], None] = lambda: None
        self.next_due: float | None = None
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.finish_gate = asyncio.Event()
        self.finish_gate.set()

    async def claim(self, limit: int, *, without: Collection[str] = ()) -> Claimed:
        self.claims.append(limit)
        self.asked.set()
        taken, self.jobs = self.jobs[:limit], self.jobs[limit:]
        self.in_claim()
        await self.gate.wait()
        return Claimed(taken, self.next_due)

    async def finish(self, endings: Any, *, repeated: bool = False) -> set[str]:
        await self.finish_gate.wait()
        self.ended += [(ending.job_id, type(ending.outcome).__name__) for ending in endings]
        return {ending.job_id for ending in endings}

    async def lost(self, claims: Any) -> dict[str, Any]:
        return {}

    async def release_strays(self, held: Callable[[], Collection[str]]) -> bool:
        self.strays.append(set(held()))
        return True


class Bench:
    """A shift on that store, with one job that ends at once and one that waits for the test."""

    def __init__(self, **settings: Any) -> None:
        self.store = Store()
        self.release = asyncio.Event()
        self.began: list[str] = []
        configured = SoniqSettings(**{"poll_interval": 60, "error_retry_delay": 0.1, **settings})
        registry = JobRegistry()

        async def quick(n: str) -> None:
            self.began.append(n)

        async def long(n: str) -> None:
            self.began.append(n)
            await self.release.wait()

        registry.register(define(quick, {"name": "quick"}, configured))
        registry.register(define(long, {"name": "long"}, configured))
        self.shift = Shift(
            cast(WorkerSession, self.store),
            configured,
            registry,
            ExponentialBackoff(),
            Surroundings(),
            HandlerThreads(1, lambda: None),
            Events(),
            concurrency=2,
            until_empty=False,
        )

    def job(self, name: str, n: str = "", **fields: Any) -> ClaimedJob:
        return claimed_job(job_name=name, args=f'{{"n": "{n}"}}', **fields)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - the parts under test tell nobody
                await asyncio.sleep(0.001)

    async def quiet(self) -> int:
        """The number of claims once no more come by themselves."""
        for _ in range(50):
            await asyncio.sleep(0)
        return len(self.store.claims)

    def start(self) -> None:
        self.claiming = self.shift.start()

    async def stop(self) -> None:
        self.release.set()
        self.store.gate.set()
        self.shift.begin_stop()
        await self.shift.claims_ended()
        await self.shift.runs_ended()
        await self.shift.close(drain=True)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.stop()


async def test_an_idle_worker_asks_once_and_then_waits_to_be_told(bench: Bench) -> None:
    bench.start()
    await bench.until(lambda: len(bench.store.claims) == 1)
    assert await bench.quiet() == 1
    bench.shift.wake(100)
    await bench.until(lambda: len(bench.store.claims) == 2)
    assert await bench.quiet() == 2


async def test_what_is_announced_while_a_claim_is_in_flight_causes_another(bench: Bench) -> None:
    def announce_once() -> None:
        bench.store.in_claim = lambda: None
        # It arrives after the store has looked, and before the answer.
        bench.store.jobs.append(bench.job("quick", "late"))
        bench.shift.wake(100)

    bench.store.in_claim = announce_once
    bench.start()
    await bench.until(lambda: bench.began == ["late"])


async def test_a_due_time_wakes_the_claimer(bench: Bench) -> None:
    bench.store.next_due = 0.05
    bench.start()
    await bench.until(lambda: len(bench.store.claims) >= 1)
    bench.store.jobs.append(bench.job("quick", "due"))
    bench.store.next_due = None
    await bench.until(lambda: bench.began == ["due"])


async def test_ends_of_jobs_cause_no_claims_while_nothing_is_announced(bench: Bench) -> None:
    bench.store.jobs = [bench.job("quick", str(n)) for n in range(1)]
    bench.start()
    await bench.until(lambda: len(bench.store.ended) == 1)
    # One claim brought less than was asked for: nothing more is there until somebody says so.
    assert await bench.quiet() == 1


async def test_no_claim_is_made_without_room(bench: Bench) -> None:
    bench.store.jobs = [bench.job("long", str(n)) for n in range(2)]
    bench.start()
    await bench.until(lambda: len(bench.began) == 2)
    asked = await bench.quiet()
    bench.shift.wake(100)
    assert await bench.quiet() == asked
    bench.store.jobs = [bench.job("quick", "next")]
    bench.release.set()
    await bench.until(lambda: "next" in bench.began)


async def test_what_waits_too_long_for_a_slot_goes_back(bench: Bench) -> None:
    bench.store.jobs = [bench.job("quick", str(n)) for n in range(40)]
    bench.start()
    await bench.until(lambda: len(bench.store.ended) == 40)
    # Quick jobs are claimed ahead; these are quick by name, and wait behind two that are not.
    assert max(bench.store.claims) > 2
    for _ in range(50):
        bench.shift._pace.ended("quick", 0.001)  # whatever has held up those that ran
    behind = [bench.job("quick", f"behind {n}") for n in range(5)]
    bench.store.jobs = [bench.job("long", "a"), bench.job("long", "b"), *behind]
    bench.shift.wake(100)
    released = {(job.id, "Released") for job in behind}
    await bench.until(lambda: released <= set(bench.store.ended))
    assert not [n for n in bench.began if n.startswith("behind")]


async def test_a_better_priority_is_claimed_past_a_full_buffer_of_worse_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claimer, "STALE", 1000.0)  # or the buffer would empty by itself
    bench = Bench(prefetch=3)
    bench.store.jobs = [bench.job("long", "a"), bench.job("long", "b")]
    bench.store.jobs += [bench.job("quick", f"ordinary {n}", priority=100) for n in range(3)]
    bench.start()
    await bench.until(lambda: bench.began == ["a", "b"])
    asked = await bench.quiet()
    bench.shift.wake(100)
    assert await bench.quiet() == asked
    bench.store.jobs = [bench.job("quick", "urgent", priority=1)]
    bench.shift.wake(1)
    await bench.until(lambda: len(bench.store.claims) > asked)
    bench.release.set()
    await bench.until(lambda: "urgent" in bench.began)
    assert bench.began[2] == "urgent"
    await bench.stop()


async def test_after_a_claim_without_an_answer_strays_are_released_before_the_next(
    bench: Bench,
) -> None:
    def fail() -> None:
        bench.store.in_claim = lambda: None
        raise Unavailable("cut off")

    bench.store.in_claim = fail
    bench.start()
    await bench.until(lambda: len(bench.store.strays) == 1)
    assert bench.store.strays == [set()]
    await bench.until(lambda: len(bench.store.claims) == 2)


async def test_what_a_claim_brings_after_the_stop_goes_back_unbegun(bench: Bench) -> None:
    bench.store.jobs = [bench.job("quick", "too late")]
    bench.store.gate.clear()
    bench.start()
    await bench.until(lambda: len(bench.store.claims) == 1)
    bench.shift.begin_stop()
    bench.store.gate.set()
    await bench.shift.claims_ended()
    await bench.until(lambda: len(bench.store.ended) == 1)
    assert bench.store.ended[0][1] == "Released"
    assert bench.began == []


async def test_a_job_claimed_again_before_the_answer_to_its_last_end_is_still_held(
    bench: Bench,
) -> None:
    first = bench.job("quick", "once")
    bench.store.jobs = [first]
    bench.store.finish_gate.clear()
    bench.start()
    await bench.until(lambda: bench.began == ["once"])
    again = first._replace(job_name="long", claim=first.claim + 1)
    bench.store.jobs = [again]
    bench.shift.wake(100)
    await bench.until(lambda: bench.began == ["once", "once"])
    bench.store.finish_gate.set()
    await bench.until(lambda: len(bench.store.ended) == 1)

    def fail() -> None:
        bench.store.in_claim = lambda: None
        raise Unavailable("cut off")

    bench.store.in_claim = fail
    bench.shift.wake(100)
    await bench.until(lambda: len(bench.store.strays) == 1)
    assert bench.store.strays == [{first.id}]


async def test_while_ends_cannot_be_stored_nothing_more_begins_than_fits(bench: Bench) -> None:
    bench.store.jobs = [bench.job("quick", str(n)) for n in range(12_000)]
    bench.store.finish_gate.clear()
    bench.start()
    # What has waited too long to begin goes back, and waits to be stored with the ends.
    await bench.until(lambda: bench.shift._acker.full)
    for _ in range(200):
        await asyncio.sleep(0)
    assert 0 < len(bench.began) <= BACKLOG + 2 * READY
    bench.store.finish_gate.set()
    await bench.until(lambda: len(bench.store.ended) == 12_000)


async def test_a_worker_without_room_looks_for_it_no_more_often_than_it_polls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[float] = []
    appetite = Pace.appetite

    def counted(self: Pace, *args: Any) -> int:
        looks.append(asyncio.get_running_loop().time())
        return appetite(self, *args)

    monkeypatch.setattr(Pace, "appetite", counted)
    bench = Bench(poll_interval=0.1)
    bench.store.jobs = [bench.job("long") for _ in range(2)]
    bench.start()
    await bench.until(lambda: len(bench.began) == 2)
    looks.clear()
    await bench.until(lambda: len(looks) >= 8)
    assert looks[-1] - looks[0] > 0.1
    await bench.stop()
