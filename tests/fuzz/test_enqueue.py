"""Whatever is enqueued: it is stored whole and can be looked at, or refused with a clear error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from soniq import Soniq, TaskRef
from tests.fuzz.effort import REFUSALS, each_awaited, efforts
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


async def typed(number: int, name: str | None = None, **more: Any) -> None: ...


async def all_or_nothing(app: Soniq, enqueue: Any) -> None:
    """Call it, and see that the store has all of what it returned, or no more than before."""
    before = (await app.get_queue_stats())["total"]
    try:
        ids = await enqueue()
    except REFUSALS:
        assert (await app.get_queue_stats())["total"] == before
        return
    for job_id in {ids} if isinstance(ids, str) else set(ids):
        job = await app.get_job(job_id)
        assert job is not None
        assert isinstance(job["args"], dict)
        assert await app.delete_job(job_id)
    assert await app.list_jobs(limit=10) == []


@efforts
async def test_one_job(app: Soniq, effort: int) -> None:
    async def check(options: dict[str, Any]) -> None:
        await all_or_nothing(app, lambda: app.enqueue(TaskRef("jobs.one"), **options))

    await each_awaited(_options | _sound_options, 40 * effort, check)


@efforts
async def test_several_jobs(app: Soniq, effort: int) -> None:
    async def check(given: tuple[Any, Any]) -> None:
        args, options = given
        options.pop("args", None)
        await all_or_nothing(app, lambda: app.enqueue_many("jobs.typed", args, **options))

    rows = st.fixed_dictionaries({"number": st.integers() | anything}, optional={"name": texts})
    lists = st.lists(rows, max_size=4) | st.lists(anything, max_size=3) | anything
    await each_awaited(st.tuples(lists, _sound_options), 30 * effort, check)


@efforts
async def test_any_target(app: Soniq, effort: int) -> None:
    async def check(target: Any) -> None:
        await all_or_nothing(app, lambda: app.enqueue(target, args={}))

    await each_awaited(anything | st.builds(TaskRef, texts), 20 * effort, check)
