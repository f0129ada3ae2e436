"""How concurrent enqueues share statements, and what becomes of them when one goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from soniq import SoniqError
from soniq.backends.base import Contended, InsertJobs, Unavailable, Unstorable
from soniq.backends.patience import Patience
from soniq.enqueue import inserter as module
from soniq.enqueue.inserter import Inserter
from soniq.enqueue.keyed import KeyedInserter
from soniq.errors import SONIQ_DATABASE_UNAVAILABLE, SONIQ_TASK_ARGS_INVALID
from soniq.records import NewJob
from tests.factories import new_job, new_jobs

PATIENCE = Patience(5, 0.01, "store://")
SHORT = Patience(0.2, 0.01, "store://")


class ScriptedStore:
    """Remembers batches; `trouble` may raise for one, `gate` holds all of them up."""

    def __init__(self) -> None:
        self.runs = 0
        self.batches: list[list[NewJob]] = []
        self.repeated: list[bool] = []
        self.stored: list[NewJob] = []
        self.trouble: Callable[[Sequence[NewJob]], None] = lambda jobs: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.called = asyncio.Event()

    async def insert(self, jobs: Sequence[NewJob], *, repeated: bool = False) -> list[str]:
        self.batches.append(list(jobs))
        self.repeated.append(repeated)
        self.called.set()
        await self.gate.wait()
        self.trouble(jobs)
        self.stored += [job for job in jobs if job not in self.stored]
        return [job.id for job in jobs]

    @contextlib.asynccontextmanager
    async def inserting(self) -> AsyncIterator[InsertJobs]:
        self.runs += 1
        yield self.insert

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


@pytest.fixture
def store() -> ScriptedStore:
    return ScriptedStore()


def times(number: int, error: Exception) -> Callable[[Sequence[NewJob]], None]:
    """Trouble that stops after `number` tries."""
    left = [number]

    def trouble(jobs: Sequence[NewJob]) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error

    return trouble


async def test_a_lone_enqueue_waits_for_nothing(store: ScriptedStore) -> None:
    job = new_job()
    assert await Inserter(store.inserting, PATIENCE).insert(job) == job.id
    assert store.sizes == [1]


async def test_what_comes_during_a_statement_goes_with_the_next(store: ScriptedStore) -> None:
    inserter = Inserter(store.inserting, PATIENCE)
    store.gate.clear()
    first = asyncio.create_task(inserter.insert(new_job()))
    await store.called.wait()
    jobs = new_jobs(99)
    rest = asyncio.gather(*(inserter.insert(job) for job in jobs))
    await asyncio.sleep(0)
    store.gate.set()
    assert await first
    assert await rest == [job.id for job in jobs]
    assert store.sizes == [1, 99]


async def test_batches_are_bounded_in_rows_and_bytes(
    store: ScriptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 10)
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    inserter = Inserter(store.inserting, PATIENCE)
    await asyncio.gather(*(inserter.insert(job) for job in new_jobs(25)))
    assert store.sizes == [10, 10, 5]
    store.batches.clear()
    big = {"text": "x" * 600}
    await asyncio.gather(*(inserter.insert(job) for job in new_jobs(3, args=big)))
    assert store.sizes == [1, 1, 1]


async def test_a_cancelled_caller_is_skipped(store: ScriptedStore) -> None:
    inserter = Inserter(store.inserting, PATIENCE)
    store.gate.clear()
    first = asyncio.create_task(inserter.insert(new_job()))
    await store.called.wait()
    gone, stays = new_jobs(2)
    cancelled = asyncio.create_task(inserter.insert(gone))
    kept = asyncio.create_task(inserter.insert(stays))
    await asyncio.sleep(0)
    cancelled.cancel()
    store.gate.set()
    assert await asyncio.gather(first, kept)
    assert gone not in store.stored
    assert cancelled.cancelled()


async def test_a_lost_answer_is_repeated_with_the_same_ids(store: ScriptedStore) -> None:
    store.trouble = times(3, Unavailable("gone"))
    jobs = new_jobs(5)
    inserter = Inserter(store.inserting, PATIENCE)
    ids = await asyncio.gather(*(inserter.insert(job) for job in jobs))
    assert ids == [job.id for job in jobs]
    assert store.batches == [jobs] * 4
    assert store.repeated == [False, True, True, True]


async def test_a_repetition_stays_one_when_it_is_set_apart(store: ScriptedStore) -> None:
    failures = iter([Unavailable("gone"), Contended("held"), Contended("held")])

    def trouble(_: Sequence[NewJob]) -> None:
        for failure in failures:
            raise failure

    store.trouble = trouble
    inserter = KeyedInserter(store.insert, PATIENCE)
    await inserter.insert(job := new_job(dedup_key="k"))
    await inserter.insert(new_job(dedup_key="other"))
    assert store.stored[0] == job
    assert store.repeated == [False, True, True, True, False]


async def test_patience_ends_with_an_error_that_names_the_database(store: ScriptedStore) -> None:
    store.trouble = times(10**6, Unavailable("connection refused"))
    with pytest.raises(SoniqError, match="connection refused") as caught:
        await Inserter(store.inserting, SHORT).insert(new_job())
    assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE
    assert caught.value.context == {"database": "store://"}


async def test_a_store_that_never_answers_ends_in_the_same_error(store: ScriptedStore) -> None:
    store.gate.clear()
    inserter = Inserter(store.inserting, SHORT)
    results = await asyncio.gather(
        *(inserter.insert(job) for job in new_jobs(3)), return_exceptions=True
    )
    codes = [error.error_code for error in results if isinstance(error, SoniqError)]
    assert codes == [SONIQ_DATABASE_UNAVAILABLE] * 3


async def test_only_the_row_that_cannot_be_stored_fails(store: ScriptedStore) -> None:
    jobs = new_jobs(20)

    def trouble(sent: Sequence[NewJob]) -> None:
        if jobs[7] in sent:
            raise Unstorable("bad value")

    store.trouble = trouble
    inserter = Inserter(store.inserting, PATIENCE)
    results = await asyncio.gather(*(inserter.insert(job) for job in jobs), return_exceptions=True)
    failed = results.pop(7)
    assert isinstance(failed, SoniqError)
    assert failed.error_code == SONIQ_TASK_ARGS_INVALID
    assert results == [job.id for job in jobs if job is not jobs[7]]


async def test_a_deadlock_repeats_the_batch(store: ScriptedStore) -> None:
    store.trouble = times(1, Contended("deadlock"))
    jobs = new_jobs(3)
    inserter = Inserter(store.inserting, PATIENCE)
    await asyncio.gather(*(inserter.insert(job) for job in jobs))
    assert store.batches == [jobs, jobs]


async def test_a_defect_reaches_every_caller_and_the_next_enqueue_works(
    store: ScriptedStore,
) -> None:
    store.trouble = times(1, RuntimeError("defect"))
    inserter = Inserter(store.inserting, PATIENCE)
    results = await asyncio.gather(
        *(inserter.insert(job) for job in new_jobs(3)), return_exceptions=True
    )
    assert [str(error) for error in results] == ["defect"] * 3
    assert await inserter.insert(new_job())


async def test_a_held_key_holds_up_nobody_else(store: ScriptedStore) -> None:
    held = new_job(dedup_key="held")
    others = [new_job(dedup_key=f"free-{n}") for n in range(20)]
    freed = asyncio.Event()

    def trouble(jobs: Sequence[NewJob]) -> None:
        if not freed.is_set() and any(job.dedup_key == "held" for job in jobs):
            raise Contended("held by an open transaction")

    store.trouble = trouble
    inserter = KeyedInserter(store.insert, PATIENCE)
    waiting = asyncio.create_task(inserter.insert(held))
    same_key = asyncio.create_task(inserter.insert(new_job(dedup_key="held")))
    async with asyncio.timeout(2):
        ids = await asyncio.gather(*(inserter.insert(job) for job in others))
    assert ids == [job.id for job in others]
    assert not waiting.done()
    assert not same_key.done()
    freed.set()
    async with asyncio.timeout(2):
        assert await waiting == held.id
        assert await same_key
    await inserter.drained()


async def test_a_key_that_is_never_freed_ends_in_an_error_that_says_so(
    store: ScriptedStore,
) -> None:
    store.trouble = times(10**6, Contended(""))
    with pytest.raises(SoniqError, match="still holds the dedup key") as caught:
        await KeyedInserter(store.insert, SHORT).insert(new_job(dedup_key="k"))
    assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE


async def test_whoever_comes_again_at_once_finds_what_was_kept_for_it(store: ScriptedStore) -> None:
    inserter = Inserter(store.inserting, PATIENCE)
    for job in new_jobs(5):
        await inserter.insert(job)
    assert store.sizes == [1, 1, 1, 1, 1]
    assert store.runs == 1


async def test_nothing_is_kept_once_nobody_comes(store: ScriptedStore) -> None:
    inserter = Inserter(store.inserting, PATIENCE)
    await inserter.insert(new_job())
    await inserter.drained()
    await inserter.insert(new_job())
    assert store.runs == 2


async def test_drained_waits_for_every_answer(store: ScriptedStore) -> None:
    inserter = Inserter(store.inserting, PATIENCE)
    store.gate.clear()
    tasks = [asyncio.create_task(inserter.insert(job)) for job in new_jobs(3)]
    await store.called.wait()
    draining = asyncio.create_task(inserter.drained())
    await asyncio.sleep(0)
    assert not draining.done()
    store.gate.set()
    async with asyncio.timeout(2):
        await draining
    assert all([await task for task in tasks])
