"""Waiting for the ends of jobs: what a waiter gets, and what many of them cost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Collection
from typing import Any

import pytest
from pydantic import BaseModel

from soniq import JobFailed, PermanentFailure, Soniq, SoniqError, TaskRef
from soniq import waiting as module
from soniq.backends.base import Unavailable
from soniq.backends.memory import MemoryBackend
from soniq.errors import SONIQ_APP_CLOSED, SONIQ_DATABASE_UNAVAILABLE
from soniq.records import DeadLetterReason, JobState
from soniq.services import lookout
from tests.worker.conftest import PATIENCE, working

REF = TaskRef("jobs.one")


class Sum(BaseModel):
    total: int


def define(app: Soniq) -> None:
    @app.job(name="sums.add")
    async def add(a: int, b: int) -> Sum:
        return Sum(total=a + b)

    @app.job(name="jobs.nothing")
    async def nothing() -> None:
        return None

    @app.job(name="jobs.fail")
    async def fail() -> None:
        raise PermanentFailure("no such account")


@pytest.fixture
async def app(unopened_app: Soniq) -> AsyncIterator[Soniq]:
    define(unopened_app)
    async with unopened_app as app:
        await app.setup()
        yield app


async def test_a_waiter_gets_the_result_and_its_type(app: Soniq) -> None:
    async with working(app):
        job_id = await app.enqueue("sums.add", args={"a": 1, "b": 2})
        assert await app.wait(job_id, timeout=PATIENCE) == {"total": 3}
        assert await app.wait(job_id, result_model=Sum) == Sum(total=3)
        with pytest.raises(ValueError, match="valid array"):
            await app.wait(job_id, result_model=list[int])
        nothing = await app.enqueue("jobs.nothing")
        assert await app.wait(nothing, timeout=PATIENCE, result_model=Sum) is None


async def test_a_worker_elsewhere_is_noticed_too(app: Soniq) -> None:
    assert app.backend is not None
    elsewhere = Soniq(backend=app.backend.sibling())
    define(elsewhere)
    async with elsewhere:
        job_id = await app.enqueue("sums.add", args={"a": 1, "b": 2})
        waiting = asyncio.create_task(app.wait(job_id, timeout=PATIENCE))
        async with working(elsewhere):
            assert await waiting == {"total": 3}


async def test_a_waiter_learns_why_its_job_failed(app: Soniq) -> None:
    async with working(app):
        job_id = await app.enqueue("jobs.fail")
        with pytest.raises(JobFailed, match="no such account") as caught:
            await app.wait(job_id, timeout=PATIENCE)
    failure = caught.value
    assert failure.reason is DeadLetterReason.PERMANENT_FAILURE
    assert (failure.reason, failure.job_id) == (DeadLetterReason.PERMANENT_FAILURE, job_id)
    assert failure.error is not None
    assert failure.error.startswith("PermanentFailure: no such account")


async def test_a_cancelled_job_is_a_failed_one(app: Soniq) -> None:
    job_id = await app.enqueue("jobs.nothing")
    waiting = asyncio.create_task(app.wait(job_id, timeout=PATIENCE))
    await asyncio.sleep(0)
    assert await app.cancel_job(job_id)
    with pytest.raises(JobFailed) as caught:
        await waiting
    assert (caught.value.reason, caught.value.error) == ("cancelled", None)


async def test_a_wait_has_an_end(app: Soniq) -> None:
    job_id = await app.enqueue("jobs.nothing")
    with pytest.raises(TimeoutError, match=f"Job {job_id} has not ended within 0.1 seconds"):
        await app.wait(job_id, timeout=0.1)


async def test_no_time_to_wait_is_time_to_ask(app: Soniq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_LOOK", PATIENCE)
    done, dead = await app.enqueue_many("sums.add", [{"a": n, "b": 2} for n in range(2)])
    assert await app.dead_letter.move(dead)
    waiting = await app.enqueue("sums.add", args={"a": 5, "b": 5}, delay=600)
    await app.run_worker(run_once=True)
    for timeout in (0, 0.000001):
        assert await app.wait(done, timeout=timeout) == {"total": 2}
        with pytest.raises(JobFailed):
            await app.wait(dead, timeout=timeout)
        with pytest.raises(TimeoutError, match=f"Job {waiting} has not ended within"):
            await app.wait(waiting, timeout=timeout)


@pytest.mark.parametrize("job_id", ["", "nonsense", str(uuid.UUID(int=7)), 5, None])
async def test_an_unknown_job_is_not_waited_for(app: Soniq, job_id: Any) -> None:
    with pytest.raises(LookupError, match="There is no job"):
        await app.wait(job_id, timeout=PATIENCE)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "5", True])
async def test_a_timeout_is_a_number_of_seconds(timeout: Any) -> None:
    async with Soniq(backend="memory") as app:
        with pytest.raises((TypeError, ValueError), match="timeout must be"):
            await app.wait(await app.enqueue(REF), timeout=timeout)


# --- what is asked -------------------------------------------------------------------------------


class Questions(MemoryBackend):
    """Keeps what it was asked; `away` makes it answer nothing.

    `meanwhile` happens between the look into the store and the answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Collection[str]] = []
        self.away = False
        self.meanwhile: Awaitable[object] | None = None
        self.answered = asyncio.Event()
        self.refused = asyncio.Event()

    async def job_states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        self.asked.append(job_ids)
        await asyncio.sleep(0)
        if self.away:
            self.refused.set()
            raise Unavailable("connection refused")
        states = await super().job_states(job_ids)
        self.answered.set()
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile
        return states

    async def until_asked(self) -> None:
        self.answered.clear()
        async with asyncio.timeout(PATIENCE):
            await self.answered.wait()
        await asyncio.sleep(0)


@pytest.fixture
def store() -> Questions:
    return Questions()


@pytest.fixture
async def watched(store: Questions) -> AsyncIterator[Soniq]:
    app = Soniq(backend=store, error_retry_delay=0.1)
    define(app)
    async with app:
        yield app


async def test_many_waiters_share_each_question(watched: Soniq, store: Questions) -> None:
    ids = await watched.enqueue_many(REF, [{}] * 500)
    waiting = [asyncio.create_task(watched.wait(job_id)) for job_id in ids for _ in range(2)]
    for _ in range(4):
        await store.until_asked()
    assert {len(ids) for ids in store.asked} == {500}
    assert len(store.asked) == 4
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_long_wait_is_asked_for_ever_less(watched: Soniq, store: Questions) -> None:
    with pytest.raises(TimeoutError):
        await watched.wait(await watched.enqueue(REF), timeout=1)
    # Every 50 ms at first, and every tenth of the time from half a second on.
    assert 3 < len(store.asked) <= 18


async def test_an_end_in_this_process_is_told_at_once(
    watched: Soniq, store: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "_SHORTEST", 60.0)
    monkeypatch.setattr(lookout, "_LONGEST", 60.0)
    ids = await watched.enqueue_many("sums.add", [{"a": n, "b": 0} for n in range(50)])
    waiting = [asyncio.create_task(watched.wait(job_id)) for job_id in ids]
    await store.until_asked()
    async with working(watched), asyncio.timeout(PATIENCE):
        assert [found["total"] for found in await asyncio.gather(*waiting)] == list(range(50))


async def test_an_end_that_is_told_while_an_older_answer_comes_is_not_lost(
    watched: Soniq, store: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "_SHORTEST", 60.0)
    monkeypatch.setattr(lookout, "_LONGEST", 60.0)
    job_id = await watched.enqueue("sums.add", args={"a": 1, "b": 2})
    store.meanwhile = watched.run_worker(run_once=True)
    async with asyncio.timeout(PATIENCE):
        assert await watched.wait(job_id) == {"total": 3}


async def test_a_job_deleted_meanwhile_is_unknown(watched: Soniq, store: Questions) -> None:
    job_id = await watched.enqueue(REF)
    waiting = asyncio.create_task(watched.wait(job_id))
    await store.until_asked()
    assert await watched.delete_job(job_id)
    with pytest.raises(LookupError, match=f"Job {job_id} was deleted"):
        await waiting


async def test_an_id_may_be_a_uuid_object(watched: Soniq) -> None:
    job_id: Any = uuid.UUID(await watched.enqueue("jobs.nothing"))
    await watched.run_worker(run_once=True)
    assert await watched.wait(job_id) is None


async def test_a_waiter_that_was_cancelled_leaves_nothing_behind(
    watched: Soniq, store: Questions
) -> None:
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(watched.wait(await watched.enqueue(REF)))
    await store.until_asked()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=PATIENCE)
    assert asyncio.all_tasks() == before


async def test_a_store_that_is_away_for_a_moment_is_waited_for(
    watched: Soniq, store: Questions
) -> None:
    job_id = await watched.enqueue("sums.add", args={"a": 1, "b": 2})
    waiting = asyncio.create_task(watched.wait(job_id))
    await store.until_asked()
    store.away = True
    await watched.run_worker(run_once=True)
    await store.refused.wait()
    store.away = False
    assert await waiting == {"total": 3}


async def test_a_store_that_stays_away_ends_the_wait(store: Questions) -> None:
    async with Soniq(backend=store, database_timeout=0.5, error_retry_delay=0.1) as app:
        job_id = await app.enqueue(REF)
        store.away = True
        with pytest.raises(SoniqError, match="could not be reached") as caught:
            await app.wait(job_id)
        assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE
        store.away = False
        with pytest.raises(TimeoutError):
            await app.wait(job_id, timeout=0.1)


async def test_a_short_wait_for_a_store_that_is_away_is_short(
    store: Questions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIRST_LOOK", 0.1)
    app = Soniq(backend=store, database_timeout=60)
    async with app, asyncio.timeout(PATIENCE):
        job_id = await app.enqueue(REF)
        store.away = True
        with pytest.raises(TimeoutError, match=f"Job {job_id} has not ended within 0 seconds"):
            await app.wait(job_id, timeout=0)


class Ahead(MemoryBackend):
    """As a later version leaves it: with a reason that is unknown here."""

    async def job_states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        return {each: JobState("dead_letter", reason="moon_phase") for each in job_ids}


async def test_a_reason_of_a_later_version_is_told_as_it_stands() -> None:
    async with Soniq(backend=Ahead()) as app:
        with pytest.raises(JobFailed, match="moon_phase") as caught:
            await app.wait(await app.enqueue(REF))
    assert caught.value.reason == "moon_phase"


async def test_closing_the_app_ends_its_waits(watched: Soniq, store: Questions) -> None:
    job_id = await watched.enqueue(REF)
    waiting = asyncio.create_task(watched.wait(job_id))
    await store.until_asked()
    await watched.close()
    with pytest.raises(SoniqError, match=f"while job {job_id} was waited for") as caught:
        await waiting
    assert caught.value.error_code == SONIQ_APP_CLOSED
    await watched.ensure_initialized()


async def test_a_done_job_of_which_nothing_is_kept_has_no_result(store: Questions) -> None:
    app = Soniq(backend=store, result_ttl=0)
    define(app)
    async with app:
        job_id = await app.enqueue("sums.add", args={"a": 1, "b": 2})
        waiting = asyncio.create_task(app.wait(job_id))
        await store.until_asked()
        await app.run_worker(run_once=True)
        assert await waiting is None
        with pytest.raises(LookupError, match="result_ttl"):
            await app.wait(job_id)


async def test_a_handler_may_wait_for_another_job(watched: Soniq) -> None:
    @watched.job(name="jobs.parent")
    async def parent() -> int:
        child = await watched.enqueue("sums.add", args={"a": 20, "b": 22})
        found = await watched.wait(child, timeout=PATIENCE, result_model=Sum)
        return int(found.total)

    async with working(watched):
        assert await watched.wait(await watched.enqueue(parent), timeout=PATIENCE) == 42
