"""Everything at a glance."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.attention import attention_now
from soniq.dashboard.figures import Attention, History, Metrics, Series, Stats
from soniq.dashboard.history import history_of, processed
from soniq.dashboard.operations import Asked, Operation, Refused
from soniq.dashboard.questions import HistoryQuestion, HoursQuestion, SeriesQuestion
from soniq.dashboard.stored import series_of


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
    total = await processed(asked.desk, hours * 3600.0)
    ended = total.done + total.dead_letter
    return Metrics(
        total_processed=ended,
        successful=total.done,
        dead_lettered=total.dead_letter,
        success_rate=100 * total.done / ended if ended else None,
        avg_processing_time_ms=total.run_avg_ms,
        jobs_per_hour=ended / hours,
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
    Operation("GET", "/api/stats", stats, Stats),
    Operation("GET", "/api/attention", attention, Attention),
    Operation("GET", "/api/history", history, History, query=HistoryQuestion),
    Operation("GET", "/api/metrics", metrics, Metrics, query=HoursQuestion),
    Operation("GET", "/api/series", series, dict[str, Series], query=SeriesQuestion),
)
