"""Jobs that wait for a worker that is not there: of their queue, or of their name."""

from __future__ import annotations

from collections.abc import Sequence

from soniq.backends.diagnosis import Backlog
from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, Level, error, ok
from soniq.doctor.wording import counted, lasting


async def check_queues(examination: Examination) -> list[Finding]:
    """Queues with due jobs that nobody works."""
    workers = await examination.live_workers()
    backlog = await examination.facts.backlog()
    if backlog and not workers:
        return error(
            f"{_told(backlog)}, and no worker is alive in {examination.location}",
            "Start one with `soniq worker`. If workers do run, they use another database: compare "
            "their SONIQ_DATABASE_URL with this one.",
        )
    served = {each.queue for each in backlog if any(w.serves(each.queue) for w in workers)}
    return [
        Finding(
            Level.WARNING,
            f"Nobody works the queue {queue}: {_told(waiting)}",
            f"Start a worker that serves it: `soniq worker --queues {queue}`.",
        )
        for queue, waiting in _by_queue(backlog).items()
        if queue not in served
    ] or ok("Every queue with due jobs has a worker")


async def check_names(examination: Examination) -> list[Finding]:
    """Job names that no worker of their queue knows."""
    workers = await examination.live_workers()
    found: list[Finding] = []
    for each in await examination.facts.backlog():
        serving = [worker for worker in workers if worker.serves(each.queue)]
        if serving and not any(each.job_name in worker.job_names for worker in serving):
            found.append(_unknown(each, examination.settings.unknown_job_grace))
    return found or ok("The workers know the names of all due jobs")


def _unknown(each: Backlog, grace: float) -> Finding:
    return Finding(
        Level.WARNING,
        f"No live worker of the queue {each.queue} knows the job {each.job_name}: {_told([each])}",
        "Import the module that defines it in a worker (SONIQ_JOBS_MODULES, --jobs-modules), and "
        f"install that code on its host. After {lasting(grace)} such jobs become dead letters.",
    )


def _by_queue(backlog: Sequence[Backlog]) -> dict[str, list[Backlog]]:
    queues: dict[str, list[Backlog]] = {}
    for each in backlog:
        queues.setdefault(each.queue, []).append(each)
    return queues


def _told(backlog: Sequence[Backlog]) -> str:
    jobs = sum(each.jobs for each in backlog)
    oldest = max(each.oldest_for for each in backlog)
    return f"{counted(jobs, 'due job')}, the oldest since {lasting(oldest)}"
