"""Looking at jobs and workers. Plain reads, each over when it returns."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.rows import canonical_id, job_dict, worker_dict
from soniq.backends.sqlite.times import ago
from soniq.records import JobDict, JobState, JobStatus


def get_job(database: Database, job_id: str) -> JobDict | None:
    """See `Backend.get_job`."""
    wanted = canonical_id(job_id)
    # The dead letters last: a job that moves there between the two looks is found.
    for name in ("get_job", "get_dead_letter"):
        if rows := database.rows(name, id=wanted):
            return job_dict(rows[0])
    return None


def job_states(database: Database, job_ids: Collection[str]) -> dict[str, JobState]:
    """See `Backend.job_states`."""
    rows = database.rows("job_states", ids=text_of(job_ids))
    return {row[0]: JobState._make(row[1:]) for row in rows}


def list_jobs(
    database: Database, *, queue: str | None, status: str | None, limit: int, offset: int
) -> list[JobDict]:
    """See `Backend.list_jobs`."""
    page = {"queue": queue, "limit": limit, "offset": offset}
    if status == JobStatus.DEAD_LETTER:
        rows = database.rows("list_dead_letters", **page)
    else:
        rows = database.rows("list_jobs", **page, status=status)
    return [job_dict(row) for row in rows]


def queue_stats(database: Database) -> dict[str, dict[str, int]]:
    """See `Backend.queue_stats`."""
    stats: dict[str, dict[str, int]] = {}
    for queue, status, number in sorted(database.rows("queue_stats")):
        counts = stats.setdefault(queue, {each.value: 0 for each in JobStatus})
        counts[status] = number
    return stats


def list_workers(database: Database, stale_after: float) -> list[dict[str, Any]]:
    """See `Backend.list_workers`."""
    stale_before = ago(database.clock(), stale_after)
    return [worker_dict(row, stale_before=stale_before) for row in database.rows("list_workers")]
