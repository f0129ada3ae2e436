"""What only the memory backend promises: threads, loops, and lanes that stay small."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from soniq.backends.memory import MemoryBackend
from soniq.backends.memory.lanes import Lanes
from soniq.backends.memory.rows import Row
from soniq.records import Done
from soniq.settings import SoniqSettings
from tests.factories import ending, new_job, new_jobs, new_worker

NOW = datetime(2030, 1, 1, tzinfo=UTC)


async def opened() -> MemoryBackend:
    backend = MemoryBackend()
    await backend.open(SoniqSettings())
    return backend


def row(number: int, *, name: str = "a", queue: str = "q", priority: int = 1, due: int = 0) -> Row:
    job = new_job(
        id=f"{number:05}",
        job_name=name,
        queue=queue,
        priority=priority,
        scheduled_at=NOW + timedelta(seconds=due),
    )
    return Row.of(job, NOW)


rows = st.lists(
    st.builds(
        row,
        st.integers(0, 99_999),
        name=st.sampled_from("abc"),
        queue=st.sampled_from("pq"),
        priority=st.integers(1, 3),
        due=st.integers(-3, 3),
    ),
    unique_by=lambda row: row.id,
    max_size=200,
)


@given(rows=rows, removed=st.sets(st.integers(0, 199)), limit=st.integers(1, 20), data=st.data())
def test_lanes_give_each_due_row_once_and_in_order(
    rows: list[Row], removed: set[int], limit: int, data: st.DataObject
) -> None:
    lanes = Lanes()
    without = data.draw(st.sets(st.sampled_from("abc")))
    queues = data.draw(st.sampled_from([None, ["p"], ["p", "q", "r"]]))
    for each in rows:
        lanes.add(each)
    for number, each in enumerate(rows):
        if number in removed:
            lanes.remove(each)
    left = [each for number, each in enumerate(rows) if number not in removed]
    mine = [
        each
        for each in left
        if each.job_name not in without and (queues is None or each.queue in queues)
    ]
    taken: list[Row] = []
    turns: dict[int, str] = {}
    while batch := lanes.take(limit, NOW, queues, without, turns):
        assert len(batch) <= limit
        assert batch == sorted(batch, key=lambda row: (row.priority, row.scheduled_at, row.id))
        taken += batch

    due = [each for each in mine if each.scheduled_at <= NOW]
    assert Counter(each.id for each in taken) == Counter(each.id for each in due)
    assert [each.priority for each in taken] == sorted(each.priority for each in due)
    for queue in "pq":
        of_queue = [each for each in taken if each.queue == queue]
        expected = sorted(of_queue, key=lambda row: (row.priority, row.scheduled_at, row.id))
        assert of_queue == expected
    future = [each.scheduled_at for each in mine if each.scheduled_at > NOW]
    assert lanes.next_due(queues, without) == min(future, default=None)


def test_rows_cancelled_long_before_they_are_due_do_not_pile_up() -> None:
    lanes = Lanes()
    lanes.add(row(0, due=60))
    for number in range(1, 1_000):
        lanes.add(cancelled := row(number, due=3_600))
        lanes.remove(cancelled)
    del cancelled
    gc.collect()

    assert sum(type(each) is Row for each in gc.get_objects()) < 200


async def test_workers_of_many_threads_share_the_jobs_of_one_instance() -> None:
    backend = await opened()
    jobs = new_jobs(2_000)
    seen: list[str] = []

    async def drain() -> None:
        session = await backend.join(new_worker(), lambda priority: None)
        while claimed := (await session.claim(10)).jobs:
            seen.extend(job.id for job in claimed)
            await session.finish([ending(job, Done()) for job in claimed])

    await backend.insert(jobs)
    await asyncio.gather(*(asyncio.to_thread(asyncio.run, drain()) for _ in range(4)))

    assert Counter(seen) == Counter(job.id for job in jobs)


async def test_a_worker_whose_loop_has_ended_disturbs_nobody() -> None:
    backend = await opened()
    woken = asyncio.Event()

    async def join_and_vanish() -> None:
        await backend.join(new_worker(), lambda priority: None)

    await asyncio.to_thread(asyncio.run, join_and_vanish())
    await backend.join(new_worker(), lambda priority: woken.set())

    for _ in range(3):
        await backend.insert([new_job()])

    async with asyncio.timeout(5):
        await woken.wait()


async def test_many_inserts_at_once_are_one_wake_up_with_the_best_priority() -> None:
    backend = await opened()
    announced: list[int | None] = []
    woken = asyncio.Event()

    def wake(priority: int | None) -> None:
        announced.append(priority)
        woken.set()

    await backend.join(new_worker(), wake)
    await backend.insert([new_job(priority=priority) for priority in (50, 7, 90)])
    await backend.insert([new_job(priority=60)])
    async with asyncio.timeout(5):
        await woken.wait()

    assert announced == [7]
