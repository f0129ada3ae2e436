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


def same(stored: Any, given: Any) -> bool:
    """Whether they are equal in JSON: there True is no 1, and a tuple a list.

    Postgres keeps a float by its digits, and one of more than sixteen comes back as an integer:
    the float that it makes is the one that was given.
    """
    match given:
        case dict():
            return (
                isinstance(stored, dict)
                and stored.keys() == given.keys()
                and all(same(stored[key], inner) for key, inner in given.items())
            )
        case list() | tuple():
            return (
                isinstance(stored, list)
                and len(stored) == len(given)
                and all(map(same, stored, given))
            )
        case float() if type(stored) is int:
            return float(stored) == given
        case _:
            return isinstance(stored, bool) is isinstance(given, bool) and bool(stored == given)


def test_what_is_the_same_in_json() -> None:
    assert same([1, {"a": [2.5]}], (1, {"a": (2.5,)}))
    assert same(-67357839156183820, -6.735783915618382e16)
    for stored, given in (
        (1, True),
        (False, 0),
        ([1], [1, 2]),
        ({"a": 1}, {}),
        (2**53 + 1, 2**53),
        (None, 0),
        ("1", 1),
    ):
        assert not same(stored, given)
        assert not same({"a": [stored]}, {"a": [given]})


def check_options(job: JobDict, options: dict[str, Any]) -> None:
    """What was said about the job is what is stored about it."""
    for name in ("queue", "priority", "dedup_key"):
        if options.get(name) is not None:
            assert same(job[name], options[name])
    if isinstance(when := options.get("scheduled_at"), datetime):
        # The very ends of the calendar are a microsecond further than a store can tell.
        assert abs(job["scheduled_at"] - when) <= timedelta(microseconds=1)


@efforts
async def test_one_job(app: Soniq, effort: int) -> None:
    async def check(options: dict[str, Any]) -> None:
        ref = TaskRef("jobs.one")
        words = [*options, SONIQ_TASK_ARGS_INVALID, "Transactional"]
        for job in await stored_or_refused(app, lambda: app.enqueue(ref, **options), *words):
            assert same(job["args"], options.get("args") or {})
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
            assert same(job["args"], args | {"number": _integer(args["number"])})
            check_options(job, options)

    rows = st.fixed_dictionaries({"number": st.integers() | anything}, optional={"name": texts})
    lists = st.lists(rows, max_size=4) | st.lists(anything, max_size=3) | anything
    await each_awaited(st.tuples(lists, _sound_options), 30 * effort, check)


@efforts
async def test_any_target(app: Soniq, effort: int) -> None:
    async def check(target: Any) -> None:
        await stored_or_refused(app, lambda: app.enqueue(target, args={}))

    await each_awaited(anything | st.builds(TaskRef, texts), 20 * effort, check)
