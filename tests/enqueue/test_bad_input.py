"""Bad input gets one clear error, and nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from soniq import Soniq, SoniqError, TaskRef
from soniq.errors import SONIQ_INVALID_TASK_NAME, SONIQ_TASK_ARGS_INVALID

REF = TaskRef("jobs.one")
NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001 - the point of the test


@pytest.fixture
async def nothing_stored(app: Soniq) -> Any:
    yield
    assert (await app.get_queue_stats())["total"] == 0


pytestmark = pytest.mark.usefixtures("nothing_stored")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"priority": 0}, ValueError, "priority must be a whole number from 1 to 1000"),
        ({"priority": -5}, ValueError, "priority must be"),
        ({"priority": 1001}, ValueError, "priority must be"),
        ({"priority": 1.5}, ValueError, "priority must be"),
        ({"priority": True}, ValueError, "priority must be"),
        ({"delay": -1}, ValueError, "delay must be from 0 seconds to ten years"),
        ({"delay": 1e12}, ValueError, "delay must be from 0 seconds to ten years"),
        ({"delay": 10**400}, ValueError, "delay must be from 0 seconds to ten years"),
        ({"delay": float("nan")}, ValueError, "delay must be"),
        ({"delay": float("inf")}, ValueError, "delay must be"),
        ({"delay": timedelta(days=-1)}, ValueError, "delay must be"),
        ({"delay": "5"}, TypeError, "delay must be seconds or a timedelta"),
        ({"scheduled_at": NAIVE}, ValueError, "scheduled_at must have a time zone"),
        ({"scheduled_at": -1}, ValueError, "scheduled_at must be from 0 seconds"),
        ({"scheduled_at": "now"}, TypeError, "scheduled_at must be an aware datetime"),
        (
            {"scheduled_at": datetime.min.replace(tzinfo=timezone(timedelta(hours=3)))},
            ValueError,
            "out of range in UTC",
        ),
        ({"scheduled_at": datetime.now(UTC), "delay": 1}, TypeError, "scheduled_at or delay, not"),
        ({"queue": ""}, ValueError, "queue must not be empty"),
        ({"queue": "q" * 129}, ValueError, "queue has 129 characters; at most 128"),
        ({"queue": "a\x00"}, ValueError, "queue holds a NUL character"),
        ({"queue": 5}, TypeError, "queue must be text, got int"),
        ({"dedup_key": "k" * 513}, ValueError, "dedup_key has 513 characters; at most 512"),
        ({"dedup_key": "\ud800"}, ValueError, "dedup_key holds a NUL character or a lone"),
        ({"dedup_key": ""}, ValueError, "dedup_key must not be empty"),
        ({"prioritty": 1}, TypeError, "unexpected keyword argument 'prioritty'; did you mean 'pri"),
        ({"args": [1]}, TypeError, "args must be a dict, got list"),
    ],
)
async def test_options_out_of_bounds(
    app: Soniq, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        await app.enqueue(REF, **options)


@pytest.mark.parametrize("target", [5, None, b"jobs.one", ["jobs.one"]])
async def test_targets_of_no_kind(app: Soniq, target: Any) -> None:
    text = "must be a callable, string, or TaskRef"
    with pytest.raises(TypeError, match=text):
        await app.enqueue(target)
    with pytest.raises(TypeError, match=text):
        await app.enqueue_many(target, [])


async def test_arguments_of_a_handler_in_args(app: Soniq) -> None:
    app.job(handler)
    with pytest.raises(TypeError, match="args= is for jobs named by text or TaskRef"):
        await app.enqueue(handler, args={"number": 1})


@pytest.mark.parametrize("name", ["", "Upper.case", "two words", "a..b", "a\x00", "1st"])
async def test_names_that_match_no_pattern(app: Soniq, name: str) -> None:
    with pytest.raises(SoniqError, match="does not match the pattern") as caught:
        await app.enqueue(name)
    assert caught.value.error_code == SONIQ_INVALID_TASK_NAME
    assert caught.value.context["name"] == name
    assert "pattern" in caught.value.context


@pytest.mark.parametrize("name", ["", "a\x00b", "\ud800"])
async def test_refs_whose_name_no_store_takes(app: Soniq, name: str) -> None:
    with pytest.raises(ValueError, match="the name of a TaskRef"):
        await app.enqueue(TaskRef(name))


@pytest.mark.parametrize(
    ("queue", "error", "text"),
    [
        ("q" * 129, ValueError, "queue has 129 characters; at most 128"),
        ("", ValueError, "queue must not be empty"),
        ("a\x00", ValueError, "queue holds a NUL character"),
        (5, TypeError, "queue must be text, got int"),
    ],
)
@pytest.mark.parametrize("registered", [False, True])
async def test_default_queues_of_refs_out_of_bounds(
    app: Soniq, queue: Any, error: type[Exception], text: str, registered: bool
) -> None:
    if registered:
        app.job(name="jobs.one")(handler)
    ref = REF.with_default_queue(queue)
    with pytest.raises(error, match=text):
        await app.enqueue(ref, args={"number": 1})
    with pytest.raises(error, match=text):
        await app.enqueue_many(ref, [{"number": 1}])


async def test_routes_to_what_can_be_no_queue() -> None:
    routes = {"jobs.": "q" * 129}
    async with Soniq(backend="memory", route_map=routes, enqueue_validation="none") as app:
        for target in (REF, "jobs.one"):
            with pytest.raises(ValueError, match="queue has 129 characters; at most 128"):
                await app.enqueue(target)
            with pytest.raises(ValueError, match="queue has 129 characters; at most 128"):
                await app.enqueue_many(target, [{}])
        assert (await app.get_queue_stats())["total"] == 0


def handler(number: int, things: list[Any] | None = None) -> list[Any]:
    return [number, things]


BAD_ARGUMENTS = [
    ({}, "number: required argument is missing"),
    ({"numbr": 1}, "numbr: the job takes no such argument; did you mean 'number'?"),
    ({"number": "x"}, "number: Input should be a valid integer"),
    ({"number": 1, "things": [object()]}, "things: it cannot be written as JSON"),
    ({"number": 1, "things": [float("nan")]}, "things: NaN and infinities"),
    ({"number": 1, "things": ["\x00"]}, "things: a NUL character"),
    ({"number": 1, "things": ["\udfff"]}, "things: a lone surrogate"),
    ({"number": 10**4300}, "number: a number has more than 4300 digits"),
    ({"number": 10**140_000}, "number: a number has more than 4300 digits"),
    ({"number": 1, "things": ["x" * 1048576]}, "max_args_bytes allows 1048576"),
    ({"number": 1, "things": ["é" * 600000]}, "max_args_bytes allows 1048576"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD_ARGUMENTS)
async def test_arguments_that_cannot_be_stored(
    app: Soniq, arguments: dict[str, Any], text: str
) -> None:
    decorated = app.job(name="jobs.numbers")(handler)
    for call in (
        app.enqueue(decorated, **arguments),
        app.enqueue("jobs.numbers", args=arguments),
        app.enqueue(TaskRef("jobs.numbers"), args=arguments),
    ):
        with pytest.raises(SoniqError) as caught:
            await call
        assert caught.value.error_code == SONIQ_TASK_ARGS_INVALID
        assert caught.value.context["task_name"] == "jobs.numbers"
        assert any(text in error for error in caught.value.context["errors"])


@pytest.mark.parametrize(("arguments", "text"), BAD_ARGUMENTS)
async def test_one_bad_row_stores_none_of_a_batch(
    app: Soniq, arguments: dict[str, Any], text: str
) -> None:
    app.job(name="jobs.numbers")(handler)
    with pytest.raises(SoniqError) as caught:
        await app.enqueue_many("jobs.numbers", [{"number": 1}, arguments, {"number": 2}])
    assert caught.value.context["index"] == 1
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "options", "error", "text"),
    [
        (({},), {}, TypeError, "args_list must be a list"),
        ({}, {}, TypeError, "args_list must be a list"),
        ([{}, 1], {}, TypeError, r"args_list\[1\] must be a dict"),
        ([{}], {"dedup_keys": []}, ValueError, "dedup_keys must be as long as args_list"),
        ([{}], {"dedup_keys": "k"}, TypeError, "dedup_keys must be a list, got str"),
        (
            [{}, {}],
            {"dedup_keys": [None, "k" * 513]},
            ValueError,
            r"dedup_keys\[1\]: dedup_key has 513 characters",
        ),
        ([{}], {"priority": 0}, ValueError, "priority must be"),
        ([{}], {"dedup_key": "k"}, TypeError, "did you mean 'dedup_keys'"),
    ],
)
async def test_batches_that_make_no_sense(
    app: Soniq, rows: Any, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        await app.enqueue_many(REF, rows, **options)


async def test_handlers_take_no_positional_arguments(app: Soniq) -> None:
    decorated = app.job(handler)
    with pytest.raises(TypeError, match="by keyword only"):
        await decorated.enqueue(1)
    with pytest.raises(TypeError, match="by keyword only"):
        await decorated.options(queue="x").enqueue(1)
    with pytest.raises(TypeError, match=r"by keyword only, got 1 by position; give each its name"):
        await app.enqueue(decorated, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="by keyword only"):
        await asyncio.to_thread(app.sync.enqueue, decorated, 1)  # type: ignore[arg-type]


async def test_unknown_options(app: Soniq) -> None:
    decorated = app.job(handler)
    with pytest.raises(TypeError, match="'que'; did you mean 'queue'"):
        decorated.options(que="x")  # type: ignore[call-arg]


async def test_an_option_among_the_arguments_of_dot_enqueue(app: Soniq) -> None:
    decorated = app.job(name="jobs.numbers")(handler)
    with pytest.raises(SoniqError, match="queue: the job takes no such argument") as refused:
        await decorated.enqueue(number=1, queue="x")  # type: ignore[call-arg]
    assert any(".options(queue=...)" in each for each in refused.value.suggestions)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("prioriy", "priority"), ("que", "queue"), ("countdown", "delay"), ("eta", "scheduled_at")],
)
async def test_a_misspelt_option_among_the_arguments(app: Soniq, given: str, meant: str) -> None:
    decorated = app.job(name="jobs.numbers")(handler)
    arguments: dict[str, Any] = {"number": 1, given: 5}
    with pytest.raises(SoniqError, match=f"{given}: the job takes no such argument") as refused:
        await app.enqueue(decorated, **arguments)
    _, advice = refused.value.suggestions
    assert advice.startswith(f"Did you mean {meant} by {given}? It is an option: .options({meant}=")
    assert f"app.enqueue(job, {meant}=...)" in advice


async def test_a_name_like_an_argument_of_the_job_gets_no_advice_about_options(app: Soniq) -> None:
    @app.job(name="jobs.ranks")
    async def ranks(priorities: list[int]) -> None: ...

    with pytest.raises(SoniqError, match="did you mean 'priorities'") as refused:
        await app.enqueue(ranks, prioritys=[1])
    assert len(refused.value.suggestions) == 1


async def test_a_forgotten_await_is_told_with_the_name_of_the_job(app: Soniq) -> None:
    decorated = app.job(name="jobs.numbers")(handler)
    with pytest.warns(RuntimeWarning, match=r"test_bad_input\.handler\.enqueue' was never awaited"):
        decorated.enqueue(number=1)  # type: ignore[unused-coroutine]


async def test_a_schedule_without_a_time(app: Soniq) -> None:
    with pytest.raises(TypeError, match="run_at must be"):
        await app.schedule(REF, None)  # type: ignore[arg-type]


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("found", [5, "name", object(), int])
def test_what_is_no_function_cannot_be_a_handler(app: Soniq, found: Any) -> None:
    with pytest.raises(TypeError, match="decorates a function"):
        app.job(found)
    assert app._get_job_registry().names() == ()


def test_a_generator_cannot_be_a_handler(app: Soniq) -> None:
    with pytest.raises(TypeError, match="is a generator"):
        app.job(generator)


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"retires": 3}, TypeError, "'retires'; did you mean 'retries'"),
        ({"retries": -1}, ValueError, "retries must be a whole number from 0"),
        ({"max_retries": "3"}, ValueError, "max_retries must be a whole number from 0"),
        ({"retry_delay": -1}, ValueError, "retry_delay must be from 0"),
        ({"retry_delay": [1, -1]}, ValueError, "retry_delay must be from 0"),
        ({"retry_max_delay": -1}, ValueError, "retry_max_delay must be from 0"),
        ({"timeout": -1}, ValueError, "timeout must be from 0"),
        ({"timeout": float("inf")}, ValueError, "timeout must be from 0"),
        ({"priority": 0}, ValueError, "priority must be"),
        ({"queue": "q" * 129}, ValueError, "at most 128"),
        ({"validate": dict}, TypeError, "validate must be a pydantic model class"),
        ({"args_model": dict}, TypeError, "args_model must be a pydantic model class"),
        ({"name": "Not A Name"}, SoniqError, "SONIQ_INVALID_TASK_NAME"),
        ({"name": 5}, SoniqError, "received_type: int"),
    ],
)
def test_job_keywords_out_of_bounds(
    app: Soniq, keywords: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        app.job(**keywords)(handler)
    assert app._get_job_registry().names() == ()
