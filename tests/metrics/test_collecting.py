"""What the leader measures for all: which queues, when, and whatever other plugins do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from soniq import Soniq
from soniq.backends.base import Unavailable
from soniq.plugins import Plugin
from soniq.plugins.metrics import Metrics
from soniq.plugins.metrics.collecting import Collector
from soniq.plugins.metrics.keys import Dropped, KeyBook
from soniq.plugins.metrics.queues import Queues
from soniq.plugins.metrics.recorder import Recorder
from soniq.plugins.views import PluginWorker
from tests.factories import new_id
from tests.metrics.conftest import MakeApp
from tests.worker.conftest import PATIENCE, until, working


def leader(app: Soniq, queues: tuple[str, ...] | None = ()) -> PluginWorker:
    leads: Any = SimpleNamespace(holds=True)
    return PluginWorker(new_id(), app, queues, 1, leads)


class Looks:
    """Looks of a leader's, and what they record."""

    def __init__(self, app: Soniq, metrics: Metrics, queues: tuple[str, ...] | None = ()) -> None:
        assert app.backend is not None
        dropped = Dropped()
        self._store = app.backend.metric_points
        self._recorder = Recorder(metrics._clock, KeyBook(dropped), dropped)
        self._worker = leader(app, queues)
        self.collector = Collector(self._worker, 1, metrics._clock)

    async def look(self) -> dict[str, Any]:
        """The gauges that one look sets, by key."""
        self.collector._next = self.collector._sizes_next = 0
        await self.collector.collect(self._store, self._recorder)
        return {
            key: getattr(content, "value", None)
            for minute in self._recorder.drain()
            for key, content in minute.series.items()
        }


async def test_queues_that_are_served_are_measured_though_nothing_waits(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    found = await Looks(app, metrics, ("mine",)).look()
    depths = {key: value for key, value in found.items() if key.endswith(":depth")}
    assert depths == {"queue:mine:depth": 0, "queue:fast:depth": 0, "queue:default:depth": 0}
    assert found["queue:mine:oldest_age"] == 0


async def test_a_worker_stores_the_depth_of_a_queue_that_is_always_empty(make_app: MakeApp) -> None:
    app, metrics = await make_app(sync_interval=0.1, collection_interval=0.1)

    async def measured() -> bool:
        return "queue:fast:depth" in await metrics.get_metrics(app)

    async with working(app):
        await until(measured)
    assert (await metrics.get_metrics(app))["queue:fast:depth"].values_1min[0][1] == 0


async def test_a_queue_that_has_run_empty_stays_measured(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    looks = Looks(app, metrics)
    job_id = await app.enqueue("m.succeed", args={}, queue="tenant")
    assert (await looks.look())["queue:tenant:depth"] == 1
    await app.cancel_job(job_id)
    for _ in range(3):
        assert (await looks.look())["queue:tenant:depth"] == 0


async def test_a_new_leader_takes_over_what_another_has_measured(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    other, theirs = await make_app()
    await theirs.record_gauge("queue:ran:empty:depth", 5)
    await theirs.record_gauge("queue:long empty:depth", 0)
    await theirs.increment_counter("queue:served:throughput", 3)
    await theirs.record_gauge("queue:depth", 1)
    await theirs.increment_counter("queue:counted:depth", 1)
    await theirs.flush(other)
    looks = Looks(app, metrics)
    found = await looks.look()
    assert {key for key in found if key.endswith(":depth")} == {
        "queue:ran:empty:depth",
        "queue:served:depth",
        "queue:fast:depth",
        "queue:default:depth",
    }
    assert found["queue:ran:empty:depth"] == found["queue:served:depth"] == 0


async def test_who_leads_again_asks_again(make_app: MakeApp) -> None:
    app, metrics = await make_app()
    other, theirs = await make_app()
    looks = Looks(app, metrics)
    await looks.look()
    await theirs.record_gauge("queue:late:depth", 5)
    await theirs.flush(other)
    assert "queue:late:depth" not in await looks.look()
    looks.collector.rest()
    assert (await looks.look())["queue:late:depth"] == 0


async def test_queues_are_remembered_for_a_day_and_so_many_at_a_time(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, metrics = await make_app()
    now = 1000.0
    monkeypatch.setattr("soniq.plugins.metrics.queues.monotonic", lambda: now)
    queues = Queues(leader(app), metrics._clock, most=2)
    own = {"fast", "default"}
    queues.use(["a"])
    queues.use(["b", "c", "a"])
    # The one too many is said to be empty once more.
    assert queues.names() == own | {"a", "b", "c"}
    assert queues.names() == own | {"a", "c"}
    now += 80_000
    queues.use(["c"])
    now += 80_000
    queues.names()
    assert queues.names() == own | {"c"}


@pytest.mark.parametrize(("sync", "collection"), [(60, 30), (0.6, 0.4), (60, 45), (10, 35)])
async def test_looks_are_as_far_apart_as_was_asked_for(
    sync: float, collection: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, looks = 1000.0, []
    enough = asyncio.Event()
    for module in ("collecting", "account", "queues"):
        monkeypatch.setattr(f"soniq.plugins.metrics.{module}.monotonic", lambda: now)

    class Hurried(Metrics):
        async def sleep(self, seconds: float) -> bool:
            nonlocal now
            now += seconds
            await asyncio.sleep(0)
            return False

    metrics = Hurried(sync_interval=sync, collection_interval=collection)
    async with Soniq(backend="memory", plugins=[metrics]) as app:
        assert app.backend is not None
        store = app.backend.metric_points
        measure = store.queue_waits

        async def noted() -> Any:
            looks.append(now)
            if len(looks) == 20:
                enough.set()
            return await measure()

        monkeypatch.setattr(store, "queue_waits", noted)
        running = asyncio.create_task(metrics.run(leader(app), app))
        await asyncio.wait_for(enough.wait(), PATIENCE)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    gaps = [later - earlier for earlier, later in pairwise(looks)]
    assert gaps == [pytest.approx(collection, abs=0.021)] * len(gaps)


class Broken(Plugin):
    """Cannot say which tables are its own."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer

    @staticmethod
    def get_identifier() -> str:
        return "broken"

    def get_tables(self) -> list[str]:
        tables: list[str] = self._answer()
        return tables


def raise_it() -> Any:
    raise RuntimeError("no tables today")


@pytest.mark.parametrize(
    ("answer", "told"),
    [(raise_it, 1), (lambda: None, 1), (lambda: [3], 0)],
    ids=["raises", "none", "numbers"],
)
async def test_a_plugin_that_cannot_name_its_tables_costs_no_others(
    where: dict[str, Any], answer: Callable[[], Any], told: int, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    async with Soniq(**where, plugins=[Broken(answer), metrics]) as app:
        await app.setup()
        looks = Looks(app, metrics)
        assert app.backend is not None
        tables = {*metrics.get_tables()} if app.backend.name != "memory" else set()
        for _ in range(2):
            found = await looks.look()
            assert tables <= {key.split(":")[1] for key in found}
    assert caplog.text.count("Plugin broken cannot name its tables") == told


async def test_what_was_recorded_is_stored_though_nothing_can_be_measured(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, metrics = await make_app(sync_interval=0.1, collection_interval=0.1)
    assert app.backend is not None
    tried = asyncio.Event()

    async def slow(store: object) -> None:
        tried.set()
        raise Unavailable("a statement took too long")

    monkeypatch.setattr(type(app.backend.metric_points), "queue_waits", slow)

    async def stored() -> bool:
        return "job:m.succeed:done" in await metrics.get_metrics(app)

    async with working(app):
        await asyncio.wait_for(tried.wait(), PATIENCE)
        await app.enqueue("m.succeed", args={})
        await until(stored)
