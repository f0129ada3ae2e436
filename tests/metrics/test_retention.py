"""What is past its age is gone: for readers at once, from the store with the next cleanup."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from soniq import Soniq
from soniq.plugins.metrics import Metrics
from tests.metrics.conftest import MakeApp

HOUR = 3600
DAY = 24 * HOUR


async def record_ago(app: Soniq, metrics: Metrics, seconds: float, *keys: str) -> None:
    """Record and store, as it was done so long ago."""
    then = time.time() - seconds
    with pytest.MonkeyPatch.context() as past:
        past.setattr(time, "time", lambda: then)
        for key in keys:
            await metrics.increment_counter(key, 5)
        await metrics.flush(app)


async def test_no_point_outlives_the_maximum_age(make_app: MakeApp) -> None:
    app, metrics = await make_app(maximum_metric_age=HOUR)
    await record_ago(app, metrics, 2 * DAY, "old:key")
    other, reader = await make_app()
    await reader.increment_counter("new:key")
    await reader.flush(other)
    for _ in range(2):
        assert set(await reader.get_metrics(other)) == {"new:key"}
        assert await reader.get_metrics(other, "old:key") == {}
        assert await reader.list_metrics(other) == ["new:key"]
        # The second time nothing is left to go.
        await reader.cleanup(other)
    assert other.backend is not None
    assert {row.key for row in await other.backend.metric_points.read()} == {"new:key"}
    assert await reader.cleanup(other) == 0


async def test_a_series_is_there_for_as_long_as_any_of_its_points(make_app: MakeApp) -> None:
    app, metrics = await make_app(maximum_metric_age=4 * DAY)
    await record_ago(app, metrics, 3 * DAY, "old:key")
    other, reader = await make_app()
    for _ in range(2):
        assert await reader.list_metrics(other) == ["old:key"]
        metric = (await reader.get_metrics(other))["old:key"]
        assert {name: len(points) for name, points in metric.values.items()} == {
            "1min": 0,
            "5min": 0,
            "1hour": 1,
            "1day": 1,
        }
        ((start, value),) = metric.values_1day
        assert value == 5
        assert 3 <= (datetime.now(UTC) - start).total_seconds() / DAY < 5
        await reader.cleanup(other)
    assert await reader.get_metrics(other, resolution="5min") == {}


async def test_what_is_past_its_age_does_not_hide_another_kind(make_app: MakeApp) -> None:
    app, metrics = await make_app(maximum_metric_age=HOUR)
    await record_ago(app, metrics, 2 * DAY, "k")
    other, reader = await make_app()
    await reader.record_gauge("k", 1)
    await reader.flush(other)
    assert (await reader.get_metrics(other))["k"].metric_type == "gauge"
