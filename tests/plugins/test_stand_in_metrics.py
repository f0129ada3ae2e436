"""A plugin of one's own in the stead of the one that keeps metrics."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from soniq import JobContext, Soniq
from soniq.plugins import Plugin
from soniq.plugins.metrics import Metrics
from soniq.testing import drain

RECORDED = [("counter", "mails", 1), ("gauge", "level", 7), ("histogram", "size", 1.5)]


class Keeper(Plugin):
    """Keeps what it is given, as slowly as it is told to."""

    def __init__(self, pause: float = 0.0) -> None:
        self.kept: list[Any] = []
        self.pause = pause

    @staticmethod
    def get_identifier() -> str:
        return "soniq.metrics"

    async def increment_counter(self, metric_key: str, value: float = 1) -> None:
        await self.keep("counter", metric_key, value)

    async def record_gauge(self, metric_key: str, value: float) -> None:
        await self.keep("gauge", metric_key, value)

    async def record_histogram_value(self, metric_key: str, value: float) -> None:
        await self.keep("histogram", metric_key, value)

    async def keep(self, *entry: object) -> None:
        await asyncio.sleep(self.pause)
        self.kept.append(entry)


def app_with(plugin: Plugin, **settings: Any) -> Soniq:
    app = Soniq(backend="memory", plugins=[plugin], **settings)

    def record(ctx: JobContext) -> None:
        ctx.metrics.counter("mails")
        ctx.metrics.gauge("level", 7)
        ctx.metrics.histogram("size", 1.5)

    @app.job(name="on.the.loop")
    async def on_the_loop(ctx: JobContext) -> None:
        record(ctx)

    app.job(name="in.a.thread")(record)
    return app


@pytest.mark.parametrize("name", ["on.the.loop", "in.a.thread"])
async def test_what_handlers_record_goes_to_it_in_order(name: str) -> None:
    keeper = Keeper()
    async with app_with(keeper) as app:
        await app.enqueue(name)
        await app.run_worker(run_once=True)
        assert keeper.kept == RECORDED
        await app.enqueue(name)
        await drain(app)
        assert keeper.kept == RECORDED * 2


async def test_one_that_refines_the_built_in_is_asked_itself() -> None:
    class Refined(Metrics):
        def __init__(self) -> None:
            super().__init__()
            self.counted: list[str] = []

        async def increment_counter(self, metric_key: str, value: float = 1) -> None:
            self.counted.append(metric_key)
            await super().increment_counter(f"shop:{metric_key}", value)

    refined = Refined()
    async with app_with(refined) as app:
        await app.enqueue("on.the.loop")
        await app.run_worker(run_once=True)
        assert refined.counted == ["mails"]
        assert {"shop:mails", "level", "size"} <= set(await refined.list_metrics(app))


async def test_one_that_fails_or_hangs_harms_no_job_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Keeper):
        async def record_gauge(self, metric_key: str, value: float) -> None:
            raise ValueError("full")

        async def record_histogram_value(self, metric_key: str, value: float) -> None:
            await asyncio.Event().wait()

    failing = Failing()
    async with app_with(failing, hook_timeout=0.1) as app:
        job_id = await app.enqueue("on.the.loop")
        with caplog.at_level(logging.WARNING, "soniq"):
            await app.run_worker(run_once=True)
        job = await app.get_job(job_id)
    assert job is not None
    assert job["status"] == "done"
    assert failing.kept == RECORDED[:1]
    assert "Plugin soniq.metrics: record_gauge failed: ValueError('full')" in caplog.text


async def test_one_that_is_too_slow_is_told_of_as_the_worker_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = Keeper(pause=3600)
    async with app_with(slow, hook_timeout=0.1) as app:
        await app.enqueue("on.the.loop")
        await app.enqueue("on.the.loop")
        with caplog.at_level(logging.WARNING, "soniq"):
            await app.run_worker(run_once=True)
    assert slow.kept == []
    assert "numbers of handlers were lost" in caplog.text


async def test_one_that_records_nothing_leaves_handlers_alone() -> None:
    class Silent(Plugin):
        @staticmethod
        def get_identifier() -> str:
            return "soniq.metrics"

    async with app_with(Silent()) as app:
        job_id = await app.enqueue("on.the.loop")
        await app.run_worker(run_once=True)
        job = await app.get_job(job_id)
    assert job is not None
    assert job["status"] == "done"
