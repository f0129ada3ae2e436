"""Values for tests. Every field has a default; a test names only what it is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

from uuid_utils import uuid7

from soniq.records import (
    ClaimedJob,
    Dead,
    DeadLetterReason,
    Done,
    Ending,
    NewJob,
    NewWorker,
    Outcome,
    Released,
    Retry,
    Snoozed,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

_pids = count(400_000)


def new_id() -> str:
    """A fresh job or worker id; later ones are greater."""
    return str(uuid7())


def new_job(
    *,
    id: str | None = None,
    job_name: str = "tests.job",
    args: dict[str, Any] | str | None = None,
    queue: str = "default",
    priority: int = 100,
    max_attempts: int = 4,
    dedup_key: str | None = None,
    scheduled_at: datetime | None = None,
    delay: float = 0.0,
    producer_id: str | None = None,
    trace: str | None = None,
) -> NewJob:
    """A job to store; `args` may be given as values or as JSON text."""
    return NewJob(
        id=id or new_id(),
        job_name=job_name,
        args=args if isinstance(args, str) else json.dumps(args or {}),
        queue=queue,
        priority=priority,
        max_attempts=max_attempts,
        dedup_key=dedup_key,
        scheduled_at=scheduled_at,
        delay=delay,
        producer_id=producer_id,
        trace=trace,
    )


def new_jobs(number: int, **overrides: Any) -> list[NewJob]:
    """`number` jobs alike, in the order of their ids."""
    return [new_job(**overrides) for _ in range(number)]


def new_worker(
    *,
    id: str | None = None,
    hostname: str = "host-of-tests",
    pid: int | None = None,
    queues: tuple[str, ...] | None = None,
    concurrency: int = 4,
    job_names: tuple[str, ...] = ("tests.job",),
    version: str = "0.0.0",
) -> NewWorker:
    """A worker about to join, under a process id no real process has."""
    return NewWorker(
        id=id or new_id(),
        hostname=hostname,
        pid=pid or next(_pids),
        queues=queues,
        concurrency=concurrency,
        job_names=job_names,
        version=version,
    )


def ending(job: Any, outcome: Outcome) -> Ending:
    """The end of a claimed job's claim."""
    return Ending(job.id, job.claim, outcome)


def every_outcome(text: str) -> tuple[Outcome, ...]:
    """One outcome of each kind; results and errors are `text`, what runs again is due at once."""
    return (
        Done(f'"{text}"'),
        Done(keep=False),
        Retry(0, text),
        Snoozed(0, text),
        Dead(DeadLetterReason.PERMANENT_FAILURE, text),
        Released(),
    )


def claimed_job(
    *,
    id: str | None = None,
    job_name: str = "tests.job",
    args: str = "{}",
    queue: str = "default",
    priority: int = 100,
    attempts: int = 1,
    max_attempts: int = 4,
    crashes: int = 0,
    claim: int = 1,
    scheduled_at: datetime = EPOCH,
    created_at: datetime = EPOCH,
) -> ClaimedJob:
    """A job as a claim gives it to a worker."""
    return ClaimedJob(
        id=id or new_id(),
        job_name=job_name,
        args=args,
        queue=queue,
        priority=priority,
        attempts=attempts,
        max_attempts=max_attempts,
        crashes=crashes,
        claim=claim,
        scheduled_at=scheduled_at,
        created_at=created_at,
    )
