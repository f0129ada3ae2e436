"""What the API gives. The names of the fields are the keys of its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from soniq.dashboard.visitors import Role, SignedInBy


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was not fulfilled."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is looking, and what they may do.

    Attributes:
        writes: whether this visitor may change anything.
        metrics: whether the application stores its metrics.
        prefix: where the dashboard is mounted, "" at the root.
        environment: the label of the application's settings.
    """

    role: Role
    writes: bool
    signed_in_by: SignedInBy
    version: str
    metrics: bool
    prefix: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job; arguments that are secret are shown as ``***``."""

    id: str
    job_name: str
    args: Any
    status: str
    queue: str
    priority: int
    attempts: int
    max_attempts: int
    crashes: int
    dedup_key: str | None
    scheduled_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    last_error: str | None
    result: Any
    worker_id: str | None
    producer_id: str | None
    dead_letter_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter(Job):
    """A job that was given up, and what became of it since."""

    original_created_at: datetime
    moved_to_dead_letter_at: datetime
    resurrection_count: int
    last_resurrection_at: datetime | None
    last_resurrection_job_id: str | None
    tags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a list.

    Attributes:
        total_count: how many the whole list has.
        estimated: `total_count` is an estimate.
        next_cursor: what to ask the next page with, None at the end.
    """

    total_count: int
    estimated: bool
    limit: int
    offset: int
    has_more: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsPage(Part):
    """Some jobs, newest first."""

    jobs: list[Job]


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersPage(Part):
    """Some dead letters, the one given up last first."""

    jobs: list[DeadLetter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker.

    Attributes:
        queues: those it serves, None for all.
        running: ids of the jobs it holds.
        memory_bytes: what its process takes, None where it does not say.
    """

    id: str
    hostname: str
    pid: int
    queues: list[str] | None
    concurrency: int
    status: str
    started_at: datetime
    last_heartbeat: datetime
    running: list[str]
    memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """A schedule."""

    id: str
    name: str
    job_name: str
    schedule_type: str
    schedule_value: str
    timezone: str
    catch_up: str
    overlap: str
    jitter: float
    priority: int
    queue: str
    max_attempts: int
    args: Any
    status: str
    created_at: datetime
    last_run: datetime | None
    next_run: datetime | None
    run_count: int
    last_job_id: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """What was done."""

    message: str


@dataclass(frozen=True, slots=True)
class ReplayMessage:
    """What was done; `job_id` is the new job, or the live one that holds its dedup key."""

    message: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Count:
    """What was done, and to how many."""

    message: str
    count: int


@dataclass(frozen=True, slots=True)
class BulkCount:
    """What was done, or with `dry_run` would be, and to how many; then with a sample of ids."""

    message: str
    count: int
    sample: list[str] | None = None


@dataclass(frozen=True, slots=True)
class RunCount:
    """What was done, to how many, and the job that came of it."""

    message: str
    count: int
    job_id: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did through the dashboard."""

    at: datetime
    actor: str
    action: str
    target: str
    address: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """What was done, newest first."""

    entries: list[Deed]
    limit: int
    has_more: bool
    next_cursor: str | None
