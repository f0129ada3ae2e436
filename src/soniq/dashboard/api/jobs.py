"""Jobs: lists, searches, one of them, and ending them by hand."""

from __future__ import annotations

from glob import escape
from typing import Any, Final

from soniq.backends.dead_letters import Selection
from soniq.backends.overview import Condition
from soniq.dashboard.answers import Job, JobsPage, Message
from soniq.dashboard.letters import letters_as_jobs
from soniq.dashboard.operations import Asked, Operation, Refused
from soniq.dashboard.questions import JobsQuestion, SearchQuestion
from soniq.dashboard.searching import jobs_page
from soniq.records import JobStatus

_NO_SUCH_JOB: Final = "There is no such job; it may have been deleted since."


async def jobs(asked: Asked[JobsQuestion, Any]) -> JobsPage:
    """Jobs, newest first, ended ones by their end; dead letters only where they are asked for."""
    page = asked.query
    return await _page(asked, Condition(page.queue, page.status))


async def search(asked: Asked[SearchQuestion, Any]) -> JobsPage:
    """Jobs with a text in name, id, queue or arguments, newest first."""
    page = asked.query
    text = page.query or page.q
    return await _page(asked, Condition(page.queue, page.status, page.job_name, text))


async def _page(asked: Asked[JobsQuestion, Any], condition: Condition) -> JobsPage:
    if condition.status == JobStatus.DEAD_LETTER:
        return await letters_as_jobs(asked.desk, _among_letters(condition), asked.query)
    return await jobs_page(asked.desk, condition, asked.query)


def _among_letters(condition: Condition) -> Selection:
    """The same of dead letters, where a text is looked for in names only."""
    globs = [escape(condition.job_name)] if condition.job_name else None
    if globs is None and condition.text:
        globs = [f"*{escape(condition.text)}*"]
    return Selection(
        job_names=tuple(globs) if globs else None,
        queues=(condition.queue,) if condition.queue else None,
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
    Operation("GET", "/api/jobs/search", search, JobsPage, query=SearchQuestion),
    Operation("GET", "/api/jobs/{id}", job, Job, errors={404: "There is no such job."}),
    Operation("POST", "/api/jobs/{id}/cancel", cancel, Message, action="job.cancel"),
    Operation("DELETE", "/api/jobs/{id}", delete, Message, action="job.delete"),
)
