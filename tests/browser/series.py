"""The stored metrics that would have come of a seeded shop, and of two months before it."""

from __future__ import annotations

import math
import random
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from soniq import Soniq
from soniq.backends.metric_points import MetricSync
from soniq.plugins.metrics import Metrics
from soniq.plugins.metrics.observed import Points, add_minutes, chunks, prune
from soniq.plugins.metrics.recorder import Minute
from soniq.plugins.metrics.resolutions import BY_NAME, RESOLUTIONS
from soniq.plugins.metrics.series import Counter, Gauge, Histogram
from tests.browser.seeding import KINDS

PLUGIN: Final = "soniq.plugins.metrics:Metrics"
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAYS: Final = 60
_KEPT: Final = {each.name: each.seconds * each.points for each in RESOLUTIONS}


async def seed_series(path: Path) -> None:
    """Store what the Metrics plugin would have recorded of the jobs at `path`."""
    now = datetime.now(UTC).timestamp()
    with closing(sqlite3.connect(path)) as database:
        minutes = [*_earlier(now), *_today(database), *_depths(now)]
    points: Points = {}
    add_minutes(points, minutes)
    prune(points, _KEPT, now)
    async with Soniq(database_url=str(path), plugins=[Metrics()]) as app:
        await app.setup()
        assert app.backend is not None
        rows = chunks(points, _KEPT)
        closed = BY_NAME["1min"].bucket(now)
        sync = MetricSync(str(uuid.uuid4()), None, 1, closed, True, rows)
        await app.backend.metric_points.sync(sync)


def _today(database: sqlite3.Connection) -> Iterable[Minute]:
    ended = (
        "SELECT queue, attempts, finished_at, started_at, scheduled_at FROM soniq_jobs"
        " WHERE status = 'done'"
    )
    minutes: dict[int, Minute] = {}
    for queue, attempts, *times in database.execute(ended):
        at, started, due = (datetime.fromisoformat(time).timestamp() for time in times)
        minute = _minute(minutes, at)
        _count(minute, "global:status:done", 1)
        _observe(minute, f"queue:{queue}:execution_time", at - started)
        _observe(minute, f"queue:{queue}:wait_time", started - due)
        if attempts > 1:
            _count(minute, "global:status:failed", 1)
    moved = "SELECT moved_to_dead_letter_at FROM soniq_dead_letter_jobs"
    for (time,) in database.execute(moved):
        _count(
            _minute(minutes, datetime.fromisoformat(time).timestamp()),
            "global:status:dead_letter",
            1,
        )
    return minutes.values()


def _earlier(now: float) -> Iterator[Minute]:
    """One minute of each hour stands for the whole hour."""
    chance = random.Random(11)
    today = int(now) - 24 * _HOUR
    for back in range(1, (_DAYS - 1) * 24):
        minute = Minute((today - back * _HOUR) // _MINUTE * _MINUTE)
        share = _wave(minute.start) * (0.6 if _is_weekend(minute.start) else 1.0)
        _count(minute, "global:status:done", round(chance.gauss(580, 40) * share))
        _count(minute, "global:status:failed", round(abs(chance.gauss(9, 5)) * share))
        if chance.random() < 0.3:
            _count(minute, "global:status:dead_letter", 1)
        for kind in KINDS[:3]:
            key = f"queue:{kind.queue}"
            for _ in range(6):
                ran = kind.median_s * math.exp(chance.gauss(0, 0.5))
                _observe(minute, f"{key}:execution_time", ran)
                _observe(minute, f"{key}:wait_time", chance.expovariate(2.0))
            _gauge(minute, f"{key}:depth", round(abs(chance.gauss(14, 6)) * share))
        yield minute


def _depths(now: float) -> Iterator[Minute]:
    chance = random.Random(5)
    waiting = dict.fromkeys((kind.queue for kind in KINDS), 8.0)
    for back in range(24 * 60, -1, -1):
        minute = Minute((int(now) - back * _MINUTE) // _MINUTE * _MINUTE)
        for queue, depth in waiting.items():
            aim = 18 * _wave(minute.start) * (3 if queue == "webhooks" and back < 40 else 1)
            waiting[queue] = max(depth + 0.2 * (aim - depth) + chance.gauss(0, 2), 0)
            _gauge(minute, f"queue:{queue}:depth", round(waiting[queue]))
        yield minute


def _wave(at: float) -> float:
    """How much of the busiest hour's work there is at a time of the day."""
    return 0.55 + 0.45 * math.cos(2 * math.pi * (at % 86_400 / 86_400 - 0.55))


def _is_weekend(at: float) -> bool:
    return datetime.fromtimestamp(at, UTC).weekday() > 4


def _minute(minutes: dict[int, Minute], at: float) -> Minute:
    start = int(at) // _MINUTE * _MINUTE
    return minutes.setdefault(start, Minute(start))


def _count(minute: Minute, key: str, number: int) -> None:
    held = minute.series.setdefault(key, Counter())
    assert isinstance(held, Counter)
    held.take(number, minute.start)


def _observe(minute: Minute, key: str, seconds: float) -> None:
    held = minute.series.setdefault(key, Histogram())
    assert isinstance(held, Histogram)
    held.take(max(seconds, 0.0), minute.start)


def _gauge(minute: Minute, key: str, value: float) -> None:
    minute.series[key] = Gauge(value, minute.start)
