"""Schedules: edits and firings that cannot undo each other, and who runs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from soniq.backends.base import Backend, Contended
from soniq.backends.schedules import ACTIVE, PAUSED, Firing, Schedule, SchedulerInfo
from tests.backends.conftest import POSTGRES
from tests.backends.stores import PATIENCE, Store
from tests.factories import new_id, new_job

DUE = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = DUE + timedelta(hours=1)


def schedule(**overrides: Any) -> Schedule:
    values: dict[str, Any] = {
        "id": new_id(),
        "name": "nightly",
        "job_name": "tests.job",
        "schedule_type": "cron",
        "schedule_value": "0 0 * * *",
        "timezone": "UTC",
        "catch_up": "one",
        "overlap": "allow",
        "jitter": 0.0,
        "priority": 100,
        "queue": "default",
        "max_attempts": 4,
        "args": '{"n": 1}',
        "dedup_key": None,
        "declared": False,
        "status": ACTIVE,
        "version": 1,
        "created_at": DUE,
        "next_run": DUE,
        "fires_at": DUE,
    }
    return Schedule(**{**values, **overrides})


async def stored(backend: Backend, **overrides: Any) -> Schedule:
    new = schedule(**overrides)
    assert await backend.schedules.insert(new)
    return await found(backend, new.name)


async def found(backend: Backend, name: str = "nightly") -> Schedule:
    got = await backend.schedules.get(name)
    assert got is not None
    return got


def firing(seen: Schedule, *keys: str | None, unless_live: bool = False) -> Firing:
    jobs = tuple(new_job(dedup_key=key, scheduled_at=seen.fires_at) for key in keys or (None,))
    return Firing(seen, jobs, LATER, LATER + timedelta(seconds=5), unless_live)


async def test_a_schedule_comes_back_as_it_was_stored(store: Store) -> None:
    before = await store.backend.schedules.now()
    new = schedule(
        jitter=1.5,
        dedup_key="k",
        declared=True,
        fires_at=DUE + timedelta(microseconds=7),
        args='{"who": "Zoë", "list": [1, 2]}',
    )
    assert await store.backend.schedules.insert(new)

    got = await found(await store.open())

    assert json.loads(got.args) == json.loads(new.args)
    assert before <= got.created_at <= await store.backend.schedules.now()
    assert replace(got, args=new.args, created_at=new.created_at) == new


async def test_a_name_is_taken_once(backend: Backend) -> None:
    first = await stored(backend)

    assert not await backend.schedules.insert(schedule(job_name="other"))
    assert await found(backend) == first


async def test_schedules_are_listed_by_name(backend: Backend) -> None:
    for name in ("b", "a", "C"):
        await stored(backend, name=name)

    assert [one.name for one in await backend.schedules.all(10)] == ["C", "a", "b"]
    assert [one.name for one in await backend.schedules.all(2)] == ["C", "a"]


async def test_those_that_fire_first_come_first_and_paused_ones_not(store: Store) -> None:
    schedules = store.backend.schedules
    assert (await schedules.upcoming(10)).schedules == []
    now = (await schedules.upcoming(10)).now
    for name, seconds in (("second", 20), ("first", 10), ("third", 30)):
        await stored(store.backend, name=name, fires_at=now + timedelta(seconds=seconds))
    await stored(store.backend, name="paused", status=PAUSED, fires_at=now)

    upcoming = await schedules.upcoming(2)

    assert [one.name for one in upcoming.schedules] == ["first", "second"]
    assert now <= upcoming.now <= now + timedelta(seconds=PATIENCE)


async def test_an_edit_raises_the_version_and_keeps_what_edits_do_not_write(
    backend: Backend,
) -> None:
    first = await stored(backend)

    wanted = replace(first, status=PAUSED, queue="slow", next_run=LATER, run_count=7)
    assert await backend.schedules.update(first, wanted)

    got = await found(backend)
    assert got == replace(
        first, status=PAUSED, queue="slow", next_run=LATER, version=first.version + 1
    )


async def test_an_edit_of_what_was_edited_since_is_refused(backend: Backend) -> None:
    first = await stored(backend)
    assert await backend.schedules.update(first, replace(first, queue="one"))

    assert not await backend.schedules.update(first, replace(first, queue="two"))
    assert (await found(backend)).queue == "one"


async def test_an_edit_of_what_fired_since_is_refused(backend: Backend) -> None:
    first = await stored(backend)
    assert await backend.schedules.fire(firing(first))

    assert not await backend.schedules.update(first, replace(first, queue="two"))
    assert (await found(backend)).next_run == LATER


async def test_a_removed_schedule_is_gone_and_its_jobs_stay(store: Store) -> None:
    first = await stored(store.backend)
    fired = await store.backend.schedules.fire(firing(first))
    assert fired is not None

    assert await store.backend.schedules.remove("nightly")
    assert not await store.backend.schedules.remove("nightly")
    assert await store.backend.schedules.get("nightly") is None
    assert not await store.backend.schedules.update(first, first)
    assert await store.backend.schedules.fire(firing(first)) is None
    assert (await store.job(fired.ids[0]))["status"] == "queued"


async def test_firing_stores_the_job_and_says_so(store: Store) -> None:
    first = await stored(store.backend)
    worker = await store.join()
    before = await store.backend.schedules.now()

    fired = await store.backend.schedules.fire(firing(first))

    assert fired is not None
    job = await store.job(fired.ids[0])
    assert job["scheduled_at"] == DUE
    got = await found(store.backend)
    assert (got.next_run, got.fires_at) == (LATER, LATER + timedelta(seconds=5))
    assert (got.run_count, got.last_job_id, got.version) == (1, job["id"], first.version)
    assert got.last_run is not None
    assert before <= got.last_run <= await store.backend.schedules.now()
    await worker.wait_for_wake()
    assert (await worker.claim_one()).id == job["id"]


async def test_several_due_times_fire_together(store: Store) -> None:
    first = await stored(store.backend)

    fired = await store.backend.schedules.fire(firing(first, None, None, None))

    assert fired is not None
    got = await found(store.backend)
    assert (got.run_count, got.last_job_id) == (3, fired.ids[2])


async def test_of_many_that_fire_at_once_one_does(store: Store) -> None:
    backends = [store.backend, await store.open()]
    first = await stored(store.backend)

    answers = await asyncio.gather(
        *(backends[n % 2].schedules.fire(firing(first)) for n in range(10))
    )

    assert sum(answer is not None for answer in answers) == 1
    assert (await store.backend.queue_stats())["default"]["queued"] == 1
    assert (await found(store.backend)).run_count == 1


async def test_edits_and_firings_at_once_undo_nothing(store: Store) -> None:
    backends = [store.backend, await store.open()]
    first = await stored(store.backend)

    async def edit(number: int) -> bool:
        wanted = replace(first, queue=f"queue{number}")
        return await backends[number % 2].schedules.update(first, wanted)

    async def fire(number: int) -> bool:
        return await backends[number % 2].schedules.fire(firing(first)) is not None

    answers = await asyncio.gather(*(f(n) for n in range(6) for f in (edit, fire)))

    assert sum(answers) == 1
    got = await found(store.backend)
    assert (got.version, got.run_count) in {(2, 0), (1, 1)}


async def test_a_paused_schedule_does_not_fire(backend: Backend) -> None:
    first = await stored(backend)
    assert await backend.schedules.update(first, replace(first, status=PAUSED))

    assert await backend.schedules.fire(firing(await found(backend))) is None
    assert await backend.queue_stats() == {}


async def test_a_dedup_hit_counts_as_fired(store: Store) -> None:
    [live] = await store.backend.insert([new_job(dedup_key="key")])
    first = await stored(store.backend)

    fired = await store.backend.schedules.fire(firing(first, "key"))

    assert fired is not None
    assert fired.ids == [live]
    got = await found(store.backend)
    assert (got.last_job_id, got.run_count, got.next_run) == (live, 1, LATER)


@pytest.mark.parametrize("ended", [True, False])
async def test_it_can_pass_over_a_due_time_while_the_last_job_lives(
    store: Store, ended: bool
) -> None:
    first = await stored(store.backend)
    before = await store.backend.schedules.fire(firing(first))
    assert before is not None
    if ended:
        assert await store.backend.cancel_job(before.ids[0])
    seen = await found(store.backend)

    following = seen.next_run + timedelta(hours=1)
    fired = await store.backend.schedules.fire(
        Firing(seen, (new_job(),), following, following, unless_live=True)
    )

    assert fired is not None
    got = await found(store.backend)
    assert len(fired.ids) == got.run_count - 1 == int(ended)
    assert got.next_run == LATER + timedelta(hours=1)
    if not ended:
        assert (got.last_run, got.last_job_id) == (seen.last_run, seen.last_job_id)


async def test_running_now_moves_no_due_time(store: Store) -> None:
    first = await stored(store.backend, status=PAUSED)
    job = new_job()

    assert await store.backend.schedules.run_now(first.id, job) == job.id
    assert await store.backend.schedules.run_now(first.id, job) == job.id  # its answer was lost

    got = await found(store.backend)
    assert (got.next_run, got.status, got.version) == (DUE, PAUSED, first.version)
    assert (got.run_count, got.last_job_id) == (1, job.id)
    assert (await store.job(job.id))["status"] == "queued"
    assert await store.backend.schedules.run_now(new_id(), new_job()) is None


@POSTGRES
async def test_a_key_in_an_open_transaction_holds_no_firing_up_for_long(store: Store) -> None:
    first = await stored(store.backend)
    async with store.transaction() as connection:
        await store.backend.insert_on(connection, [new_job(dedup_key="key")])

        with pytest.raises(Contended):
            await store.backend.schedules.fire(firing(first, "key"))

        await store.rollback(connection)
    assert (await found(store.backend)).run_count == 0
    assert await store.backend.schedules.fire(firing(first, "key"))


async def test_running_schedulers_are_known_until_they_retire_or_fall_silent(
    store: Store,
) -> None:
    schedules = store.backend.schedules
    one = SchedulerInfo(new_id(), "host", 1, ("a", "b"))
    two = SchedulerInfo(new_id(), "host", 2, ())
    await schedules.report(one, 10)
    await schedules.report(two, 10)
    assert await schedules.running() == [one, two]

    await store.pass_time(6)
    await schedules.report(one, 10)
    await store.pass_time(6)
    assert await schedules.running() == [one]

    await schedules.retire(one.id)
    assert await schedules.running() == []


@pytest.mark.parametrize("edit", ["insert", "update", "remove", "retire"])
async def test_whoever_watches_hears_of_edits_elsewhere(store: Store, edit: str) -> None:
    elsewhere = await store.open()
    first = await stored(store.backend)
    scheduler = SchedulerInfo(new_id(), "host", 1, ())
    await store.backend.schedules.report(scheduler, 60)
    heard = asyncio.Event()
    async with store.backend.schedules.watching(heard.set):
        async with asyncio.timeout(PATIENCE):
            await heard.wait()
        heard.clear()
        if edit == "insert":
            await elsewhere.schedules.insert(schedule(name="other"))
        elif edit == "update":
            await elsewhere.schedules.update(first, replace(first, status=PAUSED))
        elif edit == "remove":
            await elsewhere.schedules.remove(first.name)
        else:
            await elsewhere.schedules.retire(scheduler.id)
        async with asyncio.timeout(PATIENCE):
            await heard.wait()
