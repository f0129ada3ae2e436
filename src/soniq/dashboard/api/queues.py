"""Queues."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.answers import QueueFigures
from soniq.dashboard.operations import Asked, Operation
from soniq.dashboard.questions import QueuesQuestion

_UNKNOWN: Final[dict[str, Any]] = dict.fromkeys(
    (
        "avg_processing_time_ms",
        "oldest_age_s",
        "throughput_per_minute",
        "wait_p50_ms",
        "wait_p95_ms",
        "run_p50_ms",
        "run_p95_ms",
    )
)


async def queues(asked: Asked[QueuesQuestion, Any]) -> list[QueueFigures]:
    """Every queue in figures, by name."""
    rows: list[dict[str, Any]] = await asked.desk.app.get_queues()
    return [QueueFigures(total_jobs=row.pop("total"), **row, **_UNKNOWN) for row in rows]


OPERATIONS: Final = (
    Operation("GET", "/api/queues", queues, list[QueueFigures], query=QueuesQuestion),
)
