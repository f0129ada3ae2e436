"""Time series in the database: writing what a worker recorded, and reading what a hundred left."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from bench import backlogs
from bench.errors import require_equal
from bench.measurement import Bench, Figures, Measure
from bench.server import connected
from soniq import Soniq
from soniq.backends.metric_points import MetricSync
from soniq.plugins.metrics import Metrics
from soniq.plugins.metrics.observed import Place, Points, chunks
from soniq.plugins.metrics.recorder import Content
from soniq.plugins.metrics.resolutions import RESOLUTIONS, keeping
from soniq.plugins.metrics.series import Counter, Histogram

WORKERS = 100
OBSERVED = 20
"""Values of each histogram in each bucket."""
POSITION = "SELECT pg_current_wal_insert_lsn() - '0/0'"
ROWS = """
SELECT count(*) FROM soniq_metric_chunks
WHERE xmin = (SELECT xmin FROM soniq_metric_sessions ORDER BY synced_at DESC LIMIT 1)"""


@asynccontextmanager
async def _store(bench: Bench) -> AsyncIterator[tuple[Soniq, Metrics, asyncpg.Connection]]:
    metrics = Metrics()
    async with (
        bench.databases.fresh(await backlogs.empty(bench)) as url,
        connected(url) as connection,
        Soniq(url, plugins=[metrics]) as app,
    ):
        await app.setup()
        yield app, metrics, connection


async def _sync(bench: Bench) -> Figures:
    """The second of two syncs, in which every key has changed; one in four is a histogram."""
    keys = bench.sizes.keys
    async with _store(bench) as (app, metrics, connection):
        await _record(metrics, keys)
        await metrics.flush(app)
        await _record(metrics, keys)
        position = int(await connection.fetchval(POSITION))
        began = time.perf_counter()
        await metrics.flush(app)
        seconds = time.perf_counter() - began
        end = int(await connection.fetchval(POSITION))
        rows = int(await connection.fetchval(ROWS))
    return {"milliseconds": seconds * 1000, "rows": rows, "bytes": end - position}


async def _record(metrics: Metrics, keys: int) -> None:
    for key in range(keys):
        if key % 4:
            await metrics.increment_counter(f"bench:counter:{key}", key)
        else:
            for _ in range(OBSERVED):
                await metrics.record_histogram_value(f"bench:histogram:{key}", _duration())


async def _read(bench: Bench) -> Figures:
    """Every key, and a day of each, from full windows that the workers wrote in turns."""
    keys = bench.sizes.keys * 3 // 10
    async with _store(bench) as (app, metrics, _):
        assert app.backend is not None
        for worker in range(WORKERS):
            await app.backend.metric_points.sync(_left_by(worker, keys))
        await metrics.cleanup(app)
        began = time.perf_counter()
        found = await metrics.get_metrics(app, "bench", resolution="5min")
        points = sum(len(metric.values_5min) for metric in found.values())
        seconds = time.perf_counter() - began
    require_equal("keys read", wanted=keys, found=len(found))
    return {"milliseconds": seconds * 1000, "points": points}


def _left_by(worker: int, keys: int) -> MetricSync:
    """All that one worker stored: its share of the buckets of every key."""
    now = time.time()
    points: Points = {}
    for each in RESOLUTIONS:
        share = each.points / WORKERS
        for back in range(round(worker * share), round((worker + 1) * share)):
            start = each.bucket(now) - back * each.seconds
            for key in range(keys):
                content = _content(key)
                place = Place(f"bench:{key}", content.kind.value, each.name, start)
                points[place] = content
    rows = chunks(points, keeping(None, 10**9))
    return MetricSync(str(uuid.uuid4()), str(uuid.uuid4()), 1, 0, True, rows)


def _content(key: int) -> Content:
    if key % 4:
        return Counter(key)
    histogram = Histogram()
    histogram.observe([_duration() for _ in range(OBSERVED)])
    return histogram


def _duration() -> float:
    return random.lognormvariate(-3.0, 1.0)


MEASUREMENTS: dict[str, Measure] = {"metrics-sync": _sync, "metrics-read": _read}
