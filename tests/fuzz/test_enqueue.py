"""Whatever is enqueued: it is stored whole and can be looked at, or refused with a clear error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from pydantic import TypeAdapter

from soniq import Soniq, TaskRef
from soniq.errors import SONIQ_TASK_ARGS_INVALID
from soniq.records import JobDict
from tests.fuzz.effort import REFUSALS, check_clear, each_awaited, efforts
from tests.fuzz.values import anything, json, numbers, texts, times

_options = st.dictionaries(
    st.sampled_from(
        ["queue", "priority", "scheduled_at", "delay", "unique", "dedup_key", "args", "connection"]
    ),
    anything,
    max_size=3,
)
_sound_options = st.fixed_dictionaries(
    {},
    optional={
        "queue": texts,
        "priority": st.integers(1, 1000) | numbers,
        "delay": numbers | times,
        "unique": st.booleans() | anything,
        "dedup_key": texts,
        "args": st.dictionaries(texts, json, max_size=4),
    },
)


@pytest.fixture
async def app(unopened_app: Soniq) -> Any:
    unopened_app.job(name="jobs.typed")(typed)
    await unopened_app.setup()
    async with unopened_app:
        yield unopened_app


_integer = TypeAdapter(int).validate_python


async def typed(number: int, name: str | None = None, **more: Any) -> None: ...


async def stored_or_refused(
    app: Soniq, enqueue: Callable[[], Awaitable[Any]], *words: str
) -> list[JobDict]:
    """Call it: the jobs it stored, in order and removed again, or none if it was refused clearly.

    Args:
        words: of which the refusal must say one.
    """
    before = (await app.get_queue_stats())["total"]
    try:
        ids = await enqueue()
    except REFUSALS as error:
        check_clear(error, *words)
        assert (await app.get_queue_stats())["total"] == before
        return []
    ids = [ids] if isinstance(ids, str) else ids
    jobs = {job_id: await app.get_job(job_id) for job_id in ids}
    assert all([await app.delete_job(job_id) for job_id in jobs])
    assert await app.list_jobs(limit=10) == []
    return [job for job_id in ids if (job := jobs[job_id]) is not None]


def exact(value: Any) -> Any:
    """The value so that equal ones are equal in JSON: there True is no 1, and a tuple a list."""
    match value:
        case dict():
            return {key: exact(inner) for key, inner in value.items()}
        case list() | tuple():
            return [exact(inner) for inner in value]
        case bool():
            return ("bool", value)
        case _:
            return value


def check_options(job: JobDict, options: dict[str, Any]) -> None:
    """What was said about the job is what is stored about it."""
    for name in ("queue", "priority", "dedup_key"):
        if options.get(name) is not None:
            assert exact(job[name]) == exact(options[name])
    if isinstance(when := options.get("scheduled_at"), datetime):
        # The very ends of the calendar are a microsecond further than a store can tell.
        assert abs(job["scheduled_at"] - when) <= timedelta(microseconds=1)


@efforts
async def test_one_job(app: Soniq, effort: int) -> None:
    async def check(options: dict[str, Any]) -> None:
        ref = TaskRef("jobs.one")
        words = [*options, SONIQ_TASK_ARGS_INVALID, "Transactional"]
        for job in await stored_or_refused(app, lambda: app.enqueue(ref, **options), *words):
            assert exact(job["args"]) == exact(options.get("args") or {})
            check_options(job, options)

    await each_awaited(_options | _sound_options, 40 * effort, check)


@efforts
async def test_several_jobs(app: Soniq, effort: int) -> None:
    async def check(given: tuple[Any, Any]) -> None:
        rows, options = given
        options.pop("args", None)
        jobs = await stored_or_refused(app, lambda: app.enqueue_many("jobs.typed", rows, **options))
        assert len(jobs) in (0, len(rows) if isinstance(rows, list) else 0)
        for job, args in zip(jobs, rows if jobs else [], strict=True):
            # It is stored as the handler's type has it: True for an int is 1.
            assert exact(job["args"]) == exact(args | {"number": _integer(args["number"])})
            check_options(job, options)

    rows = st.fixed_dictionaries({"number": st.integers() | anything}, optional={"name": texts})
    lists = st.lists(rows, max_size=4) | st.lists(anything, max_size=3) | anything
    await each_awaited(st.tuples(lists, _sound_options), 30 * effort, check)


@efforts
async def test_any_target(app: Soniq, effort: int) -> None:
    async def check(target: Any) -> None:
        await stored_or_refused(app, lambda: app.enqueue(target, args={}))

    await each_awaited(anything | st.builds(TaskRef, texts), 20 * effort, check)
