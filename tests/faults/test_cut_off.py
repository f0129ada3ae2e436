"""A client that is cut off at any statement, and never comes back, leaves what others finish.

The connections of a Postgres client end before or after each of its statements in turn, and it
asks for nothing again. Another process then does what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import pytest

from soniq.backends.base import Contended, Unavailable
from soniq.records import Done, Ending, JobDict
from tests.backends.stores import PATIENCE, PostgresStore, Recruit, Store
from tests.faults.errands import ERRANDS, Errand
from tests.faults.fuse import Fatal, Moment
from tests.faults.wire import wire_to

pytestmark = pytest.mark.postgres

_MOST = 100


@pytest.fixture
async def onlooker(pg_url: str) -> AsyncIterator[Store]:
    """The store as another process sees it."""
    async with _opened(pg_url) as store:
        yield store


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    store = PostgresStore(url)
    store.backend = await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.value)
@pytest.mark.parametrize("errand", ERRANDS.values(), ids=list(ERRANDS))
async def test_cut_off_at_each_statement_in_turn(
    pg_url: str, onlooker: Store, errand: type[Errand], moment: Moment
) -> None:
    for at in count(1):
        assert at < _MOST
        if not await _cut_off(pg_url, onlooker, errand, moment, at):
            assert at > 1, "it needed no statement"
            return


@pytest.mark.parametrize("errand", ERRANDS.values(), ids=list(ERRANDS))
async def test_cut_off_after_its_first_statement(
    pg_url: str, onlooker: Store, errand: type[Errand]
) -> None:
    assert await _cut_off(pg_url, onlooker, errand, Moment.AFTER, 1)


async def _cut_off(url: str, onlooker: Store, kind: type[Errand], moment: Moment, at: int) -> bool:
    """Run an errand once, cut off at a statement, and see what others make of it.

    Returns:
        Whether it had so many statements.
    """
    fuse = Fatal()
    async with AsyncExitStack() as after:
        async with wire_to(url, fuse) as far:
            client = await after.enter_async_context(_opened(far))
            errand = kind(client, onlooker)
            await errand.prepare()
            fuse.set(at, moment)
            heard = await _heard(errand)
        await errand.go_on()
        jobs = await _finished(onlooker, errand)
    assert len(jobs) in errand.possible(heard)
    errand.check(jobs)
    return fuse.blown


async def _heard(errand: Errand) -> bool:
    try:
        await errand.run()
    except (Unavailable, Contended):
        return False
    return True


async def _finished(onlooker: Store, errand: Errand) -> list[JobDict]:
    """Another worker recovers what there is and ends it; all jobs of the errand, ended."""
    worker = await errand.recruit(onlooker)
    await onlooker.outlive(worker)
    async with asyncio.timeout(PATIENCE):
        # A row is passed over while the server has yet to notice that its session is gone.
        while not _ended(jobs := await _jobs(onlooker, errand.queue)):
            await worker.session.recover(max_crashes=5)
            await _work(worker)
    await worker.session.leave()
    return jobs


async def _work(worker: Recruit) -> None:
    session = worker.session
    while jobs := (await session.claim(100)).jobs + (await session.claim_suspect()).jobs:
        endings = [Ending(job.id, job.claim, Done()) for job in jobs]
        assert await session.finish(endings) == {job.id for job in jobs}
    await worker.pause()


def _ended(jobs: list[JobDict]) -> bool:
    return {job["status"] for job in jobs} <= {"done", "dead_letter"}


async def _jobs(onlooker: Store, queue: str) -> list[JobDict]:
    return [
        job
        for status in (None, "dead_letter")
        for job in await onlooker.backend.list_jobs(queue=queue, status=status, limit=100, offset=0)
    ]
