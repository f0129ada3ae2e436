"""Workers that are registered and silent."""

from __future__ import annotations

from soniq.doctor.examination import Examination, is_silent, named
from soniq.doctor.finding import Finding, Level, ok
from soniq.doctor.wording import counted, lasting


async def check_workers(examination: Examination) -> list[Finding]:
    workers = await examination.facts.workers()
    silent = [worker for worker in workers if is_silent(worker)]
    return [
        Finding(
            Level.WARNING,
            f"The worker {named(worker)} has been silent for {lasting(worker.silent_for)}",
            "If its process is gone, the jobs it held are queued again once another worker runs: "
            "start one. If it runs, see that its host reaches the database and is not overloaded.",
        )
        for worker in silent
    ] or ok(f"{counted(len(workers), 'worker')}, none of them silent")
