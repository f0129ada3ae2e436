"""Behind a transaction pooler everything works, only slower: by polling and heartbeats."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from soniq.records import Dead, DeadLetterReason, Done, Outcome, Retry
from tests.backends.stores import PostgresStore
from tests.factories import ending, new_job, new_jobs
from tests.transaction_pooler import TransactionPooler


@pytest.fixture(autouse=True)
def patient_probe() -> None:
    """No patience: no notification comes through a pooler."""


@pytest.fixture
async def pooled(pg_url: str) -> AsyncIterator[PostgresStore]:
    """A store that is reached through a transaction pooler only."""
    async with TransactionPooler(pg_url) as pooler:
        store = PostgresStore(pooler.url)
        try:
            store.backend = await store.open()
            yield store
        finally:
            await store.close()


async def test_a_worker_says_once_that_it_polls_and_does_its_work(
    pooled: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "soniq"):
        worker = await pooled.join()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "polling" in caplog.text

    jobs = [*new_jobs(20), *(new_job(dedup_key=f"key {n % 3}") for n in range(9))]
    ids = await pooled.backend.insert(jobs)
    assert len(set(ids)) == 23
    claimed = await worker.claim(23)
    assert await worker.session.heartbeat()
    outcomes: list[Outcome] = [
        Done("1"),
        Retry(60, "later"),
        Dead(DeadLetterReason.TIMEOUT, "dead"),
    ]
    endings = [ending(job, outcomes[n % 3]) for n, job in enumerate(claimed)]
    assert await worker.session.finish(endings) == set(ids)
    counts = (await pooled.backend.queue_stats())["default"]
    assert (counts["done"], counts["queued"], counts["dead_letter"]) == (8, 8, 7)


async def test_many_at_once_share_the_sessions(pooled: PostgresStore) -> None:
    worker = await pooled.join()
    jobs = new_jobs(40)
    await asyncio.gather(*(pooled.backend.insert([job]) for job in jobs))
    claimed = await worker.claim(40)
    await asyncio.gather(
        *(pooled.backend.get_job(job.id) for job in jobs),
        worker.session.heartbeat(),
        worker.session.lost({job.id: job.claim for job in claimed}),
        worker.session.recover(max_crashes=3),
        worker.session.finish([ending(job, Done()) for job in claimed]),
    )
    assert (await pooled.backend.queue_stats())["default"]["done"] == 40


async def test_a_worker_known_only_by_its_heartbeat_lives_as_long_as_that_says(
    pooled: PostgresStore,
) -> None:
    silent, watching = await pooled.join(), await pooled.join()
    await pooled.backend.insert([job := new_job()])
    await silent.claim_one()
    assert (await watching.session.recover(max_crashes=3)).workers == []
    await pooled.live_on(40, watching)
    assert (await watching.session.recover(max_crashes=3)).workers == []
    await pooled.outlive(watching)
    assert (await watching.session.recover(max_crashes=3)).requeued == [job.id]
