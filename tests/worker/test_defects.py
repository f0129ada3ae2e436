"""Whatever the code around a handler does, its run has an end and gives back what it held."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from soniq import JobContext, Snooze, Soniq
from soniq.metrics import MetricsSink
from soniq.worker.quarantine import PROCESS
from soniq.worker.threads import HandlerThreads
from tests.worker.conftest import MakeApp, until_status, working


@pytest.fixture
def store() -> dict[str, Any]:
    """None of this depends on the store."""
    return {"backend": "memory"}


async def failed_once(app: Soniq, job_id: str) -> str:
    """The error of a job that must be dead after one attempt, with the worker's slot free again."""
    async with working(app, concurrency=1):
        job = await until_status(app, job_id, "dead_letter")
        assert job["attempts"] == 1

        @app.job(name="next")
        async def following() -> None: ...

        await until_status(app, await app.enqueue(following), "done")
    return str(job["last_error"])


async def test_a_snooze_that_is_no_number_is_a_failure(app: Soniq) -> None:
    @app.job(name="napping", retries=0)
    async def napping() -> Snooze:
        return Snooze("soon")  # type: ignore[arg-type]

    error = await failed_once(app, await app.enqueue(napping))
    assert error.startswith("ValueError: could not convert string to float")


async def test_a_validator_that_breaks_when_the_job_runs_is_a_failure(app: Soniq) -> None:
    broken = False

    class Arguments(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def known(cls, n: int) -> int:
            if broken:
                raise KeyError("no such table")
            return n

    @app.job(name="checked", retries=0, validate=Arguments)
    async def checked(n: int) -> None: ...

    job_id = await app.enqueue(checked, n=1)
    broken = True
    assert (await failed_once(app, job_id)).startswith("KeyError: 'no such table'")


async def test_a_handler_that_raises_generator_exit_fails(app: Soniq) -> None:
    @app.job(name="closing", retries=0)
    async def closing() -> None:
        raise GeneratorExit

    assert (await failed_once(app, await app.enqueue(closing))).startswith("GeneratorExit")


class _Cancelled(MetricsSink):
    """Its client was shut down under it."""

    def __init__(self, at: str) -> None:
        self._at = at

    async def record_job_start(self, **start: Any) -> None:
        self._raise("start", start)

    async def record_job_end(self, **end: Any) -> None:
        self._raise("end", end)

    def _raise(self, at: str, reported: dict[str, Any]) -> None:
        if at == self._at and reported["job_name"] == "reported":
            raise asyncio.CancelledError


@pytest.mark.parametrize("at", ["start", "end"])
async def test_a_sink_that_is_cancelled_fails_the_run(make_app: MakeApp, at: str) -> None:
    app = await make_app(metrics_sink=_Cancelled(at))

    @app.job(name="reported", retries=0)
    async def reported() -> None: ...

    assert (await failed_once(app, await app.enqueue(reported))).startswith("CancelledError")


async def test_a_policy_that_exits_leaves_the_decision_to_the_default(make_app: MakeApp) -> None:
    class Exiting:
        def delay_for(self, **_: Any) -> float:
            raise SystemExit(3)

    app = await make_app(retry_policy=Exiting())
    attempts: list[int] = []

    @app.job(name="retried", retries=1)
    async def retried(ctx: JobContext) -> None:
        attempts.append(ctx.attempt)
        raise ValueError

    job_id = await app.enqueue(retried)
    async with working(app, concurrency=1):
        await until_status(app, job_id, "dead_letter")
    assert attempts == [1, 2]


async def test_a_middleware_that_calls_a_sync_handler_again_leaves_the_process_quiet(
    app: Soniq,
) -> None:
    @app.middleware
    async def again(ctx: JobContext, call_next: Callable[[JobContext], Awaitable[Any]]) -> Any:
        await call_next(ctx)
        return await call_next(ctx)

    @app.job(name="twice")
    def twice() -> None: ...

    async with working(app):
        await until_status(app, await app.enqueue(twice), "done")
        assert PROCESS.quiet()


async def test_a_call_beyond_the_last_thread_waits_for_one() -> None:
    threads = HandlerThreads(1, lambda: None)
    beside = threading.Event()
    for _ in range(2):
        threads.reserve()
    first = threads.submit(lambda: beside.wait(0.2))
    second = threads.submit(beside.set)
    assert await first is False
    await second
    assert (threads.busy, threads.free) == (0, 1)
    threads.close()


async def test_a_waiting_call_that_is_abandoned_is_never_made() -> None:
    threads = HandlerThreads(1, lambda: None)
    gate, made = threading.Event(), threading.Event()
    for _ in range(2):
        threads.reserve()
    first = threads.submit(gate.wait)
    threads.submit(made.set).cancel()
    gate.set()
    await first
    threads.reserve()
    await threads.submit(lambda: None)
    assert (made.is_set(), threads.busy) == (False, 0)
    threads.close()
