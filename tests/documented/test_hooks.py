"""What is promised of hooks, a test a statement."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from soniq import Soniq


async def run(app: Soniq) -> None:
    await app.run_worker(run_once=True, concurrency=1)


def _adding(to: list[str], word: str) -> Callable[[str], None]:
    return lambda job_name: to.append(word)


@pytest.mark.parametrize("fails", [False, True])
async def test_hooks_of_one_event_run_in_the_order_of_their_registration(
    app: Soniq, fails: bool
) -> None:
    order: list[str] = []
    for name in ("before_job", "after_job", "on_error"):
        for number in range(3):
            getattr(app, name)(_adding(order, f"{name} {number}"))

    @app.job(name="work", retries=0)
    async def work() -> None:
        if fails:
            raise ValueError

    await app.enqueue(work)
    await run(app)
    last = "on_error" if fails else "after_job"
    assert order == [f"{event} {number}" for event in ("before_job", last) for number in range(3)]


async def test_before_job_is_told_name_id_and_attempt_right_before_the_handler(app: Soniq) -> None:
    told: list[Any] = []

    @app.before_job
    async def before(job_name: str, job_id: str, attempt: int) -> None:
        told.append((job_name, job_id, attempt))

    @app.job(retries=1)
    async def work() -> None:
        told.append("handler")
        if len(told) == 2:
            raise ValueError

    job_id = await app.enqueue(work)
    await run(app)
    name = f"{work.__module__}.work"
    assert str(UUID(job_id)) == job_id
    assert told == [(name, job_id, 1), "handler", (name, job_id, 2), "handler"]


async def test_after_job_is_told_the_wall_clock_milliseconds_of_a_success(app: Soniq) -> None:
    told: list[tuple[str, str, float]] = []

    @app.after_job
    async def after(job_name: str, job_id: str, duration_ms: float) -> None:
        told.append((job_name, job_id, duration_ms))

    @app.job(name="work")
    async def work() -> None:
        await asyncio.sleep(0.05)

    job_id = await app.enqueue(work)
    await run(app)
    [(name, given_id, took)] = told
    assert (name, given_id) == ("work", job_id)
    assert 45 <= took < 10_000


async def test_on_error_is_told_the_exceptions_text_and_the_attempt_that_failed(app: Soniq) -> None:
    told: list[tuple[str, str, str, int]] = []

    @app.on_error
    async def failed(job_name: str, job_id: str, error: str, attempt: int) -> None:
        told.append((job_name, job_id, error, attempt))

    @app.job(name="work", retries=1)
    async def work() -> None:
        raise ValueError("no 7")

    job_id = await app.enqueue(work)
    await run(app)
    assert told == [("work", job_id, "no 7", 1), ("work", job_id, "no 7", 2)]


def steps_of(app: Soniq) -> list[str]:
    """The order of what happens, written down by hooks of every event."""
    steps: list[str] = []
    app.before_job(lambda job_id: steps.append("before_job"))
    app.after_job(lambda job_id: steps.append("after_job"))
    app.on_error(lambda job_id: steps.append("on_error"))
    return steps


async def test_a_job_that_succeeds_goes_before_job_handler_after_job(app: Soniq) -> None:
    steps = steps_of(app)

    @app.job(name="work")
    async def work() -> None:
        steps.append("handler")

    await app.enqueue(work)
    await run(app)
    assert steps == ["before_job", "handler", "after_job"]


async def test_a_job_that_fails_goes_before_job_handler_on_error(app: Soniq) -> None:
    steps = steps_of(app)

    @app.job(name="work", retries=0)
    async def work() -> None:
        steps.append("handler")
        raise ValueError

    await app.enqueue(work)
    await run(app)
    assert steps == ["before_job", "handler", "on_error"]


async def test_each_attempt_has_either_after_job_or_on_error(app: Soniq) -> None:
    steps = steps_of(app)

    @app.job(name="work", retries=1)
    async def work() -> None:
        if len(steps) == 1:
            raise ValueError

    await app.enqueue(work)
    await run(app)
    assert steps == ["before_job", "on_error", "before_job", "after_job"]


def _broken_at(app: Soniq, event: str) -> None:
    decorator: Callable[[Callable[..., None]], object] = getattr(app, event)

    @decorator
    def broken(job_id: str) -> None:
        raise ConnectionError("tracer is away")


@pytest.mark.parametrize("event", ["before_job", "after_job"])
async def test_a_broken_hook_is_a_warning_and_prevents_neither_the_job_nor_its_result(
    app: Soniq, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    _broken_at(app, event)

    @app.job(name="work")
    async def work() -> str:
        return "kept"

    job_id = await app.enqueue(work)
    await run(app)
    assert await app.get_result(job_id) == "kept"
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert f"Hook {event} failed: ConnectionError('tracer is away')" in warnings


async def test_a_broken_on_error_hook_leaves_the_failure_what_it_was(
    app: Soniq, caplog: pytest.LogCaptureFixture
) -> None:
    _broken_at(app, "on_error")

    @app.job(name="work", retries=0)
    async def work() -> None:
        raise ValueError("the real one")

    job_id = await app.enqueue(work)
    await run(app)
    job = await app.get_job(job_id)
    assert job is not None
    assert (job["status"], job["attempts"]) == ("dead_letter", 1)
    assert job["last_error"].startswith("ValueError: the real one")
    assert "Hook on_error failed: ConnectionError('tracer is away')" in caplog.messages


async def test_what_is_to_stop_a_job_must_be_raised_by_the_handler_itself(app: Soniq) -> None:
    class Refused(Exception):
        pass

    @app.before_job
    def refuse(job_id: str) -> None:
        raise Refused

    @app.job(name="work", retries=0)
    async def work(refuse: bool) -> str:
        if refuse:
            raise Refused
        return "ran"

    ran, refused = await app.enqueue(work, refuse=False), await app.enqueue(work, refuse=True)
    await run(app)
    assert await app.get_result(ran) == "ran"
    job = await app.get_job(refused)
    assert job is not None
    assert job["status"] == "dead_letter"
