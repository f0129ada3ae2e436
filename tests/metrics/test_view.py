"""The view that operators query: the points that readers get, in SQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from soniq import Soniq
from soniq.plugins.metrics import Metrics
from soniq.plugins.metrics.resolutions import LENGTHS

QUERY = (
    "SELECT metric_key, metric_type, resolution, bucket, worker_id, value FROM {} ORDER BY 1, 3, 4"
)
Points = list[tuple[Any, ...]]


async def record(app: Soniq, metrics: Metrics) -> Points:
    """What the view is to show of some series, recorded twice and merged once."""
    await app.setup()
    for _ in range(2):
        await metrics.increment_counter("c", 2.5)
        await metrics.record_gauge("g", -3)
        await metrics.record_histogram_value("h", 4)
        await app.close()
        await app.ensure_initialized()
        await metrics.cleanup(app)
    found = await metrics.get_metrics(app)
    points = [
        (key, metric.metric_type, name, at, None, value)
        for key, metric in found.items()
        for name, values in metric.values.items()
        for at, value in values
    ]
    assert {(key, name) for key, _, name, *_ in points} == {
        (key, resolution) for key in "cgh" for resolution in LENGTHS
    }
    return sorted(points, key=lambda point: (point[0], point[2], point[3]))


def parsed(rows: list[Any], moment: Callable[[Any], datetime]) -> Points:
    return [(*row[:3], moment(row[3]), row[4], json.loads(row[5])) for row in rows]


async def test_in_a_file(tmp_path: Path) -> None:
    path, metrics = tmp_path / "jobs.db", Metrics()
    async with Soniq(path, plugins=[metrics]) as app:
        expected = await record(app, metrics)
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute(QUERY.format("soniq_metric_points")).fetchall()
    assert parsed(rows, datetime.fromisoformat) == expected


@pytest.mark.postgres
@pytest.mark.parametrize("schema", [None, "elsewhere"])
async def test_on_a_server_in_any_schema(pg_url: str, schema: str | None) -> None:
    metrics = Metrics()
    settings: dict[str, Any] = {} if schema is None else {"schema": schema}
    async with Soniq(pg_url, plugins=[metrics], **settings) as app:
        expected = await record(app, metrics)
    connection = await asyncpg.connect(pg_url)
    try:
        view = "soniq_metric_points" if schema is None else f"{schema}.soniq_metric_points"
        rows = await connection.fetch(QUERY.format(view))
    finally:
        await connection.close()
    assert parsed([tuple(row) for row in rows], lambda at: at) == expected
