"""What is cancelled or lost while a worker holds it does not run on; nothing else goes with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import pytest

from soniq.records import Claimed, ClaimedJob, ClaimState
from soniq.worker.quarantine import PROCESS
from soniq.worker.shift import WATCH_EVERY
from tests.factories import claimed_job
from tests.worker.test_claimer import Bench, Store


class Watched(Store):
    """Has a suspect as well, and says of every claim it is asked about what the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.suspects: list[ClaimedJob] = []
        self.state: ClaimState | None = None
        self.asked_about: list[Mapping[str, int]] = []
        self.before_answer = asyncio.Event()
        self.before_answer.set()

    async def claim(self, limit: int, *, without: Collection[str] = ()) -> Claimed:
        return (await super().claim(limit, without=without))._replace(suspects=bool(self.suspects))

    async def claim_suspect(self, *, without: Collection[str] = ()) -> Claimed:
        taken, self.suspects = self.suspects[:1], self.suspects[1:]
        return Claimed(taken)

    async def lost(self, claims: Any) -> dict[str, Any]:
        self.asked_about.append(claims)
        await self.before_answer.wait()
        return {} if self.state is None else dict.fromkeys(claims, self.state)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.stop()


@pytest.fixture
def store(bench: Bench) -> Watched:
    store = Watched()
    bench.store = bench.shift.session = store  # type: ignore[assignment]
    shift: Any = bench.shift
    for part in (shift._claimer, shift._acker, shift._suspects):
        part._session = store
    return store


async def test_a_suspect_that_is_cancelled_while_it_waits_for_quiet_never_runs(
    bench: Bench, store: Watched
) -> None:
    store.jobs = [bench.job("long", "innocent")]
    bench.start()
    await bench.until(lambda: bench.began == ["innocent"])
    store.suspects = [bench.job("quick", "suspect", crashes=2)]
    bench.shift.wake(None)
    await bench.until(lambda: PROCESS.closed)
    store.state = ClaimState.CANCELLED
    (suspect,) = [bench.shift._suspects.waiting]
    assert suspect is not None
    await bench.shift._look()
    assert suspect.id in store.asked_about[0]
    assert not PROCESS.closed
    await bench.until(lambda: bench.shift.running == 0)
    assert bench.began == ["innocent"]


async def test_a_run_is_looked_at_as_soon_as_it_is_old_enough_and_not_before(
    bench: Bench, store: Watched
) -> None:
    store.jobs = [bench.job("long", "young")]
    bench.start()
    await bench.until(lambda: bench.began == ["young"])
    (run,) = bench.shift._slots.running
    run.started = asyncio.get_running_loop().time() - 0.75 * WATCH_EVERY
    pause = await bench.shift._look()
    assert not store.asked_about
    assert 0 < pause <= 0.25 * WATCH_EVERY
    run.started -= pause
    assert await bench.shift._look() == WATCH_EVERY
    assert store.asked_about == [{run.job.id: run.job.claim}]


async def test_a_worker_that_runs_nothing_asks_nothing(bench: Bench, store: Watched) -> None:
    bench.start()
    assert await bench.shift._look() == WATCH_EVERY
    assert not store.asked_about


async def test_an_answer_about_an_earlier_claim_does_not_end_a_later_one(
    bench: Bench, store: Watched
) -> None:
    job = claimed_job(job_name="long", args='{"n": "first"}')
    store.jobs = [job]
    bench.start()
    await bench.until(lambda: bench.began == ["first"])
    store.state, shift = ClaimState.LOST, bench.shift
    store.before_answer.clear()
    next(iter(shift._slots.running)).started -= 10
    looking = asyncio.create_task(shift._look())
    await bench.until(lambda: bool(store.asked_about))
    bench.release.set()
    await bench.until(lambda: bool(store.ended))
    bench.release.clear()
    store.jobs = [job._replace(claim=2, args='{"n": "second"}')]
    shift.wake(None)
    await bench.until(lambda: bench.began == ["first", "second"])
    store.before_answer.set()
    await looking
    bench.release.set()
    await bench.until(lambda: store.ended == [(job.id, "Done")] * 2)
