"""What the memory backend keeps of a job and of a worker, and how it shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import from_json

from soniq.records import (
    ClaimedJob,
    DeadLetterReason,
    JobDict,
    JobState,
    JobStatus,
    NewJob,
    NewWorker,
    Outcome,
)


@dataclass(slots=True, eq=False)
class Row:
    """A job. Dead letters are rows too, kept apart from the others."""

    id: str
    job_name: str
    args: str
    queue: str
    priority: int
    max_attempts: int
    dedup_key: str | None
    producer_id: str | None
    scheduled_at: datetime
    created_at: datetime
    updated_at: datetime
    status: JobStatus = JobStatus.QUEUED
    attempts: int = 0
    crashes: int = 0
    claim: int = 0
    worker_id: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    unknown_since: datetime | None = None
    last_error: str | None = None
    result: str | None = None
    reason: DeadLetterReason | None = None
    ending: Outcome | None = None
    """How its last claim was finished; None while that runs, or if something else ended it."""
    ticket: int = 0
    """The number of its entry in a lane; an entry with another number is stale."""
    resurrection_count: int = 0
    last_resurrection_at: datetime | None = None
    last_resurrection_job_id: str | None = None
    tags: tuple[str, ...] = ()
    trace: str | None = None

    @classmethod
    def of(cls, job: NewJob, now: datetime) -> Row:
        due = job.scheduled_at
        return cls(
            id=job.id,
            job_name=job.job_name,
            args=job.args,
            queue=job.queue,
            priority=job.priority,
            max_attempts=job.max_attempts,
            dedup_key=job.dedup_key,
            producer_id=job.producer_id,
            trace=job.trace,
            scheduled_at=due.astimezone(UTC) if due else now + timedelta(seconds=job.delay),
            created_at=now,
            updated_at=now,
        )

    def claimed(self) -> ClaimedJob:
        return ClaimedJob(
            self.id,
            self.job_name,
            self.args,
            self.queue,
            self.priority,
            self.attempts,
            self.max_attempts,
            self.crashes,
            self.claim,
            self.scheduled_at,
            self.created_at,
            self.dedup_key,
            self.producer_id,
            self.trace,
        )

    def state(self) -> JobState:
        reason = self.reason.value if self.reason else None
        return JobState(self.status.value, self.result, self.last_error, reason)

    def as_dict(self) -> JobDict:
        """The job as users see it; a dead letter shows nothing of its last run but the error."""
        dead = self.status is JobStatus.DEAD_LETTER
        return {
            "id": self.id,
            "job_name": self.job_name,
            "args": from_json(self.args),
            "status": self.status.value,
            "queue": self.queue,
            "priority": self.priority,
            "attempts": self.attempts,
            "max_attempts": self.max_attempts,
            "crashes": self.crashes,
            "dedup_key": self.dedup_key,
            "scheduled_at": None if dead else self.scheduled_at,
            "created_at": self.created_at,
            "started_at": None if dead else self.started_at,
            "finished_at": None if dead else self.finished_at,
            "updated_at": self.updated_at,
            "last_error": self.last_error,
            "result": None if self.result is None else from_json(self.result),
            "worker_id": None if dead else self.worker_id,
            "producer_id": None if dead else self.producer_id,
            "dead_letter_reason": self.reason.value if self.reason else None,
        }


@dataclass(slots=True, eq=False)
class WorkerRow:
    """A registered worker."""

    about: NewWorker
    started_at: datetime
    last_heartbeat: datetime
    status: str = "active"

    @property
    def live(self) -> bool:
        return self.status != "stopped"

    def serves(self, queue: str) -> bool:
        return self.about.queues is None or queue in self.about.queues

    def as_dict(self, *, stale_before: datetime) -> dict[str, Any]:
        about = self.about
        stale = self.live and self.last_heartbeat < stale_before
        return {
            "id": about.id,
            "hostname": about.hostname,
            "pid": about.pid,
            "queues": None if about.queues is None else list(about.queues),
            "concurrency": about.concurrency,
            "status": "stale" if stale else self.status,
            "started_at": self.started_at,
            "last_heartbeat": self.last_heartbeat,
        }


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a lease, in which term, until when."""

    holder: str | None
    term: int
    expires_at: datetime
