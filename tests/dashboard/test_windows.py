"""What the figures of the last hours tell, and of how much of them they can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from soniq import Soniq
from soniq.plugins.metrics import Metrics
from tests.backends.conftest import store, unopened_store
from tests.backends.stores import PATIENCE, Store, settings
from tests.dashboard.conftest import OPERATOR, Ask, dashboard_of
from tests.scraping import Scraped, parsed

__all__ = ["store", "unopened_store"]

IN_MEMORY = pytest.mark.parametrize("unopened_store", ["memory"], indirect=True)


async def new_app(store: Store, *plugins: Metrics, **overrides: Any) -> Soniq:
    given = settings(max_retries=0, **overrides).model_dump(exclude_unset=True)
    app = Soniq(backend=await store.open(), plugins=plugins, **given)

    @app.job(name="mail.send", queue="mail")
    async def send(to: str = "") -> None:
        if to == "nobody":
            raise ValueError("no such address")

    await app.setup()
    return app


@pytest.fixture
async def app(store: Store) -> AsyncIterator[Soniq]:
    """Jobs that are done are kept for five minutes."""
    async with await new_app(store) as app:
        yield app


@pytest.fixture
async def counting(store: Store) -> AsyncIterator[Soniq]:
    """Jobs that are done are deleted at once, and counted."""
    async with await new_app(store, Metrics(), result_ttl=0) as app:
        yield app


async def end(store: Store, app: Soniq, done: int, dead: int = 0) -> None:
    """So many jobs end, some seconds ago."""
    for to in ["ann"] * done + ["nobody"] * dead:
        await app.enqueue("mail.send", args={"to": to})
    await asyncio.wait_for(app.run_worker(run_once=True), PATIENCE)
    # Workers count by a clock that goes on, and a test's stands still.
    await store.pass_time(5)


async def told(app: Soniq, ask: Ask) -> tuple[Any, Any, Any]:
    """The last hour, as each part of the API tells of it."""
    client = ask(dashboard_of(app), OPERATOR)
    return (
        (await client.get("/api/metrics?hours=1")).json(),
        (await client.get("/api/workers/stats")).json(),
        (await client.get("/api/system/health")).json(),
    )


def age(covers_since: str) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(covers_since)


async def test_old_dead_letters_do_not_outweigh_what_was_done(
    store: Store, app: Soniq, ask: Ask
) -> None:
    await end(store, app, 20, dead=1)
    await store.pass_time(1200)
    await end(store, app, 3)
    metrics, workers, health = await told(app, ask)
    assert (health["status"], health["error_rate_last_hour"]) == ("healthy", 0)
    assert metrics["success_rate"] == 100
    assert metrics["jobs_per_hour"] == pytest.approx(3 * 12)
    assert (metrics["dead_lettered"], workers["dead_lettered_last_hour"]) == (1, 1)


async def test_rates_are_of_the_time_that_is_known(store: Store, app: Soniq, ask: Ask) -> None:
    await end(store, app, 2, dead=1)
    await store.pass_time(1200)
    await end(store, app, 3, dead=1)
    metrics, _, health = await told(app, ask)
    assert metrics["success_rate"] == pytest.approx(75)
    assert (health["status"], health["error_rate_last_hour"]) == ("degraded", pytest.approx(25))


@pytest.mark.parametrize("hours", [1, 24])
async def test_every_answer_says_since_when_it_is_complete(
    app: Soniq, ask: Ask, hours: int
) -> None:
    client = ask(dashboard_of(app), OPERATOR)
    for path in (f"/api/metrics?hours={hours}", "/api/workers/stats", "/api/system/health"):
        since = (await client.get(path)).json()["covers_since"]
        assert age(since).total_seconds() == pytest.approx(300, abs=PATIENCE), path


async def test_where_nothing_is_kept_nothing_is_judged(store: Store, ask: Ask) -> None:
    async with await new_app(store, result_ttl=0) as app:
        await end(store, app, 5, dead=1)
        metrics, workers, health = await told(app, ask)
    assert (health["status"], health["error_rate_last_hour"]) == ("healthy", 0)
    assert (metrics["success_rate"], metrics["jobs_per_hour"]) == (None, 0)
    assert workers["dead_lettered_last_hour"] == 1


async def test_stored_series_tell_of_jobs_that_are_deleted(
    store: Store, counting: Soniq, ask: Ask
) -> None:
    await end(store, counting, 9, dead=1)
    metrics, workers, health = await told(counting, ask)
    assert (metrics["total_processed"], metrics["successful"]) == (10, 9)
    assert (metrics["dead_lettered"], metrics["success_rate"]) == (1, pytest.approx(90))
    assert metrics["avg_processing_time_ms"] > 0
    assert metrics["jobs_per_hour"] >= 10
    assert (workers["completed_last_hour"], workers["jobs_last_hour"]) == (9, 10)
    assert (health["status"], health["error_rate_last_hour"]) == ("healthy", pytest.approx(10))
    assert health["jobs_processed_last_hour"] == 10


@pytest.mark.parametrize("hours", [2, 24, 25, 168, 169, 2160])
async def test_stored_series_tell_of_any_window(
    store: Store, counting: Soniq, ask: Ask, hours: int
) -> None:
    await end(store, counting, 2)
    client = ask(dashboard_of(counting), OPERATOR)
    metrics = (await client.get("/api/metrics", params={"hours": hours})).json()
    assert metrics["successful"] == 2
    assert age(metrics["covers_since"]) < timedelta(hours=hours)


@IN_MEMORY
async def test_an_hour_in_which_little_ended_is_known_whole(
    store: Store, counting: Soniq, ask: Ask
) -> None:
    await end(store, counting, 5)
    await store.pass_time(3 * 3600)
    await end(store, counting, 1)
    metrics, _, _ = await told(counting, ask)
    assert metrics["successful"] == 1
    # A window of whole minutes, the last of which is not over.
    assert 1 <= metrics["jobs_per_hour"] <= 60 / 59


@IN_MEMORY
async def test_of_points_that_are_not_kept_nothing_is_claimed(store: Store, ask: Ask) -> None:
    few = Metrics(max_points_per_resolution={"1min": 10})
    async with await new_app(store, few, result_ttl=0) as app:
        await end(store, app, 5)
        await store.pass_time(3 * 3600)
        await end(store, app, 1)
        client = ask(dashboard_of(app), OPERATOR)
        history = (await client.get("/api/history", params={"window": "1h"})).json()
    known = [point["done"] for point in history["points"] if point["done"] is not None]
    assert (len(known), sum(known)) == (10, 1)


async def test_prometheus_reads_every_stored_series(
    store: Store, counting: Soniq, ask: Ask
) -> None:
    await end(store, counting, 2, dead=1)
    client = ask(dashboard_of(counting), OPERATOR)
    page: Scraped = parsed((await client.get("/metrics")).text)
    assert page.total("soniq_stored_counter_total", key="global:status:done") == 2
    for key in ("job:mail.send:execution_time", "queue:mail:execution_time"):
        assert page.total("soniq_stored_histogram_count", key=key) == 3
        assert page.total("soniq_stored_histogram_sum", key=key) > 0
    assert page.total("soniq_stored_histogram", key="queue:mail:wait_time", quantile="0.95") > 0


@IN_MEMORY
async def test_without_the_plugin_no_stored_series_are_scraped(app: Soniq, ask: Ask) -> None:
    client: httpx.AsyncClient = ask(dashboard_of(app), OPERATOR)
    assert "soniq_stored" not in (await client.get("/metrics")).text
