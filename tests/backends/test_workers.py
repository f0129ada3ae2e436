"""The register of workers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.backends.stores import HEARTBEAT_INTERVAL, Store
from tests.factories import new_job

KEYS = {"id", "hostname", "pid", "queues", "concurrency", "status", "started_at", "last_heartbeat"}


async def listed(store: Store, stale_after: float = 60) -> list[dict[str, Any]]:
    return await (await store.open()).list_workers(stale_after=stale_after)


async def test_nobody_has_joined(store: Store) -> None:
    assert await listed(store) == []


async def test_a_worker_is_listed_as_it_joined(store: Store) -> None:
    worker = await store.join(hostname="here", pid=77, queues=("b", "a"), concurrency=9)

    [row] = await listed(store)

    assert set(row) == KEYS
    assert row["queues"] is not None
    assert row | {"queues": sorted(row["queues"])} == {
        "id": worker.id,
        "hostname": "here",
        "pid": 77,
        "queues": ["a", "b"],
        "concurrency": 9,
        "status": "active",
        "started_at": row["started_at"],
        "last_heartbeat": row["last_heartbeat"],
    }
    for key in ("started_at", "last_heartbeat"):
        assert isinstance(row[key], datetime)
        assert row[key].utcoffset() == timedelta(0)


async def test_a_worker_of_all_queues_has_no_list(store: Store) -> None:
    worker = await store.join()

    assert [row["queues"] for row in await listed(store)] == [None]
    assert worker.session.id == worker.id


async def test_the_newest_comes_first(store: Store) -> None:
    ids = []
    for _ in range(3):
        ids.append((await store.join()).id)
        await store.pass_time(1)

    assert [row["id"] for row in await listed(store)] == ids[::-1]


async def test_a_heartbeat_is_noted(store: Store) -> None:
    worker = await store.join()
    await store.pass_time(HEARTBEAT_INTERVAL)
    [before] = await listed(store)

    assert await worker.session.heartbeat()

    [after] = await listed(store)
    assert after["last_heartbeat"] - before["last_heartbeat"] >= timedelta(
        seconds=HEARTBEAT_INTERVAL
    )
    assert after["started_at"] == before["started_at"]


async def test_one_that_begins_to_stop_still_lives(store: Store) -> None:
    worker = await store.join()
    await store.backend.insert([new_job()])

    await worker.session.stopping()

    assert [row["status"] for row in await listed(store)] == ["stopping"]
    assert await worker.session.heartbeat()
    assert [row["status"] for row in await listed(store)] == ["stopping"]


async def test_one_that_leaves_has_stopped_for_good(store: Store) -> None:
    worker = await store.join()

    await worker.session.leave()
    await worker.session.leave()

    assert [row["status"] for row in await listed(store)] == ["stopped"]
    await store.pass_time(600)
    assert [row["status"] for row in await listed(store)] == ["stopped"]


async def test_one_that_is_silent_is_stale(store: Store) -> None:
    silent, stopping, alive = [await store.join() for _ in range(3)]
    await stopping.session.stopping()

    await store.live_on(50, alive)

    statuses = {row["id"]: row["status"] for row in await listed(store, stale_after=40)}
    assert statuses == {silent.id: "stale", stopping.id: "stale", alive.id: "active"}
    assert {row["status"] for row in await listed(store, stale_after=55)} == {"active", "stopping"}


async def test_one_that_was_declared_dead_has_stopped(store: Store) -> None:
    silent, judge = await store.join(), await store.join()
    await store.outlive(judge)
    await judge.session.recover(max_crashes=3)

    statuses = {row["id"]: row["status"] for row in await listed(store)}
    assert statuses == {silent.id: "stopped", judge.id: "active"}
