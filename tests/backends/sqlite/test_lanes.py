"""Claims from many queues, and of large arguments."""

from __future__ import annotations

from soniq.backends.sqlite import SQLiteBackend
from soniq.backends.sqlite.lanes import MANY_LANES, MAX_BYTES, MAX_LANES
from tests.backends.sqlite.conftest import ignore_wake
from tests.factories import new_job, new_jobs, new_worker


async def test_a_claim_is_bounded_in_bytes_and_always_takes_one(backend: SQLiteBackend) -> None:
    large = '{"text": "' + "x" * (MAX_BYTES // 3) + '"}'
    larger = '{"text": "' + "x" * (MAX_BYTES + 1) + '"}'
    await backend.insert([*new_jobs(9, args=large, priority=1), new_job(args=larger)])
    session = await backend.join(new_worker(), ignore_wake)

    sizes = []
    while jobs := (await session.claim(100)).jobs:
        sizes.append(len(jobs))

    assert sizes == [3, 3, 3, 1]


async def test_all_of_very_many_queues_are_found_also_new_ones(backend: SQLiteBackend) -> None:
    number = MAX_LANES + MANY_LANES
    waiting = [job for i in range(number) for job in new_jobs(2, queue=f"queue-{i}")]
    await backend.insert(waiting)
    session = await backend.join(new_worker(), ignore_wake)

    first = (await session.claim(number)).jobs
    assert len({job.queue for job in first}) == number

    await backend.insert([new := new_job(queue="another")])
    # The lanes are remembered from the first look; short of jobs it looks again.
    rest = (await session.claim(number + 2)).jobs
    assert {job.id for job in first + rest} == {new.id, *(job.id for job in waiting)}
    assert rest == sorted(rest, key=lambda job: (job.priority, job.scheduled_at, job.id))
