"""Asserting that jobs were enqueued."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from soniq import TaskRef
from soniq.testing import assert_enqueued, drain, make_app, wait_until
from tests.worker.conftest import MakeApp, store
from tests.worker.conftest import make_app as make_app_on_each_store

__all__ = ["make_app_on_each_store", "store"]


def app_with_jobs() -> Any:
    app = make_app(enqueue_validation="none")

    @app.job(name="mail.send", queue="mail")
    async def send(to: str, order: uuid.UUID | None = None, password: str = "") -> None: ...

    return app, send


async def test_it_returns_the_jobs_that_match() -> None:
    app, send = app_with_jobs()
    order = uuid.uuid4()
    first = await app.enqueue(send, to="ann", order=order)
    second = await app.enqueue(send, to="bob")
    assert [job["id"] for job in assert_enqueued(app, send)] == [first, second]
    assert [job["id"] for job in assert_enqueued(app, send, to="ann", order=order)] == [first]
    assert len(assert_enqueued(app, "mail.send", queue="mail", count=2)) == 2
    assert len(assert_enqueued(app, TaskRef("mail.send"), to="bob", count=1)) == 1
    assert assert_enqueued(app, "mail.other", count=0) == []
    [job] = await assert_enqueued(app, send, to="bob")
    assert job["args"] == {"to": "bob"}


async def test_what_has_run_was_enqueued_too() -> None:
    app, send = app_with_jobs()
    await app.enqueue(send, to="ann")
    await app.enqueue("mail.fails", args={})
    await drain(app)
    await assert_enqueued(app, send, to="ann")
    await assert_enqueued(app, "mail.fails")


async def test_a_failure_shows_what_comes_near() -> None:
    app, send = app_with_jobs()
    for name in ("ann", "bob"):
        await app.enqueue(send, to=name, password="hunter2")
    await app.enqueue("audit.log", args={"what": "x"})
    with pytest.raises(AssertionError) as raised:
        await assert_enqueued(app, send, to="ann", queue="urgent", password="sesame", missing=1)
    lines = str(raised.value).splitlines()
    assert lines[0] == (
        "expected a job mail.send on queue 'urgent' with to='ann', password='***', missing=1"
        " to be enqueued, found none"
    )
    assert lines[1] == "Near misses:"
    assert lines[2].endswith(
        "queued, queue 'mail', {'to': 'ann', 'password': '***'}: queue is 'mail', not 'urgent';"
        " password is '***', not '***'; there is no argument missing"
    )
    assert "to is 'bob', not 'ann'" in lines[3]
    assert lines[4] == "Other jobs that are stored: audit.log"
    assert "hunter2" not in str(raised.value)
    assert "sesame" not in str(raised.value)


async def test_a_wrong_number_shows_those_found() -> None:
    app, send = app_with_jobs()
    with pytest.raises(AssertionError, match="found none\nNo job at all is stored"):
        await assert_enqueued(app, send)
    await app.enqueue(send, to="ann")
    with pytest.raises(AssertionError, match=r"expected 2 jobs mail\.send .*found 1\n.*'ann'"):
        await assert_enqueued(app, send, count=2)
    with pytest.raises(AssertionError, match=r"expected no job mail\.send .*found 1"):
        await assert_enqueued(app, send, count=0)


async def test_it_is_awaited_on_every_store(make_app_on_each_store: MakeApp) -> None:
    app = await make_app_on_each_store(max_retries=0)

    @app.job
    async def work(n: int) -> int:
        return 1 // n

    await app.enqueue_many(work, [{"n": 0}, {"n": 1}])
    await drain(app)
    found = await assert_enqueued(app, work, count=2)
    assert [job["status"] for job in found] == ["dead_letter", "done"]
    with pytest.raises(AssertionError, match="n is 0, not 7"):
        await assert_enqueued(app, work, n=7)


async def test_wait_until_waits_for_plain_and_async_predicates() -> None:
    looks: list[int] = []

    def third() -> bool:
        looks.append(1)
        return len(looks) == 3

    async def sixth() -> list[int]:
        looks.append(1)
        return looks[5:]

    await wait_until(third, poll=0)
    await wait_until(sixth, poll=0.001)
    assert len(looks) == 6


async def test_wait_until_gives_up_with_a_message() -> None:
    def never() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"no mail was sent \(waited 0.02 seconds\)"):
        await wait_until(never, timeout=0.02, message="no mail was sent")
    with pytest.raises(AssertionError, match="never did not come true"):
        await wait_until(never, timeout=0)


async def test_wait_until_gives_up_on_a_predicate_that_does_not_return() -> None:
    async def hangs() -> bool:
        await asyncio.Event().wait()
        return True

    async with asyncio.timeout(10):
        with pytest.raises(AssertionError, match=r"hangs did not come true \(waited 0.05 seconds"):
            await wait_until(hangs, timeout=0.05)
        with pytest.raises(AssertionError, match=r"\(waited 0.05 seconds"):
            await wait_until(lambda: False, timeout=0.05, poll=3600)


async def test_wait_until_lets_what_a_predicate_raises_through() -> None:
    async def breaks() -> bool:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await wait_until(breaks)
