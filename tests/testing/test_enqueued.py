"""Asserting that jobs were enqueued."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from soniq import Soniq, TaskRef
from soniq.testing import assert_enqueued, drain, enqueued, make_app, wait_until
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


class Login(BaseModel):
    user: str
    pin: SecretStr


def by_signature(app: Soniq) -> Any:
    @app.job
    async def sign_in(user: str, pin: SecretStr, other: Login | None = None) -> None: ...

    return sign_in


def by_model(app: Soniq) -> Any:
    @app.job(validate=Login)
    async def sign_in(**fields: Any) -> None: ...

    return sign_in


def elsewhere(app: Soniq) -> Any:
    async def sign_in(user: str, pin: SecretStr) -> None: ...

    return sign_in


@pytest.mark.parametrize("define", [by_signature, by_model, elsewhere])
async def test_a_secret_matches_what_was_enqueued(define: Callable[[Soniq], Any]) -> None:
    app = make_app(enqueue_validation="none")
    sign_in = define(app)
    await app.enqueue(sign_in, user="ann", pin=SecretStr("sesame"))
    [job] = assert_enqueued(app, sign_in, user="ann", pin=SecretStr("sesame"))
    assert job["args"]["pin"] == "sesame"
    await assert_enqueued(app, sign_in, pin="sesame")
    with pytest.raises(AssertionError, match="pin is ") as raised:
        await assert_enqueued(app, sign_in, pin=SecretStr("hocus"))
    assert "hocus" not in str(raised.value)
    if define is not elsewhere:
        assert "pin is '***', not '***'" in str(raised.value)
        assert "sesame" not in str(raised.value)


async def test_a_secret_matches_inside_a_model_and_through_a_reference() -> None:
    app = make_app()
    sign_in = by_signature(app)
    other = Login(user="bob", pin=SecretStr("sesame"))
    await app.enqueue(sign_in, user="ann", pin="1", other=other)
    await assert_enqueued(app, sign_in, other=other)
    with pytest.raises(AssertionError, match="other is"):
        await assert_enqueued(app, sign_in, other=Login(user="bob", pin=SecretStr("hocus")))

    ref = TaskRef("sign.in", Login)
    await app.enqueue(ref, args={"user": "ann", "pin": SecretStr("sesame")})
    await assert_enqueued(app, ref, pin=SecretStr("sesame"))
    await assert_enqueued(app, ref, pin=SecretStr("hocus"), count=0)


async def test_a_value_that_fits_no_annotation_is_only_not_found() -> None:
    app, send = app_with_jobs()
    await app.enqueue(send, to="ann")
    with pytest.raises(AssertionError, match="to is 'ann', not 1"):
        await assert_enqueued(app, send, to=1)
    with pytest.raises(ValueError, match="written as JSON"):
        await assert_enqueued(app, send, to=object())


async def test_on_a_database_nothing_passes_for_asserted_that_was_not_awaited(
    tmp_path: Path,
) -> None:
    async with Soniq(tmp_path / "jobs.db", enqueue_validation="none") as app:
        found = assert_enqueued(app, "mail.send", count=0)
        for use in (len, list, bool, lambda jobs: jobs[0], lambda jobs: jobs == []):
            with pytest.raises(RuntimeError, match="write `await assert_enqueued"):
                use(found)
        assert (await found) == []


async def test_on_a_database_every_job_is_looked_at(
    make_app_on_each_store: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueued, "_PAGE", 3)
    app = await make_app_on_each_store(enqueue_validation="none")
    first = await app.enqueue("mail.first", args={})
    await app.enqueue_many("mail.send", [{"n": n} for n in range(7)])
    assert [job["id"] for job in await assert_enqueued(app, "mail.first")] == [first]
    await assert_enqueued(app, "mail.send", count=7)
    with pytest.raises(AssertionError, match="expected no job"):
        await assert_enqueued(app, "mail.first", count=0)


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
