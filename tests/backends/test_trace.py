"""The trace that a job belongs to goes with it, from its enqueuer to each of its runs."""

from __future__ import annotations

import pytest

from soniq.backends.base import Unstorable
from soniq.records import Retry
from tests.backends.stores import Store
from tests.factories import new_job, new_jobs


async def test_every_claim_brings_the_trace(store: Store) -> None:
    worker = await store.join()
    await store.backend.insert([new_job(trace="{}")])
    job = await worker.claim_one()
    assert job.trace == "{}"
    await worker.finish(job, Retry(0, "failed"))
    assert (await worker.claim_one()).trace == "{}"


async def test_jobs_of_one_insert_keep_each_their_own(store: Store) -> None:
    worker = await store.join()
    kinds = [
        new_job(trace='{"of": "a"}'),
        new_job(trace='{"of": "b"}', dedup_key="key"),
        new_job(),
        *new_jobs(2, trace='{"of": "many"}'),
    ]
    await store.backend.insert(kinds)
    traces = {job.id: job.trace for job in await worker.claim(len(kinds))}
    assert traces == {job.id: job.trace for job in kinds}


async def test_a_job_that_has_crashed_a_worker_keeps_it(store: Store) -> None:
    lost, worker = await store.join(), await store.join()
    await store.backend.insert([new_job(trace="{}")])
    await lost.claim_one()
    await store.outlive(worker)
    await worker.session.recover(max_crashes=3)
    assert (await worker.claim_suspect()).trace == "{}"


async def test_a_trace_that_cannot_be_stored_is_refused(store: Store) -> None:
    with pytest.raises(Unstorable):
        await store.backend.insert([new_job(trace="\0")])
