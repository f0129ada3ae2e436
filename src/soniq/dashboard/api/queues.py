"""Queues, job types, and what came in over time."""

from __future__ import annotations

from typing import Any, Final

from soniq.backends.overview import NameCounts, QueueCounts, QueuePace
from soniq.dashboard.figures import JobType, QueueFigures, TimelineHour
from soniq.dashboard.operations import Asked, Operation
from soniq.dashboard.questions import HoursQuestion, QueuesQuestion

_UNKNOWN: Final = QueuePace("", 0.0, None, None, None, None, None)


async def queues(asked: Asked[QueuesQuestion, Any]) -> list[QueueFigures]:
    """Every queue in figures, by name, or the busiest first."""
    desk, question = asked.desk, asked.query
    counts = await desk.counts()
    paces = await desk.memo.recall("paces", lambda: desk.look_up(lambda one: one.paces()))
    by_queue = {pace.queue: pace for pace in paces}
    text = (question.query or "").casefold()
    chosen = [each for each in counts.queues if text in each.queue.casefold()]
    if question.order == "busy":
        chosen.sort(key=lambda each: each.queued + each.processing, reverse=True)
    page = chosen[question.offset : question.offset + question.limit]
    return [_figures(each, by_queue.get(each.queue, _UNKNOWN)) for each in page]


def _figures(counts: QueueCounts, pace: QueuePace) -> QueueFigures:
    statuses = {
        status: getattr(counts, status)
        for status in ("queued", "processing", "done", "cancelled", "dead_letter")
    }
    return QueueFigures(
        queue=counts.queue,
        total_jobs=sum(statuses.values()),
        **statuses,
        avg_processing_time_ms=pace.run_avg_ms,
        oldest_age_s=counts.oldest_for,
        throughput_per_minute=pace.per_minute,
        wait_p50_ms=pace.wait_p50_ms,
        wait_p95_ms=pace.wait_p95_ms,
        run_p50_ms=pace.run_p50_ms,
        run_p95_ms=pace.run_p95_ms,
    )


async def types(asked: Asked[Any, Any]) -> list[JobType]:
    """The jobs of each name, by name."""
    desk = asked.desk
    names = await desk.memo.recall("names", lambda: desk.look_up(lambda one: one.names()))
    return [_type(name) for name in names]


def _type(name: NameCounts) -> JobType:
    ended = name.done + name.dead_letter
    return JobType(
        job_name=name.job_name,
        total_count=name.total,
        completed_count=name.done,
        dead_letter_count=name.dead_letter,
        queued_count=name.queued,
        success_rate=100 * name.done / ended if ended else None,
        avg_processing_time_ms=name.run_avg_ms,
        last_run=name.last_run,
        estimated=name.estimated,
    )


async def timeline(asked: Asked[HoursQuestion, Any]) -> list[TimelineHour]:
    """What was enqueued hour by hour, oldest first; hours without any are left out."""
    desk, hours = asked.desk, asked.query.hours
    arrivals = await desk.memo.recall(
        ("arrivals", hours), lambda: desk.look_up(lambda one: one.arrivals(hours=hours))
    )
    return [TimelineHour(each.hour, each.total, each.done, each.dead_letter) for each in arrivals]


OPERATIONS: Final = (
    Operation("GET", "/api/queues", queues, list[QueueFigures], query=QueuesQuestion),
    Operation("GET", "/api/jobs/types", types, list[JobType]),
    Operation("GET", "/api/jobs/timeline", timeline, list[TimelineHour], query=HoursQuestion),
)
