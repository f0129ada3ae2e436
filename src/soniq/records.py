"""The values that cross the storage seam: jobs going in, claims coming out, outcomes going back.

The hot ones are named tuples rather than dataclasses: they are made once per job, and a batch of
them turns into columns with a single ``zip``.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final, NamedTuple

JobDict = dict[str, Any]
"""A stored job as its users see it; the keys are `JOB_KEYS`, absent values are None."""

JOB_KEYS: Final = (
    "id",
    "job_name",
    "args",
    "status",
    "queue",
    "priority",
    "attempts",
    "max_attempts",
    "crashes",
    "dedup_key",
    "scheduled_at",
    "created_at",
    "started_at",
    "finished_at",
    "updated_at",
    "last_error",
    "result",
    "worker_id",
    "producer_id",
    "dead_letter_reason",
)


class JobStatus(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    CANCELLED = "cancelled"
    DEAD_LETTER = "dead_letter"


class DeadLetterReason(StrEnum):
    """Why a job was given up."""

    MAX_RETRIES_EXCEEDED = "max_retries_exceeded"
    PERMANENT_FAILURE = "permanent_failure"
    JOB_NOT_FOUND = "job_not_found"
    INVALID_ARGUMENTS = "invalid_arguments"
    TIMEOUT = "timeout"
    WORKER_CRASHED = "worker_crashed"
    MANUAL = "manual"


def reason_of(text: str) -> DeadLetterReason | str:
    """The reason of that name; one that this version does not know is passed on as it stands."""
    try:
        return DeadLetterReason(text)
    except ValueError:
        return text


class NewJob(NamedTuple):
    """A job to store. Everything has been checked: a backend stores it as it is."""

    id: str
    job_name: str
    args: str
    """A JSON object as text."""
    queue: str
    priority: int
    max_attempts: int
    dedup_key: str | None = None
    scheduled_at: datetime | None = None
    """Due at this aware time; None means `delay` seconds after the database's now."""
    delay: float = 0.0
    producer_id: str | None = None
    trace: str | None = None
    """The trace that it belongs to: a JSON object of propagated fields, as text."""


class ClaimedJob(NamedTuple):
    """A job that now belongs to one worker, under one claim number."""

    id: str
    job_name: str
    args: str
    queue: str
    priority: int
    attempts: int
    """Attempts spent, and the one that is about to run."""
    max_attempts: int
    crashes: int
    claim: int
    scheduled_at: datetime
    created_at: datetime
    dedup_key: str | None = None
    producer_id: str | None = None
    trace: str | None = None


class Claimed(NamedTuple):
    """The answer to one claim."""

    jobs: list[ClaimedJob]
    """In claim order: priority, then due time, then id."""
    next_due: float | None = None
    """Seconds until the next known job of the served queues is due; None when none is known."""
    suspects: bool = False
    """A job that has crashed a worker may be due: worth a `claim_suspect`."""


class Done(NamedTuple):
    """The handler returned."""

    result: str | None = None
    """JSON text, or None when the handler returned nothing."""
    keep: bool = True
    """False deletes the row instead of keeping it until its time is over."""


class Retry(NamedTuple):
    """The run failed and has another attempt, `delay` seconds from now."""

    delay: float
    error: str


class Snoozed(NamedTuple):
    """The handler put the job off by `delay` seconds; no attempt is spent."""

    delay: float
    note: str


class Dead(NamedTuple):
    """The run failed for good: the job moves to the dead letters."""

    reason: DeadLetterReason
    error: str


class Released(NamedTuple):
    """The claim goes back as if it had not been made; no attempt is spent."""

    delay: float = 0.0


Outcome = Done | Retry | Snoozed | Dead | Released


class Ending(NamedTuple):
    """The end of one claim, fenced by its number."""

    job_id: str
    claim: int
    outcome: Outcome


class JobState(NamedTuple):
    """Where a job is, and what it has ended with."""

    status: str
    """A `JobStatus`."""
    result: str | None = None
    """JSON text; None until the job is done, or when its handler returned nothing."""
    error: str | None = None
    """The text of its last failure."""
    reason: str | None = None
    """Of a dead letter: a `DeadLetterReason`."""


class ClaimState(Enum):
    """What became of a claim that is no longer its worker's."""

    CANCELLED = "cancelled"
    LOST = "lost"


class NewWorker(NamedTuple):
    """A worker that joins: one row in `soniq_workers`."""

    id: str
    hostname: str
    pid: int
    queues: tuple[str, ...] | None
    """The queues it serves, None for all."""
    concurrency: int
    job_names: tuple[str, ...]
    """The names it has handlers for."""
    version: str


class DeadWorker(NamedTuple):
    """A worker that was found dead."""

    id: str
    hostname: str
    pid: int
    stopping: bool
    """It had begun to stop, so its jobs count no crash."""


class Recovered(NamedTuple):
    """What one recovery sweep did."""

    workers: list[DeadWorker]
    """Workers declared dead by this sweep."""
    requeued: list[str]
    """Ids of jobs that are queued again."""
    dead: list[str]
    """Ids of jobs that had crashed too often and are dead letters now."""
    live: int = 1
    """Live workers, this one included: the more there are, the less often each needs to look."""
