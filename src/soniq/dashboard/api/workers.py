"""Workers, and how it goes on the whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from soniq.backends.overview import Holding
from soniq.dashboard.answers import Worker
from soniq.dashboard.drift import live_workers, skewed_names
from soniq.dashboard.figures import Drift, SystemHealth, WorkersStats
from soniq.dashboard.health import database_answers
from soniq.dashboard.operations import Asked, Operation
from soniq.dashboard.processed import processed
from soniq.dashboard.questions import DriftQuestion

_HOUR: Final = 3600.0
_MANY_ERRORS: Final = 10.0
_NOTHING: Final = Holding([], None)


async def workers(asked: Asked[Any, Any]) -> list[Worker]:
    """Every worker, newest first, and what it runs."""
    found = await asked.desk.app.list_workers()
    holdings = await asked.desk.look_up(lambda one: one.holdings())
    return [Worker(**one, **holdings.get(one["id"], _NOTHING)._asdict()) for one in found]


async def workers_stats(asked: Asked[Any, Any]) -> WorkersStats:
    """What the workers do, and did in the last hour."""
    stats = await asked.desk.stats()
    hour = await processed(asked.desk, _HOUR)
    return WorkersStats(
        active_jobs=stats.processing,
        jobs_last_hour=hour.ended + hour.cancelled,
        completed_last_hour=hour.done,
        dead_lettered_last_hour=hour.dead_letter,
        covers_since=hour.covers_since,
        timestamp=datetime.now(UTC),
    )


async def system_health(asked: Asked[Any, Any]) -> SystemHealth:
    """How it goes on the whole."""
    desk, now = asked.desk, datetime.now(UTC)
    if not await database_answers(desk):
        return SystemHealth(
            status="unhealthy",
            database_healthy=False,
            queue_backlog=0,
            error_rate_last_hour=0.0,
            jobs_processed_last_hour=0,
            covers_since=None,
            timestamp=now,
        )
    backlog = (await desk.stats()).queued
    hour = await processed(desk, _HOUR)
    rate = hour.error_rate or 0.0
    is_due = any(each.oldest_for is not None for each in (await desk.counts()).queues)
    degraded = rate > _MANY_ERRORS or (is_due and not await live_workers(desk))
    return SystemHealth(
        status="degraded" if degraded else "healthy",
        database_healthy=True,
        queue_backlog=backlog,
        error_rate_last_hour=rate,
        jobs_processed_last_hour=hour.ended,
        covers_since=hour.covers_since,
        timestamp=now,
    )


async def drift(asked: Asked[DriftQuestion, Any]) -> Drift:
    """Names that jobs have and no live worker knows."""
    minutes = asked.query.window_minutes
    return Drift(minutes, await skewed_names(asked.desk, minutes * 60.0))


OPERATIONS: Final = (
    Operation("GET", "/api/workers", workers, list[Worker]),
    Operation("GET", "/api/workers/stats", workers_stats, WorkersStats),
    Operation("GET", "/api/system/health", system_health, SystemHealth),
    Operation("GET", "/api/tasks/drift", drift, Drift, query=DriftQuestion),
)
