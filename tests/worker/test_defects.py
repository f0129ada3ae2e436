"""Whatever the code around a handler does, its run has an end and gives back what it held."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, field_validator, model_serializer

from soniq import JobContext, RetryAfter, Snooze, Soniq
from soniq.metrics import MetricsSink
from soniq.plugins import Plugin, PluginJob, PluginWorker
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
    assert error.startswith("TypeError: Snooze() takes seconds or a timedelta, got str")


@dataclass(frozen=True)
class _Nap(Snooze):
    """Its own constructor asks nothing of the seconds."""

    seconds: Any = "soon"


async def test_a_snooze_of_the_users_own_kind_that_is_no_number_is_a_failure(app: Soniq) -> None:
    @app.job(name="napping", retries=0)
    async def napping() -> Snooze:
        return _Nap()

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


class _Raising(MetricsSink):
    """Raises when it is told of the start, or the end, of jobs called "reported"."""

    def __init__(self, at: str, error: BaseException) -> None:
        self._at = at
        self._error = error
        self.ends = 0

    async def record_job_start(self, **start: Any) -> None:
        self._raise("start", start)

    async def record_job_end(self, **end: Any) -> None:
        self.ends += 1
        self._raise("end", end)

    def _raise(self, at: str, reported: dict[str, Any]) -> None:
        if at == self._at and reported["job_name"] == "reported":
            raise self._error


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit, SystemExit])
@pytest.mark.parametrize("at", ["start", "end"])
async def test_whatever_a_sink_raises_fails_the_run_and_each_start_has_one_end(
    make_app: MakeApp, at: str, error: type[BaseException]
) -> None:
    sink = _Raising(at, error())
    app = await make_app(metrics_sink=sink)

    @app.job(name="reported", retries=0)
    async def reported() -> None: ...

    text = await failed_once(app, await app.enqueue(reported))
    assert text.startswith(error.__name__)
    assert sink.ends == 2  # of this job and of the one after it


class _Busy(RetryAfter):
    """Does not call what it inherits, and so has set no seconds."""

    def __init__(self) -> None: ...


@pytest.mark.parametrize("where", ["handler", "policy", "middleware", "sink"])
async def test_a_retry_after_that_says_no_time_tries_again_at_once(
    make_app: MakeApp, where: str
) -> None:
    class Policy:
        def delay_for(self, **_: Any) -> float:
            raise _Busy

    app = await make_app(
        retry_policy=Policy() if where == "policy" else None,
        metrics_sink=_Raising("start", _Busy()) if where == "sink" else None,
    )

    @app.middleware
    async def busy(ctx: JobContext, call_next: Callable[[JobContext], Awaitable[Any]]) -> Any:
        if where == "middleware" and ctx.job_name == "reported":
            raise _Busy
        return await call_next(ctx)

    @app.job(name="reported", retries=1, retry_delay=3600)
    async def reported() -> None:
        raise ValueError if where == "policy" else _Busy

    @app.job(name="next")
    async def following() -> None: ...

    job_id = await app.enqueue(reported)
    async with working(app, concurrency=1):
        assert (await until_status(app, job_id, "dead_letter"))["attempts"] == 2
        await until_status(app, await app.enqueue(following), "done")


class _Seconds(RetryAfter):
    """Breaks when it is asked for its seconds."""

    def __init__(self) -> None: ...

    @property
    def seconds(self) -> float:  # type: ignore[override]
        raise SystemExit(4)


class _Mute(Exception):
    """Breaks when it is asked what it is."""

    def __str__(self) -> str:
        raise SystemExit(4)

    __repr__ = __str__


class _Shapeless(Exception):
    """Breaks when it is asked for its class, as a proxy of nothing does."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise LookupError("proxy of nothing")


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize("kind", [_Seconds, _Mute, _Shapeless])
async def test_an_error_that_breaks_whoever_looks_at_it_is_a_failure(
    app: Soniq, kind: type[Exception], is_async: bool
) -> None:
    @app.on_error
    def look(error: BaseException) -> None:
        raise kind

    def breaks() -> None:
        raise kind

    async def breaks_async() -> None:
        raise kind

    app.job(name="breaks", retries=0)(breaks_async if is_async else breaks)
    assert kind.__name__ in await failed_once(app, await app.enqueue("breaks"))


async def test_an_error_that_breaks_the_decision_is_tried_again_by_the_options_of_the_job(
    app: Soniq,
) -> None:
    @app.job(name="shapeless", retries=1, retry_delay=3600)
    async def shapeless() -> None:
        raise _Shapeless

    job_id = await app.enqueue(shapeless)
    await app.run_worker(run_once=True)
    job = await app.get_job(job_id)
    assert job is not None
    assert (job["status"], job["attempts"]) == ("queued", 1)
    assert (job["scheduled_at"] - job["updated_at"]).total_seconds() > 3000
    assert "_Shapeless" in job["last_error"]


async def test_a_result_that_breaks_whoever_looks_at_it_is_a_failure(app: Soniq) -> None:
    @app.job(name="shapeless", retries=0)
    async def shapeless() -> Exception:
        return _Shapeless()

    error = await failed_once(app, await app.enqueue(shapeless))
    assert error.startswith("LookupError: proxy of nothing")


async def test_a_result_that_breaks_whoever_writes_it_is_dropped(app: Soniq) -> None:
    class Result(BaseModel):
        @model_serializer
        def write(self) -> dict[str, Any]:
            raise SystemExit(4)

    @app.job(name="unwritable")
    async def unwritable() -> Result:
        return Result()

    ids = [await app.enqueue(unwritable) for _ in range(2)]
    async with working(app, concurrency=1):
        for job_id in ids:
            assert (await until_status(app, job_id, "done"))["result"] is None


async def test_a_hook_that_raises_generator_exit_hides_no_error(app: Soniq) -> None:
    @app.on_error
    def closing(job_name: str) -> None:
        raise GeneratorExit

    @app.job(name="hooked", retries=0)
    async def hooked() -> None:
        raise ValueError("the real error")

    error = await failed_once(app, await app.enqueue(hooked))
    assert error.startswith("ValueError: the real error\n")
    assert "GeneratorExit" in error


class _Closing(Plugin):
    """Raises GeneratorExit in one of its methods."""

    def __init__(self, method: str) -> None:
        self._method = method

    @staticmethod
    def get_identifier() -> str:
        return "tests.closing"

    async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
        self._raise("on_job_starting", job)

    async def on_job_completed(
        self, *, worker: PluginWorker, job: PluginJob, exception: BaseException | None, result: Any
    ) -> None:
        self._raise("on_job_completed", job)

    def _raise(self, method: str, job: PluginJob) -> None:
        if method == self._method and job.job_name == "attended":
            raise GeneratorExit


@pytest.mark.parametrize("method", ["on_job_starting", "on_job_completed"])
async def test_a_plugin_that_raises_generator_exit_costs_no_slot(
    make_app: MakeApp, method: str
) -> None:
    app = await make_app(plugins=[_Closing(method)])

    @app.job(name="attended", retries=0)
    async def attended() -> None: ...

    assert (await failed_once(app, await app.enqueue(attended))).startswith("GeneratorExit")


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
