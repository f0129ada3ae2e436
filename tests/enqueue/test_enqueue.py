"""What an enqueue stores."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from soniq import JobContext, Soniq, SoniqError, TaskRef, task_ref
from soniq.records import JobDict

SOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Mail(BaseModel):
    to: str
    copies: int = 1


async def stored(app: Soniq, job_id: str) -> JobDict:
    job = await app.get_job(job_id)
    assert job is not None
    return job


async def count(app: Soniq) -> int:
    return (await app.get_queue_stats())["total"]


async def test_a_handler_takes_its_arguments_as_keywords(app: Soniq) -> None:
    @app.job(name="math.add", queue="sums", priority=7, retries=2)
    async def add(a: int, b: int = 2) -> int:
        return a + b

    job = await stored(app, await app.enqueue(add, a=1))
    assert job["job_name"] == "math.add"
    assert job["args"] == {"a": 1}
    assert (job["queue"], job["priority"], job["max_attempts"]) == ("sums", 7, 3)
    assert job["status"] == "queued"
    assert await add(1) == 3


async def test_a_registered_name_takes_its_arguments_as_a_dict(app: Soniq) -> None:
    @app.job(name="math.add", queue="sums")
    def add(a: int) -> None: ...

    job = await stored(app, await app.enqueue("math.add", args={"a": 1}))
    assert (job["args"], job["queue"]) == ({"a": 1}, "sums")


async def test_a_name_without_arguments_stores_an_empty_object(app: Soniq) -> None:
    @app.job(name="math.nothing")
    def nothing() -> None: ...

    assert (await stored(app, await app.enqueue("math.nothing")))["args"] == {}


async def test_a_task_ref_needs_no_registration(app: Soniq) -> None:
    ref = task_ref("mail.send", args_model=Mail, default_queue="mail")
    job = await stored(app, await app.enqueue(ref, args={"to": "a@b.c"}))
    assert (job["job_name"], job["queue"], job["args"]) == ("mail.send", "mail", {"to": "a@b.c"})
    assert (job["priority"], job["max_attempts"]) == (100, 4)
    assert Mail(**job["args"]).copies == 1


async def test_a_task_ref_checks_its_arguments_with_its_own_model(app: Soniq) -> None:
    with pytest.raises(SoniqError, match="to: Field required") as caught:
        await app.enqueue(TaskRef("mail.send", Mail), args={})
    assert caught.value.error_code == "SONIQ_TASK_ARGS_INVALID"
    assert await count(app) == 0


async def test_the_queue_is_explicit_else_the_refs_else_the_registered(app: Soniq) -> None:
    @app.job(name="mail.send", queue="registered")
    def send() -> None: ...

    plain = TaskRef("mail.send")
    own = plain.with_default_queue("own")
    queues = [
        (await stored(app, job_id))["queue"]
        for job_id in (
            await app.enqueue(own, queue="explicit"),
            await app.enqueue(own),
            await app.enqueue(plain),
        )
    ]
    assert queues == ["explicit", "own", "registered"]


async def test_enqueue_and_options_of_a_handler(app: Soniq) -> None:
    @app.job(name="jobs.odd")
    async def odd(queue: str, delay: int, priority: int = 0) -> None: ...

    job = await stored(app, await odd.enqueue(queue="a", delay=3))
    assert (job["args"], job["queue"]) == ({"queue": "a", "delay": 3}, "default")
    job = await stored(
        app, await odd.options(queue="high", priority=1, delay=60).enqueue(queue="a", delay=3)
    )
    assert (job["args"], job["queue"], job["priority"]) == ({"queue": "a", "delay": 3}, "high", 1)
    assert job["scheduled_at"] - job["created_at"] == timedelta(seconds=60)


async def test_attributes_a_function_has_already_are_left_alone(app: Soniq) -> None:
    def handler() -> None: ...

    handler.enqueue = "mine"  # type: ignore[attr-defined]
    decorated: Any = app.job(handler)
    assert decorated.enqueue == "mine"
    assert await decorated.options(queue="x").enqueue()


async def test_the_context_is_no_job_argument(app: Soniq) -> None:
    @app.job(name="jobs.contextual")
    async def contextual(order: int, ctx: JobContext) -> None: ...

    assert (await stored(app, await app.enqueue(contextual, order=1)))["args"] == {"order": 1}
    with pytest.raises(SoniqError, match="ctx: the job takes no such argument"):
        await app.enqueue(contextual, order=1, ctx=2)


@pytest.mark.parametrize(
    ("option", "value"),
    [("scheduled_at", 90), ("scheduled_at", timedelta(seconds=90)), ("delay", 90.0)],
)
async def test_relative_times_count_from_the_enqueue(app: Soniq, option: str, value: Any) -> None:
    job = await stored(app, await app.enqueue(TaskRef("jobs.later"), **{option: value}))
    assert job["scheduled_at"] - job["created_at"] == timedelta(seconds=90)


async def test_an_aware_datetime_is_when_the_job_is_due(app: Soniq) -> None:
    job = await stored(app, await app.enqueue(TaskRef("jobs.later"), scheduled_at=SOON))
    assert job["scheduled_at"] == SOON
    job = await stored(app, await app.schedule(TaskRef("jobs.later"), SOON, args={"a": 1}))
    assert (job["scheduled_at"], job["args"]) == (SOON, {"a": 1})


async def test_a_handler_with_a_delay_of_its_own_receives_it(app: Soniq) -> None:
    @app.job(name="jobs.wait")
    async def wait(delay: int) -> None: ...

    job = await stored(app, await app.enqueue(wait, delay=5))
    assert job["args"] == {"delay": 5}
    assert job["scheduled_at"] == job["created_at"]


async def test_unique_jobs_are_one_for_the_same_arguments(app: Soniq) -> None:
    @app.job(name="users.sync", unique=True)
    async def sync(user: int, options: dict[str, Any] | None = None) -> None: ...

    first = await app.enqueue(sync, user=1, options={"a": 1, "b": 2})
    assert await app.enqueue(sync, options={"b": 2.0, "a": 1}, user=1) == first
    assert await app.enqueue(sync, user=2) != first
    assert await app.enqueue(sync, user=1, options={"a": 1, "b": 2}, unique=False) != first
    assert await count(app) == 3


async def test_equal_sets_are_the_same_arguments_wherever_they_are(app: Soniq) -> None:
    @app.job(name="users.group", unique=True)
    async def group(ids: list[set[int]], extra: Any = None) -> None: ...

    one, other = {0, 8}, {8, 0}
    assert list(one) != list(other)
    first = await app.enqueue(group, ids=[one], extra={"a": (one,)})
    assert await app.enqueue(group, ids=[other], extra={"a": (other,)}) == first
    rows = [{"extra": [some]} for some in (one, other)]
    ids = await app.enqueue_many(TaskRef("users.other"), rows, unique=True)
    assert ids[0] == ids[1]


async def test_a_name_may_be_of_any_kind_of_text(app: Soniq) -> None:
    class Key(StrEnum):
        USER = "user"

    job_id = await app.enqueue(TaskRef("users.sync"), args={Key.USER: 1})
    assert (await stored(app, job_id))["args"] == {"user": 1}


async def test_a_dedup_key_is_held_across_names_until_the_job_ends(app: Soniq) -> None:
    one = await app.enqueue(TaskRef("jobs.one"), dedup_key="k")
    assert await app.enqueue(TaskRef("jobs.two"), dedup_key="k") == one
    await app.cancel_job(one)
    assert await app.enqueue(TaskRef("jobs.two"), dedup_key="k") != one


async def test_an_explicit_key_wins_over_unique(app: Soniq) -> None:
    job_id = await app.enqueue(TaskRef("jobs.one"), unique=True, dedup_key="mine")
    assert (await stored(app, job_id))["dedup_key"] == "mine"


async def test_fifty_concurrent_enqueues_of_one_key_make_one_row(app: Soniq) -> None:
    ids = await asyncio.gather(
        *(app.enqueue(TaskRef("jobs.one"), dedup_key="k") for _ in range(50))
    )
    assert len(set(ids)) == 1
    assert await count(app) == 1


async def test_ids_rise_in_the_order_of_the_calls(app: Soniq) -> None:
    ids = await asyncio.gather(*(app.enqueue(TaskRef("jobs.one")) for _ in range(200)))
    assert ids == sorted(set(ids))


async def test_the_producer_is_stored(app: Soniq) -> None:
    job = await stored(app, await app.enqueue(TaskRef("jobs.one")))
    host, pid, program = job["producer_id"].split(":")
    assert host
    assert pid.isdigit()
    assert program
    async with Soniq(backend="memory", producer_id="shop") as named:
        assert (await stored(named, await named.enqueue(TaskRef("a"))))["producer_id"] == "shop"


async def test_many_jobs_come_back_in_order(app: Soniq) -> None:
    @app.job(name="math.square")
    def square(n: int) -> None: ...

    ids = await app.enqueue_many(square, [{"n": n} for n in range(50)], queue="sums", priority=3)
    jobs = [await stored(app, job_id) for job_id in ids]
    assert [job["args"]["n"] for job in jobs] == list(range(50))
    assert {(job["queue"], job["priority"]) for job in jobs} == {("sums", 3)}
    assert await app.enqueue_many(square, []) == []


async def test_dedup_in_a_batch_applies_per_row(app: Soniq) -> None:
    ref = TaskRef("jobs.one")
    one, two, three, four = await app.enqueue_many(
        ref, [{}, {}, {}, {}], dedup_keys=["k", None, "k", None]
    )
    assert one == three
    assert len({one, two, four}) == 3
    assert await app.enqueue_many(ref, [{"a": 1}, {"a": 1}], unique=True, dedup_keys=None)
    assert await count(app) == 4


async def test_names_unknown_here_are_refused_by_default(app: Soniq) -> None:
    @app.job(name="mail.send")
    def send() -> None: ...

    with pytest.raises(SoniqError, match=r"did you mean 'mail\.send'") as caught:
        await app.enqueue("mail.sent")
    assert caught.value.error_code == "SONIQ_UNKNOWN_TASK_NAME"
    assert caught.value.context == {"task_name": "mail.sent", "mode": "strict"}

    def unregistered() -> None: ...

    with pytest.raises(SoniqError, match="unregistered"):
        await app.enqueue(unregistered)
    with pytest.raises(SoniqError):
        await app.enqueue_many("mail.sent", [{}])
    assert await count(app) == 0


async def test_warn_mode_says_so_once_and_stores(caplog: pytest.LogCaptureFixture) -> None:
    async with Soniq(backend="memory", enqueue_validation="warn") as app:
        with caplog.at_level(logging.WARNING, "soniq.app"):
            await app.enqueue("mail.sent")
            await app.enqueue("mail.sent")
            await app.enqueue("mail.other")
        assert await count(app) == 3
    warnings = [record.getMessage() for record in caplog.records if record.name == "soniq.app"]
    assert len(warnings) == 2
    assert "mail.sent" in warnings[0]
    assert "is not registered locally" in warnings[0]


async def test_none_mode_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    async with Soniq(backend="memory", enqueue_validation="none") as app:
        job = await stored(app, await app.enqueue("mail.sent", args={"a": 1}))
        with pytest.raises(SoniqError) as caught:
            await app.enqueue("Mail Sent")
    assert job["max_attempts"] == 4
    assert caught.value.error_code == "SONIQ_INVALID_TASK_NAME"
    assert caplog.records == []


async def test_routes_send_by_the_longest_prefix() -> None:
    routes = {"shop.": "shop", "shop.mail": "mail"}
    async with Soniq(backend="memory", route_map=routes) as app:

        @app.job(name="shop.mail.send")
        def send() -> None: ...

        @app.job(name="shop.charge")
        def charge() -> None: ...

        @app.job(name="shop.mail.own", queue="own")
        def own() -> None: ...

        queues = [
            (await stored(app, await app.enqueue(target)))["queue"]
            for target in (send, charge, own, TaskRef("shop.mail.other"), TaskRef("elsewhere"))
        ]
        assert queues == ["mail", "shop", "own", "mail", "default"]
        job_id = await app.enqueue(send, queue="default")
        assert (await stored(app, job_id))["queue"] == "default"


async def test_memory_refuses_a_connection(app: Soniq) -> None:
    with pytest.raises(ValueError, match="Transactional enqueue"):
        await app.enqueue(TaskRef("jobs.one"), connection=object())
    with pytest.raises(ValueError, match="Transactional enqueue"):
        await app.enqueue_many(TaskRef("jobs.one"), [{}], connection=object())
    assert await count(app) == 0
