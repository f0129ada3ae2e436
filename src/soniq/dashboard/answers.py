"""What the API gives. The names of the fields are the keys of its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

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
class Stats:
    """How many jobs there are.

    Attributes:
        estimated: the numbers of ended jobs are estimates, for there are very many.
    """

    total: int
    queued: int
    processing: int
    done: int
    dead_letter: int
    cancelled: int
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """A queue; times are of jobs that ended lately, None where none has.

    Attributes:
        oldest_age_s: seconds since the job that has been due for longest was.
        throughput_per_minute: jobs that ended in the last minute.
        wait_p50_ms: from the due time to the start of the last attempt.
        run_p50_ms: from start to end.
    """

    queue: str
    total_jobs: int
    queued: int
    processing: int
    done: int
    cancelled: int
    dead_letter: int
    avg_processing_time_ms: float | None
    oldest_age_s: float | None
    throughput_per_minute: float | None
    wait_p50_ms: float | None
    wait_p95_ms: float | None
    run_p50_ms: float | None
    run_p95_ms: float | None


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
class JobsPage:
    """A part of a list of jobs, newest first.

    Attributes:
        total_count: how many the whole list has.
        estimated: `total_count` is an estimate.
        next_cursor: what to ask the next page with, None at the end.
    """

    jobs: list[Job]
    total_count: int
    estimated: bool
    limit: int
    offset: int
    has_more: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersPage:
    """A part of a list of dead letters, the one given up last first."""

    jobs: list[DeadLetter]
    total_count: int
    estimated: bool
    limit: int
    offset: int
    has_more: bool
    next_cursor: str | None


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
class AttentionItem:
    """Something an operator should look at, and the view that shows it."""

    severity: Literal["critical", "warning", "info"]
    title: str
    detail: str
    view: Literal["dead-letter", "queues", "jobs", "schedules", "workers"]
    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class Attention:
    """What needs attention now, the worst first."""

    items: list[AttentionItem]


@dataclass(frozen=True, slots=True)
class TimelineHour:
    """The jobs that were enqueued in an hour, and what became of them."""

    hour: datetime
    total_jobs: int
    completed: int
    dead_letter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobType:
    """The jobs of one name.

    Attributes:
        success_rate: percent of those that ended; None where none has.
        estimated: the numbers are judged by a sample.
    """

    job_name: str
    total_count: int
    completed_count: int
    dead_letter_count: int
    queued_count: int
    success_rate: float | None
    avg_processing_time_ms: float | None
    last_run: datetime | None
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What was processed in the last hours.

    Attributes:
        success_rate: percent of what was processed; None where nothing was.
        covers_since: since when the figures are complete.
    """

    total_processed: int
    successful: int
    dead_lettered: int
    success_rate: float | None
    avg_processing_time_ms: float | None
    jobs_per_hour: float
    time_window_hours: int
    covers_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """What ended from `at` on; None where that is not known any more.

    Attributes:
        failed: attempts that failed.
        depth: jobs that were due and waited.
    """

    at: datetime
    done: int | None
    failed: int | None
    dead_letter: int | None
    depth: float | None
    run_p50_ms: float | None
    run_p95_ms: float | None
    wait_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class History:
    """What ended, oldest first.

    Attributes:
        resolution: the length of a point, such as ``5min``.
        covers_since: since when the figures are complete.
    """

    resolution: str
    covers_since: datetime
    points: list[HistoryPoint]


@dataclass(frozen=True, slots=True)
class Series:
    """A stored series: counter, gauge or histogram; its points newest first, time and value."""

    metric_type: str
    points: list[tuple[datetime, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersStats:
    """What the workers do, and did in the last hour."""

    active_jobs: int
    jobs_last_hour: int
    completed_last_hour: int
    dead_lettered_last_hour: int
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHealth:
    """How it goes on the whole; figures are 0 while the database does not answer.

    Attributes:
        queue_backlog: jobs that are queued.
        error_rate_last_hour: percent of what ended in the last hour that was given up.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    database_healthy: bool
    queue_backlog: int
    error_rate_last_hour: float
    jobs_processed_last_hour: int
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class SkewedName:
    """A name that no live worker knows, and that jobs have or had."""

    job_name: str
    queued: int
    dead_letter: int
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Drift:
    """Names that no live worker knows; dead letters are those of the last minutes."""

    window_minutes: int
    skewed_names: list[SkewedName]


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
