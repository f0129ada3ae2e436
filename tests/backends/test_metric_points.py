"""Rows of time series on every store: synced once, read by prefix and worker, merged, expired."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from time import time
from typing import Any, Final

import pytest

from soniq.backends.base import Backend
from soniq.backends.metric_points import MetricChunk, MetricStore, MetricSync, StoredChunk
from soniq.backends.plugin_tables import MigrationPackage
from tests.backends.stores import Store
from tests.factories import new_id, new_job

TABLES: Final = [MigrationPackage("metrics", "soniq.plugins.metrics.migrations")]
DAY: Final = 86400
CHUNK: Final = int(time()) // 900 * 900
HOUR: Final = 3600
LENGTHS: Final = {"1min": 60, "1hour": HOUR, "1day": DAY}


@pytest.fixture
async def metrics(store: Store) -> MetricStore:
    return await with_tables(store.backend)


async def with_tables(backend: Backend) -> MetricStore:
    await backend.plugin_tables.apply(TABLES)
    return backend.metric_points


def chunk(key: str = "a", start: int = CHUNK, keep: int = DAY, **points: Any) -> MetricChunk:
    """One chunk of a counter; points are given as ``m3=...``, by their minute."""
    values = {start + 60 * int(name[1:]): value for name, value in points.items()}
    return MetricChunk(key, "counter", "1min", start, start + 900, keep, values)


def sync(
    *chunks: MetricChunk,
    session: str,
    number: int = 1,
    worker_id: str | None = None,
    closed: int = 0,
    ends: bool = False,
) -> MetricSync:
    return MetricSync(session, worker_id, number, closed, ends, chunks)


def added(kind: str, rows: Sequence[str]) -> str:
    """A merge as a counter's."""
    assert kind == "counter"
    totals: dict[str, int] = {}
    for row in rows:
        for start, value in json.loads(row).items():
            totals[start] = totals.get(start, 0) + value
    return json.dumps(totals)


def minutes(rows: Sequence[StoredChunk], start: int = CHUNK) -> list[dict[int, Any]]:
    """The points of each row by their minute."""
    return [
        {(int(at) - start) // 60: value for at, value in json.loads(row.points).items()}
        for row in rows
    ]


async def test_a_point_replaces_the_one_its_session_stored_and_leaves_the_others(
    metrics: MetricStore,
) -> None:
    session = new_id()
    await metrics.sync(sync(chunk(m1=5, m2=7), session=session))
    answer = await metrics.sync(sync(chunk(m2=9, m3=1), session=session, number=2))
    assert (answer.number, answer.open) == (2, True)
    assert minutes(await metrics.read()) == [{1: 5, 2: 9, 3: 1}]


async def test_a_repeated_sync_changes_nothing(metrics: MetricStore) -> None:
    session = new_id()
    for number in (1, 2):
        await metrics.sync(sync(chunk(m1=number), session=session, number=number))
        answer = await metrics.sync(sync(chunk(m1=500), session=session, number=number))
        assert (answer.number, answer.open) == (number, True)
        assert minutes(await metrics.read()) == [{1: number}]


async def test_the_answer_tells_the_time_of_the_store(store: Store, metrics: MetricStore) -> None:
    answer = await metrics.sync(sync(session=new_id()))
    assert abs(answer.now - (await store.backend.diagnosis.clock()).timestamp()) < 60


async def test_a_session_that_has_ended_takes_no_more_and_tells_what_it_has(
    metrics: MetricStore,
) -> None:
    session = new_id()
    await metrics.sync(sync(chunk(m1=5), session=session, number=1, ends=True))
    answer = await metrics.sync(sync(chunk(m1=6), session=session, number=2))
    assert (answer.number, answer.open) == (1, False)
    assert minutes(await metrics.read()) == [{1: 5}]


async def test_a_session_that_is_forgotten_takes_no_more(
    store: Store, metrics: MetricStore
) -> None:
    session, day = new_id(), 86_400
    await metrics.sync(sync(chunk(m1=5, keep=9 * day), session=session))
    await store.pass_time(day + 100)
    assert await metrics.end_silent(60) == 1
    assert await metrics.merge(added, 10) == 1
    await metrics.expire(10, LENGTHS)
    for number in (2, 3):
        answer = await metrics.sync(sync(chunk(m1=6), session=session, number=number))
        assert (answer.number, answer.open) == (0, False)
    assert minutes(await metrics.read()) == [{1: 5}]


async def test_only_silent_sessions_are_ended(store: Store, metrics: MetricStore) -> None:
    silent, heard = new_id(), new_id()
    await metrics.sync(sync(chunk(m1=1), session=silent))
    await store.pass_time(100)
    await metrics.sync(sync(chunk(m1=1), session=heard))
    await metrics.merge(added, 10)
    await store.pass_time(10)
    assert await metrics.end_silent(60) == 1
    assert not (await metrics.sync(sync(session=silent, number=2))).open
    assert (await metrics.sync(sync(session=heard, number=2))).open
    await store.pass_time(50)
    assert await metrics.end_silent(60) == 0


async def test_many_ended_sessions_become_one_row_of_the_same_points(metrics: MetricStore) -> None:
    for each in range(5):
        await metrics.sync(sync(chunk(m1=1, m2=each), session=new_id(), ends=True))
    assert len(await metrics.read()) == 5
    assert await metrics.merge(added, 3) == 3
    assert sum(sum(each.values()) for each in minutes(await metrics.read())) == 15
    assert await metrics.merge(added, 100) == 2
    assert minutes(await metrics.read()) == [{1: 5, 2: 10}]
    assert await metrics.merge(added, 100) == 0


async def test_what_a_running_session_may_still_change_is_not_merged(metrics: MetricStore) -> None:
    await metrics.sync(sync(chunk(m1=1), session=new_id(), closed=CHUNK + 840))
    assert await metrics.merge(added, 100) == 0


async def test_closed_rows_of_a_running_session_count_once_and_stay_its_own(
    metrics: MetricStore,
) -> None:
    session, worker = new_id(), new_id()
    old = chunk(start=CHUNK - 900, m1=4)
    await metrics.sync(sync(old, chunk(m1=1), session=session, worker_id=worker, closed=CHUNK))
    assert await metrics.merge(added, 100) == 1
    assert await metrics.merge(added, 100) == 0
    assert len(await metrics.read()) == 2
    mine = minutes(await metrics.read(worker_id=worker))
    assert sorted(map(str, mine)) == sorted(map(str, minutes(await metrics.read())))
    await metrics.sync(sync(session=session, worker_id=worker, number=2, ends=True))
    assert await metrics.merge(added, 100) == 1
    assert await metrics.read(worker_id=worker) == []
    assert len(await metrics.read()) == 2


async def test_a_read_is_of_whole_parts_of_keys(metrics: MetricStore) -> None:
    keys = ["q:a", "q:a:depth", "q:ab", "q:a_b:x", "q:a%:x", "q", "r:a", "q:ä:x"]
    await metrics.sync(sync(*(chunk(key, m1=1) for key in keys), session=new_id()))

    async def found(prefix: str) -> set[str]:
        return {row.key for row in await metrics.read(prefix=prefix)}

    assert await found("") == set(keys)
    assert await found("q:a") == {"q:a", "q:a:depth"}
    assert await found("q") == set(keys) - {"r:a"}
    assert await found("q:a_b") == {"q:a_b:x"}
    assert await found("q:a%") == {"q:a%:x"}
    assert await found("q:ä") == {"q:ä:x"}
    assert await found("nobody") == set()
    assert await metrics.keys(LENGTHS) == sorted(keys, key=str.encode)


async def test_a_read_is_of_one_resolution_or_one_worker_where_it_says_so(
    metrics: MetricStore,
) -> None:
    mine, other = new_id(), new_id()
    hour = chunk(m1=1)._replace(resolution="1hour")
    await metrics.sync(sync(chunk(m1=1), hour, session=new_id(), worker_id=mine))
    await metrics.sync(sync(chunk(m2=1), session=new_id(), worker_id=other))
    assert len(await metrics.read()) == 3
    assert [row.resolution for row in await metrics.read(resolution="1hour")] == ["1hour"]
    assert minutes(await metrics.read(worker_id=other)) == [{2: 1}]
    assert await metrics.read(worker_id=new_id()) == []
    assert await metrics.read(worker_id="nobody") == []


async def test_rows_go_when_none_of_their_points_is_kept(metrics: MetricStore) -> None:
    gone = chunk("gone", start=CHUNK - 3 * HOUR, keep=HOUR, m1=1)
    long_kept = chunk("kept", start=CHUNK - 3 * HOUR, keep=9 * HOUR, m1=1)
    await metrics.sync(sync(gone, long_kept, chunk("young", m1=1), session=new_id()))
    assert await metrics.keys(LENGTHS) == ["kept", "young"]
    assert {row.key for row in await metrics.read()} == {"kept", "young"}
    assert await metrics.expire(100, LENGTHS) == 1
    assert await metrics.expire(100, LENGTHS) == 0


def kept_for(keep: int, *back: int, key: str, day: int) -> MetricChunk:
    """A day's row of a series, with points of so many days before `day`; its time is not over."""
    points = {day - each * DAY: 1 for each in back}
    return MetricChunk(key, "counter", "1day", min(points), day + 9 * DAY, keep, points)


async def test_it_is_the_points_that_are_past_their_time(metrics: MetricStore) -> None:
    answer = await metrics.sync(sync(session=new_id()))
    row_of = partial(kept_for, day=int(answer.now) // DAY * DAY)
    chunks = (
        row_of(DAY, 0, key="today"),
        row_of(DAY, 1, key="yesterday"),
        row_of(2 * DAY, 1, key="both days"),
        row_of(2 * DAY, 9, 1, key="with older ones"),
        row_of(2 * DAY, 9, 2, key="only older ones"),
        # Less than a bucket: the one that is open is kept, and no other.
        row_of(HOUR, 1, 0, key="an hour of today"),
        row_of(HOUR, 1, key="an hour of yesterday"),
    )
    await metrics.sync(sync(*chunks, session=new_id()))
    kept = ["an hour of today", "both days", "today", "with older ones"]
    assert await metrics.keys(LENGTHS) == kept
    assert await metrics.expire(2, LENGTHS) == 2
    assert await metrics.expire(100, LENGTHS) == 1
    assert await metrics.expire(100, LENGTHS) == 0
    assert {row.key for row in await metrics.read()} == set(kept)
    assert await metrics.keys(LENGTHS) == kept


async def test_a_row_tells_since_when_it_has_points(metrics: MetricStore) -> None:
    await metrics.sync(sync(chunk(m3=1), session=new_id()))
    assert [row.since for row in await metrics.read()] == [CHUNK]


async def test_very_much_is_stored_in_one_sync(metrics: MetricStore) -> None:
    texts = [chunk(f"k{each}", m1="x" * 4000) for each in range(1500)]
    await metrics.sync(sync(*texts, session=new_id()))
    assert len(await metrics.keys(LENGTHS)) == 1500


async def test_due_jobs_tell_how_long_a_queue_is_and_its_oldest(
    store: Store, metrics: MetricStore
) -> None:
    await store.backend.insert([new_job(queue="q"), new_job(queue="q"), new_job(queue="r")])
    await store.backend.insert([new_job(queue="q", delay=1000), new_job(queue="s", delay=1000)])
    await store.pass_time(50)
    waits = {each.queue: each for each in await metrics.queue_waits()}
    assert {queue: wait.depth for queue, wait in waits.items()} == {"q": 2, "r": 1}
    assert 50 <= waits["q"].oldest_age < 110


async def test_tables_tell_their_sizes_where_there_are_files(
    store: Store, metrics: MetricStore
) -> None:
    sizes = {each.table: each for each in await metrics.table_sizes(["others_table"])}
    if store.name == "memory":
        assert not sizes
        return
    assert {"soniq_jobs", "soniq_workers", "soniq_metric_chunks"} <= sizes.keys()
    assert "others_table" not in sizes
    for size in sizes.values():
        assert size.total == size.data + size.indexes > 0
