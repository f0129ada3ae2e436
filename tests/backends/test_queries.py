"""What one sees: the same keys, types and meanings on every store."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from pydantic_core import from_json

from soniq.records import JOB_KEYS, Dead, DeadLetterReason, Done, JobStatus, Retry
from tests.backends.stores import Recruit, Store
from tests.factories import new_id, new_job, new_jobs

TYPES: Final[dict[str, tuple[type, ...]]] = {
    "id": (str,),
    "job_name": (str,),
    "args": (dict,),
    "status": (str,),
    "queue": (str,),
    "priority": (int,),
    "attempts": (int,),
    "max_attempts": (int,),
    "crashes": (int,),
    "created_at": (datetime,),
    "updated_at": (datetime,),
}
OPTIONAL: Final[dict[str, type]] = {
    "dedup_key": str,
    "scheduled_at": datetime,
    "started_at": datetime,
    "finished_at": datetime,
    "last_error": str,
    "worker_id": str,
    "producer_id": str,
    "dead_letter_reason": str,
}
ABSENT: Final[dict[str, set[str]]] = {
    "queued": {"started_at", "finished_at", "result", "last_error", "worker_id"},
    "waiting": {"finished_at", "result"},
    "processing": {"finished_at", "result", "last_error"},
    "done": {"last_error"},
    "cancelled": {"started_at", "result", "last_error", "worker_id"},
    "dead_letter": {
        "scheduled_at",
        "started_at",
        "finished_at",
        "result",
        "worker_id",
        "producer_id",
    },
}


@pytest.fixture
async def worker(store: Store) -> Recruit:
    return await store.join()


async def one_of_each(store: Store, worker: Recruit) -> dict[str, str]:
    """Ids of a job in each state, all their fields given, by the names in `ABSENT`."""
    ids: dict[str, str] = {}
    outcomes = {
        "done": Done('{"a": [1]}'),
        "dead_letter": Dead(DeadLetterReason.TIMEOUT, "late"),
        "waiting": Retry(600, "no"),
        "processing": None,
        "cancelled": None,
        "queued": None,
    }
    for state, outcome in outcomes.items():
        job = new_job(args={"a": {"b": [1, None]}}, dedup_key=state, producer_id="me", queue="q")
        await store.backend.insert([job])
        ids[state] = job.id
        if state == "cancelled":
            assert await store.backend.cancel_job(job.id)
        elif state != "queued":
            claimed = await worker.claim_one()
            if outcome is not None:
                assert await worker.finish(claimed, outcome)
    return ids


def check_types(job: dict[str, Any]) -> None:
    assert tuple(sorted(job)) == tuple(sorted(JOB_KEYS))
    for key, types in TYPES.items():
        assert type(job[key]) in types, key
    for key, kind in OPTIONAL.items():
        assert job[key] is None or type(job[key]) is kind, key
    for value in job.values():
        if isinstance(value, datetime):
            assert value.utcoffset() == timedelta(0)
    assert len(job["id"]) == 36


@pytest.mark.parametrize("state", ABSENT)
async def test_every_job_has_every_key_whatever_its_state(
    store: Store, worker: Recruit, state: str
) -> None:
    job = await store.job((await one_of_each(store, worker))[state])

    check_types(job)
    assert job["status"] == ("queued" if state == "waiting" else state)
    absent = {key for key, value in job.items() if value is None}
    if state != "dead_letter":
        absent.discard("dead_letter_reason")
    assert absent == ABSENT[state]
    assert job["args"] == {"a": {"b": [1, None]}}


async def test_the_states_of_jobs_are_those_they_are_shown_with(
    store: Store, worker: Recruit
) -> None:
    ids = await one_of_each(store, worker)

    states = await store.backend.job_states([*ids.values(), new_id(), "nonsense"])

    assert set(states) == set(ids.values())
    for job_id, state in states.items():
        job = await store.job(job_id)
        result = None if state.result is None else from_json(state.result)
        shown = (job["status"], job["result"], job["last_error"], job["dead_letter_reason"])
        assert (state.status, result, state.error, state.reason) == shown
    assert await store.backend.job_states([]) == {}


async def test_lists_show_jobs_as_they_are_shown_alone(store: Store, worker: Recruit) -> None:
    ids = await one_of_each(store, worker)

    listed = await store.backend.list_jobs(queue=None, status=None, limit=100, offset=0)
    dead = await store.backend.list_jobs(queue="q", status="dead_letter", limit=100, offset=0)

    assert {job["id"] for job in listed} == set(ids.values()) - {ids["dead_letter"]}
    assert [job["id"] for job in dead] == [ids["dead_letter"]]
    for job in [*listed, *dead]:
        assert job == await store.job(job["id"])


async def test_changing_what_was_shown_changes_nothing_stored(store: Store) -> None:
    await store.backend.insert([given := new_job(args={"list": [1]})])
    shown = await store.job(given.id)
    shown["args"]["list"].append(2)
    shown["status"] = "done"

    assert (await store.job(given.id))["args"] == {"list": [1]}
    assert (await store.job(given.id))["status"] == "queued"


async def test_lists_are_newest_first_and_paged(store: Store) -> None:
    jobs = []
    for _ in range(3):
        batch = new_jobs(4)
        await store.backend.insert(batch[::-1])
        jobs += batch
        await store.pass_time(1)
    newest_first = [job.id for job in jobs[::-1]]

    async def page(limit: int, offset: int) -> list[str]:
        listed = await store.backend.list_jobs(queue=None, status=None, limit=limit, offset=offset)
        return [job["id"] for job in listed]

    assert await page(100, 0) == newest_first
    assert await page(5, 0) + await page(5, 5) + await page(5, 10) == newest_first
    assert await page(5, 12) == []
    assert await page(0, 0) == []


async def test_lists_are_filtered_by_queue_and_status(store: Store, worker: Recruit) -> None:
    await store.backend.insert([a := new_job(queue="a")])
    await worker.finish(await worker.claim_one(), Done())
    await store.backend.insert([b := new_job(queue="b"), c := new_job(queue="a")])

    async def listed(queue: str | None, status: str | None) -> set[str]:
        jobs = await store.backend.list_jobs(queue=queue, status=status, limit=10, offset=0)
        return {job["id"] for job in jobs}

    assert await listed("a", None) == {a.id, c.id}
    assert await listed("a", "done") == {a.id}
    assert await listed(None, "queued") == {b.id, c.id}
    assert await listed(None, "dead_letter") == set()


@pytest.mark.parametrize(
    "queue, status",
    [("nobody", None), (None, "nonsense"), ("", None), (None, ""), (None, "DONE"), ("\0", "\0")],
)
async def test_a_queue_or_status_nobody_has_lists_nothing(
    store: Store, queue: str | None, status: str | None
) -> None:
    await store.backend.insert([new_job()])

    assert await store.backend.list_jobs(queue=queue, status=status, limit=9, offset=0) == []


async def test_counts_by_queue_and_status(store: Store, worker: Recruit) -> None:
    await one_of_each(store, worker)
    await store.backend.insert(new_jobs(3, queue="other", delay=60))

    stats = await store.backend.queue_stats()

    assert stats == {
        "q": {"queued": 2, "processing": 1, "done": 1, "cancelled": 1, "dead_letter": 1},
        "other": {"queued": 3, "processing": 0, "done": 0, "cancelled": 0, "dead_letter": 0},
    }
    assert all(set(counts) == {status.value for status in JobStatus} for counts in stats.values())


async def test_a_queue_of_dead_letters_only_is_a_queue(store: Store, worker: Recruit) -> None:
    await store.backend.insert([new_job(queue="grave")])
    await worker.finish(await worker.claim_one(), Dead(DeadLetterReason.TIMEOUT, "late"))

    assert (await store.backend.queue_stats())["grave"]["dead_letter"] == 1


async def test_many_queries_at_once(store: Store) -> None:
    jobs = new_jobs(40)
    await store.backend.insert(jobs)

    shown = await asyncio.gather(*(store.job(job.id) for job in jobs))

    assert [job["id"] for job in shown] == [job.id for job in jobs]
