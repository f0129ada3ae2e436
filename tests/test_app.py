"""The life of a Soniq object: settings, opening, closing, freezing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from soniq import Soniq, SoniqError, TaskRef
from soniq.backends.base import Unavailable
from soniq.backends.memory import MemoryBackend
from soniq.errors import (
    SONIQ_APP_CLOSED,
    SONIQ_APP_FROZEN,
    SONIQ_DATABASE_UNAVAILABLE,
    SONIQ_INIT_ERROR,
    SONIQ_POOL_TOO_SMALL,
)
from soniq.observability.metrics import NoopMetricsSink
from soniq.retry import ExponentialBackoff
from soniq.settings import SoniqSettings

REF = TaskRef("jobs.one")


class CountingBackend(MemoryBackend):
    """Counts its openings; `trouble` makes the next ones fail."""

    def __init__(self, trouble: Exception | None = None) -> None:
        super().__init__()
        self.opened = 0
        self.closed = 0
        self.trouble = trouble

    async def open(self, settings: SoniqSettings) -> None:
        await asyncio.sleep(0)
        self.opened += 1
        if self.trouble is not None:
            raise self.trouble
        await super().open(settings)

    async def close(self) -> None:
        self.closed += 1


def test_making_one_needs_no_loop_and_builds_nothing() -> None:
    app = Soniq("memory://")
    assert app.backend is None
    assert (app.is_closed, app.is_initialized) == (False, False)
    assert isinstance(app.retry_policy, ExponentialBackoff)


def test_settings_come_from_keywords_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONIQ_CONCURRENCY", "7")
    monkeypatch.setenv("SONIQ_PRIORITY", "5")
    app = Soniq("memory://", concurrency=9)
    assert (app.settings.concurrency, app.settings.priority) == (9, 5)


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"concurency": 3}, TypeError, "'concurency'; did you mean 'concurrency'"),
        ({"retry_polcy": None}, TypeError, "did you mean 'retry_policy'"),
        ({"concurrency": 0}, ValueError, "concurrency"),
        ({"max_args_bytes": 3}, ValueError, "max_args_bytes"),
        ({"heartbeat_interval": 30, "heartbeat_timeout": 60}, ValueError, "heartbeat_timeout"),
    ],
)
def test_bad_settings(keywords: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Soniq("memory://", **keywords)


async def test_first_use_opens_once_however_many_come() -> None:
    backend = CountingBackend()
    app = Soniq(backend=backend)
    await asyncio.gather(*(app.enqueue(REF) for _ in range(20)), app.ensure_initialized())
    assert backend.opened == 1
    assert app.is_initialized
    assert app.backend is backend
    await app.close()


async def test_closed_refuses_until_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    app = Soniq(backend="memory")
    job_id = await app.enqueue(REF)
    await app.close()
    assert (app.is_closed, app.is_initialized) == (True, False)
    for call in (app.enqueue(REF), app.get_job(job_id), app.setup(), app.run_worker()):
        with pytest.raises(SoniqError) as caught:
            await call
        assert caught.value.error_code == SONIQ_APP_CLOSED
    with caplog.at_level(logging.WARNING, "soniq.app"):
        await app.close()
    assert "closed already" in caplog.text
    await app.ensure_initialized()
    assert await app.get_job(job_id) is not None
    async with app:
        assert await app.enqueue(REF)
    assert app.is_closed


async def test_close_waits_for_enqueues_under_way() -> None:
    app = Soniq(backend="memory")
    await app.ensure_initialized()
    tasks = [asyncio.create_task(app.enqueue(REF)) for _ in range(10)]
    await asyncio.sleep(0)
    await app.close()
    assert len({await task for task in tasks}) == 10


async def test_a_close_during_the_opening_leaves_nothing_open() -> None:
    backend = CountingBackend()
    app = Soniq(backend=backend)
    opening = asyncio.create_task(app.ensure_initialized())
    await asyncio.sleep(0)
    await app.close()
    await opening
    assert (app.is_closed, app.is_initialized) == (True, False)
    assert (backend.opened, backend.closed) == (1, 1)


async def test_a_failed_opening_closes_and_says_why() -> None:
    backend = CountingBackend(RuntimeError("no such disk"))
    app = Soniq(backend=backend)
    with pytest.raises(SoniqError, match="no such disk") as caught:
        await app.ensure_initialized()
    assert caught.value.error_code == SONIQ_INIT_ERROR
    assert caught.value.__cause__ is backend.trouble
    assert (backend.closed, app.is_initialized) == (1, False)
    backend.trouble = None
    await app.ensure_initialized()
    assert app.is_initialized
    await app.close()


async def test_a_database_that_is_away_at_first_use() -> None:
    backend = CountingBackend(Unavailable("connection refused"))
    app = Soniq(backend=backend, database_timeout=0.2)
    with pytest.raises(SoniqError, match="connection refused") as caught:
        await app.enqueue(REF)
    assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE
    assert caught.value.context == {"database": "memory://"}
    with pytest.raises(SoniqError) as caught:
        await app.ensure_initialized()
    assert caught.value.error_code == SONIQ_INIT_ERROR
    assert backend.opened > 2


async def test_the_retry_policy_is_frozen_once_initialised() -> None:
    app = Soniq(backend="memory")
    policy = ExponentialBackoff()
    app.retry_policy = policy
    async with app:
        with pytest.raises(SoniqError) as caught:
            app.retry_policy = ExponentialBackoff()
        assert caught.value.error_code == SONIQ_APP_FROZEN
        assert app.retry_policy is policy


class Counting(ExponentialBackoff, NoopMetricsSink):
    """Falsy as long as it has counted nothing, like every collection."""

    def __len__(self) -> int:
        return 0


def test_what_is_empty_is_given_all_the_same() -> None:
    given = Counting()
    app = Soniq(backend="memory", retry_policy=given, metrics_sink=given)
    assert app.retry_policy is given
    assert app.metrics_sink is given


def test_none_is_the_default_however_it_is_given() -> None:
    given = Counting()
    app = Soniq(backend="memory", retry_policy=given, metrics_sink=given)
    app.retry_policy = None
    app.metrics_sink = None
    assert type(app.retry_policy) is ExponentialBackoff
    assert type(app.metrics_sink) is NoopMetricsSink


async def test_setup_of_memory_applies_nothing() -> None:
    async with Soniq(backend="memory") as app:
        assert await app.setup() == 0


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"queues": []}, ValueError, "queues must not be empty"),
        ({"queues": "mail"}, TypeError, "queues must be a list of names"),
        ({"queues": [""]}, ValueError, "queue must not be empty"),
        ({"concurrency": 0}, ValueError, "concurrency must be a whole number from 1"),
        ({"concurrency": 10001}, ValueError, "concurrency must be"),
    ],
)
async def test_what_no_worker_can_do(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    async with Soniq(backend="memory") as app:
        with pytest.raises(error, match=text):
            await app.run_worker(run_once=True, **options)
        assert await app.list_workers() == []


async def test_a_pool_too_small_for_the_worker() -> None:
    async with Soniq(backend="memory", pool_max_size=5, pool_headroom=2) as app:
        with pytest.raises(SoniqError, match="Connection pool too small") as caught:
            await app.run_worker(concurrency=4, run_once=True)
        assert caught.value.error_code == SONIQ_POOL_TOO_SMALL
        assert caught.value.context == {
            "concurrency": 4,
            "pool_headroom": 2,
            "pool_max_size": 5,
            "required_connections": 6,
        }
        remedies = " ".join(caught.value.suggestions)
        assert "SONIQ_POOL_MAX_SIZE" in remedies
        assert "lower concurrency" in remedies
        assert await app.run_worker(concurrency=3, run_once=True) is False


async def test_jobs_run_and_their_results_come_back() -> None:
    async with Soniq(backend="memory") as app:

        @app.job()
        async def add(a: int, b: int) -> int:
            return a + b

        job_id = await app.enqueue(add, a=2, b=3)
        assert await app.get_result(job_id) is None
        assert await app.run_worker(run_once=True) is True
        assert await app.get_result(job_id) == 5
        status = await app.get_job_status(job_id)
        assert status is not None
        assert status["status"] == "done"
