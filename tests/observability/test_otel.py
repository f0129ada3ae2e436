"""Spans of jobs, for programs that have set up OpenTelemetry."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from soniq import PermanentFailure, Snooze, Soniq
from soniq.testing import Clock, drain, make_app
from tests.observability.otel_setup import (
    Recorded,
    attributes,
    its_id,
    parent,
    recorded,
    set_up,
    spanning,
)
from tests.worker.conftest import MakeApp, store
from tests.worker.conftest import make_app as make_app_on_each_store

__all__ = ["make_app_on_each_store", "recorded", "store"]


async def test_a_trace_goes_from_the_request_through_the_job_to_its_children(
    make_app_on_each_store: MakeApp, recorded: Recorded
) -> None:
    app = await make_app_on_each_store()

    @app.job(name="shop.order", queue="orders")
    async def order(number: int) -> None:
        with spanning("charge"):
            await app.enqueue(mail, to="ann")

    @app.job(name="shop.mail", queue="mails")
    def mail(to: str) -> None:
        with spanning("smtp"):
            pass

    with spanning("POST /orders"):
        job_id = await app.enqueue(order, number=7)
    await drain(app)

    story = ["POST /orders", "send orders", "process shop.order", "charge"]
    story += ["send mails", "process shop.mail", "smtp"]
    spans = [recorded.span(name) for name in story]
    assert len({span.context.trace_id for span in spans}) == 1
    assert [parent(span) for span in spans] == [None, *(its_id(span) for span in spans[:-1])]
    send, process = spans[1], spans[2]
    assert (send.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert [link.context.span_id for link in process.links] == [its_id(send)]
    assert attributes(send) == {
        "messaging.system": "soniq",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "orders",
        "messaging.message.id": job_id,
        "messaging.soniq.job.name": "shop.order",
        "messaging.client.id": (await app.get_job(job_id) or {})["producer_id"],
    }
    assert attributes(process) == {
        "messaging.system": "soniq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders",
        "messaging.message.id": job_id,
        "messaging.soniq.job.name": "shop.order",
        "messaging.soniq.message.delivery_attempt": 1,
        "messaging.soniq.outcome": "done",
    }
    assert {span.status.status_code for span in spans} == {StatusCode.UNSET}


async def test_each_attempt_is_a_span_that_tells_its_failure(
    make_app_on_each_store: MakeApp, recorded: Recorded
) -> None:
    app = await make_app_on_each_store(max_retries=1)

    @app.job(name="shop.fails")
    async def fails() -> None:
        raise ConnectionError("no route")

    await app.enqueue(fails)
    await drain(app)
    first, second = recorded.spans("process shop.fails")
    send = recorded.span("send default")
    assert parent(first) == parent(second) == its_id(send)
    for span, attempt, outcome in ((first, 1, "failed"), (second, 2, "dead_letter")):
        assert attributes(span)["messaging.soniq.message.delivery_attempt"] == attempt
        assert attributes(span)["messaging.soniq.outcome"] == outcome
        assert attributes(span)["error.type"] == "ConnectionError"
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "no route")
        assert [event.name for event in span.events] == ["exception"]


async def test_a_batch_is_one_span(make_app_on_each_store: MakeApp, recorded: Recorded) -> None:
    app = await make_app_on_each_store()
    app.job(name="shop.job")(lambda n: n)
    await app.enqueue_many("shop.job", [{"n": n} for n in range(3)], dedup_keys=["a", None, "a"])
    await drain(app)
    send = recorded.span("send default")
    assert attributes(send)["messaging.batch.message_count"] == 3
    assert attributes(send)["messaging.soniq.deduplicated"] == 1
    assert "messaging.message.id" not in attributes(send)
    assert [parent(span) for span in recorded.spans("process shop.job")] == [its_id(send)] * 2


async def test_a_dedup_hit_names_the_job_that_is_there(recorded: Recorded) -> None:
    app = make_app()
    app.job(name="shop.job")(lambda: None)
    held = await app.enqueue("shop.job", dedup_key="key")
    assert await app.enqueue("shop.job", dedup_key="key") == held
    first, second = recorded.spans("send default")
    assert "messaging.soniq.deduplicated" not in attributes(first)
    assert attributes(second)["messaging.soniq.deduplicated"] == 1
    assert attributes(second)["messaging.message.id"] == held


async def test_blocking_code_and_threads_are_in_the_trace(recorded: Recorded) -> None:
    app = make_app()

    @app.job(name="shop.inner")
    def inner() -> None:
        with spanning("in the inner thread"):
            pass

    @app.job(name="shop.outer")
    def outer() -> None:
        app.sync.enqueue(inner)

    def program() -> None:
        with spanning("request"):
            app.sync.enqueue(outer)

    await asyncio.to_thread(program)
    await drain(app)
    chain = ["request", "process shop.outer", "process shop.inner", "in the inner thread"]
    assert len({recorded.span(name).context.trace_id for name in chain}) == 1
    sends = recorded.spans("send default")
    assert parent(sends[0]) == its_id(recorded.span("request"))
    assert parent(sends[1]) == its_id(recorded.span("process shop.outer"))
    assert parent(recorded.span("in the inner thread")) == its_id(recorded.span(chain[2]))


async def test_a_callers_transaction_carries_the_trace(recorded: Recorded, pg_url: str) -> None:
    async with Soniq(pg_url) as app:
        await app.setup()
        app.job(name="shop.job")(lambda n: n)
        connection = await asyncpg.connect(pg_url)
        async with connection.transaction():
            await app.enqueue("shop.job", args={"n": 1}, connection=connection)
            await app.enqueue_many("shop.job", [{"n": 2}, {"n": 3}], connection=connection)
        await connection.close()
        assert await drain(app) == [1, 2, 3]
    one, many = map(its_id, recorded.spans("send default"))
    assert [parent(span) for span in recorded.spans("process shop.job")] == [one, many, many]


async def test_baggage_reaches_the_handler_and_its_children(recorded: Recorded) -> None:
    app, seen = make_app(), []

    @app.job
    async def outer() -> None:
        seen.append(baggage.get_baggage("tenant"))
        await app.enqueue(inner)

    @app.job
    def inner() -> None:
        seen.append(baggage.get_baggage("tenant"))

    token = context.attach(baggage.set_baggage("tenant", "blue"))
    await app.enqueue(outer)
    context.detach(token)
    await drain(app)
    assert seen == ["blue", "blue"]


async def test_baggage_that_is_too_much_is_left_behind_and_the_trace_is_not(
    recorded: Recorded,
) -> None:
    app, seen = make_app(), []
    app.job(name="shop.job")(lambda: seen.append(baggage.get_all()))
    carried = context.get_current()
    for number in range(100):
        carried = baggage.set_baggage(f"key{number}", "x" * 60, carried)
    token = context.attach(carried)
    await app.enqueue("shop.job")
    context.detach(token)
    await drain(app)
    assert list(map(dict, seen)) == [{}]
    assert parent(recorded.span("process shop.job")) == its_id(recorded.span("send default"))


async def test_runs_of_a_schedule_begin_traces_of_their_own(recorded: Recorded) -> None:
    clock = Clock()
    app = make_app(clock=clock)
    app.periodic(every=timedelta(hours=1), name="shop.hourly")(lambda: None)
    with spanning("the worker's own"):
        await clock.advance("2 hours")
    first, second = recorded.spans("process shop.hourly")
    assert first.parent is second.parent is None
    assert first.context.trace_id != second.context.trace_id


async def test_what_is_put_off_is_no_error(recorded: Recorded) -> None:
    app = make_app()
    app.job(name="shop.snooze")(lambda: Snooze(60))
    await app.enqueue("shop.snooze")
    await drain(app)
    span = recorded.span("process shop.snooze")
    assert attributes(span)["messaging.soniq.outcome"] == "snoozed"
    assert span.status.status_code is StatusCode.UNSET


async def test_hooks_and_middleware_are_in_the_span(recorded: Recorded) -> None:
    app, seen = make_app(max_retries=0), []

    def note() -> None:
        seen.append(trace.get_current_span().get_span_context().span_id)

    app.before_job(note)
    app.after_job(note)
    app.on_error(note)

    @app.middleware
    async def around(ctx: Any, call_next: Any) -> Any:
        note()
        return await call_next(ctx)

    @app.job(name="shop.job")
    async def work(*, fail: bool) -> None:
        if fail:
            raise PermanentFailure("no")

    await app.enqueue(work, fail=False)
    await app.enqueue(work, fail=True)
    await drain(app)
    done, failed = map(its_id, recorded.spans("process shop.job"))
    # after_job is called once the end is stored, perhaps when the next run has begun.
    assert sorted(seen) == sorted([done] * 3 + [failed] * 3)


async def test_an_enqueue_that_fails_tells_of_it(recorded: Recorded) -> None:
    app = make_app()
    app.job(name="shop.job")(lambda: None)
    with pytest.raises(ValueError, match="Transactional"):
        await app.enqueue("shop.job", connection=object())
    span = recorded.span("send default")
    assert attributes(span)["error.type"] == "ValueError"
    assert span.status.status_code is StatusCode.ERROR
    [(numbers, count)] = recorded.points("messaging.client.sent.messages")
    assert (numbers["error.type"], count) == ("ValueError", 1)


async def test_what_is_not_sampled_stays_so_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    app, seen = make_app(), []
    app.job(name="shop.job")(
        lambda: seen.append(trace.get_current_span().get_span_context().trace_flags.sampled)
    )
    with set_up(monkeypatch, ALWAYS_OFF):
        await app.enqueue("shop.job")
    with set_up(monkeypatch) as recorded:
        await drain(app)
        assert recorded.spans() == []
    assert seen == [False]
