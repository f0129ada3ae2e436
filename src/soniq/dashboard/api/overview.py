"""Everything at a glance."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.attention import attention_now
from soniq.dashboard.figures import Attention, EstimatedStats, History, Metrics, Series, Stats
from soniq.dashboard.history import history_of
from soniq.dashboard.operations import Asked, Operation, Refused
from soniq.dashboard.processed import average_run_ms, processed
from soniq.dashboard.questions import HistoryQuestion, HoursQuestion, SeriesQuestion
from soniq.dashboard.stored import series_of

_HOUR: Final = 3600.0


async def stats(asked: Asked[Any, Any]) -> Stats:
    """How many jobs there are of each status."""
    return await asked.desk.stats()


async def attention(asked: Asked[Any, Any]) -> Attention:
    """What needs attention now, the worst first."""
    return Attention(await attention_now(asked.desk))


async def history(asked: Asked[HistoryQuestion, Any]) -> History:
    """What ended in the last hour, day, week or quarter, point by point."""
    return await history_of(asked.desk, asked.query.window)


async def metrics(asked: Asked[HoursQuestion, Any]) -> Metrics:
    """What was processed in the last hours."""
    hours = asked.query.hours
    total = await processed(asked.desk, hours * _HOUR)
    return Metrics(
        total_processed=total.ended,
        successful=total.done,
        dead_lettered=total.dead_letter,
        success_rate=None if total.error_rate is None else 100 - total.error_rate,
        avg_processing_time_ms=await average_run_ms(asked.desk, hours * _HOUR),
        jobs_per_hour=total.per_hour,
        time_window_hours=hours,
        covers_since=total.covers_since,
    )


async def series(asked: Asked[SeriesQuestion, Any]) -> dict[str, Series]:
    """The stored series; none without the Metrics plugin."""
    question = asked.query
    try:
        return await series_of(asked.desk, question.prefix, question.resolution, question.worker_id)
    except ValueError as error:
        raise Refused(400, str(error)) from None


OPERATIONS: Final = (
    Operation("GET", "/api/stats", stats, EstimatedStats | Stats),
    Operation("GET", "/api/attention", attention, Attention),
    Operation("GET", "/api/history", history, History, query=HistoryQuestion),
    Operation("GET", "/api/metrics", metrics, Metrics, query=HoursQuestion),
    Operation("GET", "/api/series", series, dict[str, Series], query=SeriesQuestion),
)
