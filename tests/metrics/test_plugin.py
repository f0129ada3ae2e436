"""The plugin on every store: what it promises of itself, what it records, what readers get."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from soniq import JobContext, Soniq
from soniq.backends.base import Unavailable
from soniq.backends.metric_points import MetricSync, SyncAnswer
from soniq.backends.opening import Opening
from soniq.plugins import Plugin
from soniq.plugins.metrics import Metric, Metrics
from tests.metrics.conftest import MakeApp
from tests.worker.conftest import PATIENCE, until, working

RESOLUTIONS = ("1min", "5min", "1hour", "1day")
OUTCOMES = {"succeed": 5, "fail": 3, "give_up": 2, "put_off": 1}


def total(metric: Metric, resolution: str = "1day") -> Any:
    """What the points of a series come to."""
    values = [value for _, value in metric.values[resolution]]
    return sum(value["count"] if isinstance(value, dict) else value for value in values)


def totals(found: dict[str, Metric]) -> dict[str, Any]:
    return {key: total(metric) for key, metric in found.items() if metric.metric_type != "gauge"}


async def run_all(app: Soniq) -> None:
    for name, number in OUTCOMES.items():
        for _ in range(number):
            await app.enqueue(f"m.{name}", args={})
    await app.run_worker(run_once=True)


# --- what it says of itself --------------------------------------------------------------------


async def test_it_is_a_plugin_with_tables_and_migrations_of_its_own(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    assert isinstance(metrics, Plugin)
    assert Metrics.get_identifier() == "soniq.metrics"
    assert app.plugins["soniq.metrics"] is metrics
    assert metrics.migrate_key() == "metrics"
    assert metrics.migrate_package() == "soniq.plugins.metrics.migrations"
    assert all(table.startswith("soniq_metric_") for table in metrics.get_tables())
    assert metrics.api_plugin() is None
    assert await app.setup() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"max_points_per_resolution": {"2min": 5}},
        {"max_points_per_resolution": {"1min": 0}},
        {"max_points_per_resolution": {"1min": 1.5}},
        {"max_points_per_resolution": {"1min": True}},
        {"sync_interval": 0},
        {"sync_interval": True},
        {"collection_interval": -1},
        {"maximum_metric_age": float("nan")},
        {"maximum_metric_age": "3"},
    ],
    ids=str,
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Metrics(**options)


# --- what is recorded by itself ----------------------------------------------------------------


async def test_every_stored_outcome_is_counted_once_when_the_worker_has_stopped(
    make_app: MakeApp,
) -> None:
    app, metrics = await make_app()
    await run_all(app)
    found = totals(await metrics.get_metrics(app))
    assert found == {
        "job:m.succeed:done": 5,
        "job:m.succeed:execution_time": 5,
        "job:m.fail:failed": 3,
        "job:m.fail:dead_letter": 3,
        "job:m.fail:execution_time": 3,
        "job:m.give_up:dead_letter": 2,
        "job:m.give_up:execution_time": 2,
        "job:m.put_off:snoozed": 1,
        "queue:fast:done": 5,
        "queue:fast:dead_letter": 2,
        "queue:fast:throughput": 7,
        "queue:fast:execution_time": 7,
        "queue:fast:wait_time": 7,
        "queue:default:failed": 3,
        "queue:default:dead_letter": 3,
        "queue:default:snoozed": 1,
        "queue:default:throughput": 7,
        "queue:default:execution_time": 3,
        "queue:default:wait_time": 7,
        "global:status:done": 5,
        "global:status:failed": 3,
        "global:status:dead_letter": 5,
        "global:status:snoozed": 1,
    }


async def test_a_run_that_was_interrupted_records_nothing(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    began = asyncio.Event()

    @app.job(name="m.hang")
    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    job_id = await app.enqueue(hang)
    async with working(app), asyncio.timeout(PATIENCE):
        await began.wait()
        await app.cancel_job(job_id)
        await until(lambda: _has_status(app, job_id, "cancelled"))
    found = totals(await metrics.get_metrics(app))
    assert not any(key.startswith(("job:", "global:")) for key in found)


async def _has_status(app: Soniq, job_id: str, status: str) -> bool:
    job = await app.get_job(job_id)
    return job is not None and job["status"] == status


async def test_an_observation_is_a_point_of_every_resolution(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    before = datetime.now(UTC)
    await metrics.increment_counter("c", 3)
    await metrics.flush(app)
    metric = (await metrics.get_metrics(app))["c"]
    assert list(metric.values) == list(RESOLUTIONS)
    assert metric.values["5min"] == metric.values_5min
    for points in (
        metric.values_1min,
        metric.values_5min,
        metric.values_1hour,
        metric.values_1day,
    ):
        ((at, value),) = points
        assert value == 3
        assert at.utcoffset() == timedelta(0)
    assert metric.values_1min[0][0] >= before.replace(second=0, microsecond=0)
    assert metric.values_1day[0][0].time().isoformat() == "00:00:00"


async def test_queues_and_tables_are_measured_by_the_worker_that_leads(make_app: MakeApp) -> None:
    app, metrics = await make_app(sync_interval=0.1, collection_interval=0.1)
    for _ in range(4):
        await app.enqueue("m.succeed", args={}, queue="left alone")

    async def measured() -> bool:
        found = await metrics.get_metrics(app)
        return "queue:left alone:depth" in found and (
            app.backend is None
            or app.backend.name == "memory"
            or "table:soniq_jobs:total_size_bytes" in found
        )

    async with working(app, queues=["served"]):
        await until(measured)
    found = await metrics.get_metrics(app)
    assert found["queue:left alone:depth"].values_1min[0][1] == 4
    assert found["queue:left alone:oldest_age"].values_1min[0][1] >= 0
    if app.backend is not None and app.backend.name != "memory":
        tables = {key.split(":")[1] for key in found if key.startswith("table:")}
        assert {"soniq_jobs", "soniq_dead_letter_jobs", *metrics.get_tables()} <= tables
        sizes = [
            found[f"table:soniq_jobs:{name}_size_bytes"].values_1min[0][1]
            for name in ("total", "table", "index")
        ]
        assert sizes[0] == sizes[1] + sizes[2] > 0


async def test_handlers_record_their_own(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    for _ in range(3):
        await app.enqueue("m.measure", args={})
    await app.run_worker(run_once=True)
    found = await metrics.get_metrics(app, "own")
    assert set(found) == {"own:count", "own:level", "own:size"}
    assert total(found["own:count"], "1min") == 6
    assert found["own:level"].values_1day[0][1] == 7
    assert found["own:size"].values_1day[0][1] == {
        "count": 3,
        "sum": 4.5,
        "avg": 1.5,
        "min": 1.5,
        "max": 1.5,
        "p50": 1.5,
        "p95": 1.5,
        "p99": 1.5,
    }


# --- what readers get --------------------------------------------------------------------------


async def test_several_processes_add_up_and_gauges_are_the_newest(make_app: MakeApp) -> None:
    (one, mine), (two, yours) = await make_app(), await make_app()
    for app, metrics, value in ((one, mine, 1), (two, yours, 10)):
        await metrics.increment_counter("c", value)
        await metrics.record_gauge("g", value)
        for each in range(value, value + 5):
            await metrics.record_histogram_value("h", each)
        await metrics.flush(app)
    third, reader = await make_app()
    found = await reader.get_metrics(third)
    assert found["c"].metric_type == "counter"
    assert found["c"].values_1day[0][1] == 11
    assert found["g"].values_1day[0][1] == 10
    histogram = found["h"].values_1day[0][1]
    assert (histogram["count"], histogram["min"], histogram["max"]) == (10, 1, 14)
    assert histogram["avg"] == pytest.approx(7.5)
    assert histogram["p50"] == pytest.approx(5, rel=0.011)
    assert histogram["p95"] == pytest.approx(13, rel=0.011)


async def test_one_workers_own_series_can_be_asked_for(make_app: MakeApp) -> None:
    app, metrics = await make_app(sync_interval=0.1)
    await metrics.increment_counter("elsewhere", 1)
    await metrics.flush(app)
    async with working(app):
        await app.enqueue("m.succeed", args={})
        (worker,) = [each for each in await app.list_workers() if each["status"] == "active"] or [
            await _the_worker(app)
        ]
        await until(lambda: _counted(app, metrics, worker["id"]))
        mine = await metrics.get_metrics(app, worker_id=worker["id"])
        assert "elsewhere" not in mine
        assert mine["job:m.succeed:done"].values_1day[0][1] == 1
    assert await metrics.get_metrics(app, worker_id="nobody") == {}
    assert {"elsewhere", "job:m.succeed:done"} <= set(await metrics.get_metrics(app))


async def _the_worker(app: Soniq) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            for worker in await app.list_workers():
                if worker["status"] == "active":
                    return worker
            await asyncio.sleep(0.01)


async def _counted(app: Soniq, metrics: Metrics, worker_id: str) -> bool:
    return "job:m.succeed:done" in await metrics.get_metrics(app, worker_id=worker_id)


async def test_prefixes_are_of_whole_parts(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    for key in ("queue:default:depth", "queue:def:depth", "q_eue:x", "queue"):
        await metrics.increment_counter(key)
    await metrics.flush(app)
    assert set(await metrics.get_metrics(app, "queue:def")) == {"queue:def:depth"}
    assert set(await metrics.get_metrics(app, "queue:")) == {
        "queue",
        "queue:def:depth",
        "queue:default:depth",
    }
    assert set(await metrics.get_metrics(app, "q_eue")) == {"q_eue:x"}
    for nothing in ("nobody", "queue%", "a\0b", "\ud800", "x" * 10_000):
        assert await metrics.get_metrics(app, nothing) == {}
    assert await metrics.list_metrics(app) == [
        "q_eue:x",
        "queue",
        "queue:def:depth",
        "queue:default:depth",
    ]
    assert Metrics.matches_prefix("queue:def", "queue:def:depth")
    assert not Metrics.matches_prefix("queue:def", "queue:default")


async def test_a_range_has_its_gaps(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    await metrics.increment_counter("c", 5)
    await metrics.flush(app)
    ((now, _),) = (await metrics.get_metrics(app))["c"].values_1min
    minute = timedelta(minutes=1)
    found = await metrics.get_range(
        app,
        "c",
        resolution="1min",
        start=now - 2 * minute + timedelta(seconds=59),
        end=now + minute + timedelta(seconds=1),
    )
    assert found == [
        (now - 2 * minute, None),
        (now - minute, None),
        (now, 5),
        (now + minute, None),
    ]
    unknown = await metrics.get_range(app, "d", resolution="1hour", start=now, end=now)
    assert [value for _, value in unknown] in ([], [None])


async def test_a_range_that_means_nothing_is_refused(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    now = datetime.now(UTC)
    for resolution, start, end in (
        ("2min", now, now),
        ("1min", now.replace(tzinfo=None), now),
        ("1min", now - timedelta(days=365), now),
    ):
        with pytest.raises(ValueError):
            await metrics.get_range(app, "c", resolution=resolution, start=start, end=end)


async def test_points_past_their_time_are_not_shown(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, metrics = await make_app(max_points_per_resolution={"1min": 3, "1hour": 1})
    import time

    real = time.time
    for ago in (400, 120, 60, 0):
        monkeypatch.setattr(time, "time", lambda ago=ago: real() - ago)
        await metrics.increment_counter("c", 1)
    await metrics.flush(app)
    oldest = datetime.fromtimestamp(real() // 60 * 60 - 2 * 60, UTC)
    metric = (await metrics.get_metrics(app))["c"]
    starts = [start for start, _ in metric.values_1min]
    # One fewer if a minute has just ended.
    assert len(starts) in (2, 3)
    assert min(starts) >= oldest
    assert starts == sorted(starts, reverse=True)
    assert len(metric.values_1hour) == 1


async def test_cleanup_merges_what_has_ended_and_changes_no_number(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    for _ in range(3):
        await run_all(app)
    before = {key: each.values for key, each in (await metrics.get_metrics(app)).items()}
    assert await metrics.cleanup(app) == 0
    after = {key: each.values for key, each in (await metrics.get_metrics(app)).items()}
    for key, values in before.items():
        for name, points in values.items():
            assert after[key][name] == [
                (at, pytest.approx(value) if isinstance(value, int | float | dict) else value)
                for at, value in points
            ]


# --- faults ------------------------------------------------------------------------------------


class Away:
    """Makes every sync fail for as long as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, app: Soniq) -> None:
        self.away = False
        self.tried = asyncio.Event()
        assert app.backend is not None
        kind = type(app.backend.metric_points)
        sync = kind.sync

        async def faulty(store: Any, given: MetricSync) -> SyncAnswer:
            if self.away:
                self.tried.set()
                raise Unavailable("the database is away")
            return await sync(store, given)

        monkeypatch.setattr(kind, "sync", faulty)


async def test_what_is_recorded_while_the_store_is_away_is_stored_later(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, metrics = await make_app(sync_interval=0.1)
    away = Away(monkeypatch, app)
    async with working(app), asyncio.timeout(PATIENCE):
        await _the_worker(app)
        away.away = True
        await app.enqueue("m.succeed", args={})
        await until(lambda: _done(app))
        away.tried.clear()
        await away.tried.wait()
        away.away = False
        await until(lambda: _counted_anywhere(app, metrics))
    assert totals(await metrics.get_metrics(app))["job:m.succeed:done"] == 1
    assert "the database is away" in caplog.text


async def _done(app: Soniq) -> bool:
    return (await app.get_queue_stats())["done"] == 1


async def _counted_anywhere(app: Soniq, metrics: Metrics) -> bool:
    return "job:m.succeed:done" in await metrics.get_metrics(app)


async def test_closing_the_app_stores_what_was_recorded_without_a_worker(
    make_app: MakeApp,
) -> None:
    app, metrics = await make_app()
    await app.ensure_initialized()
    await metrics.increment_counter("c", 4)
    await app.close()
    other, reader = await make_app()
    assert (await reader.get_metrics(other))["c"].values_1day[0][1] == 4
    await app.ensure_initialized()
    await metrics.increment_counter("c", 3)
    await app.close()
    assert (await reader.get_metrics(other))["c"].values_1day[0][1] == 7


# What a store does for the last time on a loop that ends makes generators that nobody has to end.
@pytest.mark.filterwarnings("ignore:asynchronous generator .* was scheduled:ResourceWarning")
async def test_another_loop_that_ends_leaves_a_worker_its_metrics(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app, metrics = await make_app(sync_interval=0.1)

    @app.job(name="m.elsewhere")
    def elsewhere(ctx: JobContext) -> None:
        ctx.metrics.counter("own:count", 2)
        asyncio.run(app.get_queue_stats())
        ctx.metrics.counter("own:count", 2)

    async def all_stored() -> bool:
        found = totals(await metrics.get_metrics(app))
        return found.get("own:count") == 8 and found.get("job:m.measure:done") == 2

    await metrics.increment_counter("home", 1)
    async with working(app, concurrency=1):
        for name in ("m.elsewhere", "m.measure", "m.measure"):
            await app.enqueue(name, args={})
        await until(all_stored)
    assert totals(await metrics.get_metrics(app))["home"] == 1
    assert "on_shutdown failed" not in caplog.text


async def test_a_process_without_workers_stores_by_itself(make_app: MakeApp) -> None:
    app, metrics = await make_app(sync_interval=0.1)
    await app.ensure_initialized()
    await metrics.increment_counter("c", 4)

    async def stored() -> bool:
        return "c" in await metrics.get_metrics(app)

    await until(stored)


async def test_a_forked_process_leaves_what_was_recorded_to_its_parent(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, metrics = await make_app()
    await metrics.increment_counter("parents", 1)
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    monkeypatch.setattr(Opening, "_notice_fork", lambda opening: None)
    await metrics.increment_counter("childs", 1)
    await metrics.flush(app)
    assert await metrics.list_metrics(app) == ["childs"]


async def test_five_thousand_keys_are_stored_and_read(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    for each in range(5000):
        await metrics.increment_counter(f"k:{each}", each)
    await metrics.flush(app)
    found = await metrics.get_metrics(app, "k")
    assert sum(total(metric) for metric in found.values()) == sum(range(5000))
    assert metrics.dropped == {}
