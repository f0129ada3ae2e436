"""Jobs: lists, one of them, and ending them by hand."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.answers import Job, JobsPage, Message
from soniq.dashboard.operations import Asked, Operation, Refused
from soniq.dashboard.questions import JobsQuestion

_NO_SUCH_JOB: Final = "There is no such job; it may have been deleted since."


async def jobs(asked: Asked[JobsQuestion, Any]) -> JobsPage:
    """Jobs, newest first; dead letters only where they are asked for."""
    page = asked.query
    found = await asked.desk.app.list_jobs(page.queue, page.status, page.limit + 1, page.offset)
    return JobsPage(
        jobs=[asked.desk.shown(job) for job in found[: page.limit]],
        total_count=page.offset + len(found),
        estimated=True,
        limit=page.limit,
        offset=page.offset,
        has_more=len(found) > page.limit,
        next_cursor=None,
    )


async def job(asked: Asked[Any, Any]) -> Job:
    """A job, or a dead letter."""
    found = await asked.desk.app.get_job(asked.path["id"])
    if found is None:
        raise Refused(404, _NO_SUCH_JOB)
    return asked.desk.shown(found)


async def cancel(asked: Asked[Any, Any]) -> Message:
    """Cancel a job that is queued or running."""
    if not await asked.desk.app.cancel_job(asked.path["id"]):
        raise Refused(400, "Only a job that is queued or running can be cancelled.")
    return Message("Cancelled")


async def delete(asked: Asked[Any, Any]) -> Message:
    """Delete a job, which is cancelled first if it runs."""
    if not await asked.desk.app.delete_job(asked.path["id"]):
        raise Refused(400, _NO_SUCH_JOB)
    return Message("Deleted")


OPERATIONS: Final = (
    Operation("GET", "/api/jobs", jobs, JobsPage, query=JobsQuestion),
    Operation("GET", "/api/jobs/{id}", job, Job, errors={404: "There is no such job."}),
    Operation(
        "POST",
        "/api/jobs/{id}/cancel",
        cancel,
        Message,
        writes=True,
        errors={400: "It is neither queued nor running."},
    ),
    Operation(
        "DELETE",
        "/api/jobs/{id}",
        delete,
        Message,
        writes=True,
        errors={400: "There is no such job."},
    ),
)
