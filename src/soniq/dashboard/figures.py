"""What the API gives in figures. The names of the fields are the keys of its JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How many jobs there are."""

    total: int
    queued: int
    processing: int
    done: int
    dead_letter: int
    cancelled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedStats(Stats):
    """How many jobs there are, where those that have ended are so many that they are estimated."""

    estimated: Literal[True] = True


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
    """What was processed in the last hours, as far as is known.

    Attributes:
        success_rate: percent of what was processed since `covers_since`; None where nothing was.
        jobs_per_hour: what was processed since `covers_since`, by the hour.
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
    """What the workers do, and did in the last hour.

    Attributes:
        covers_since: since when the figures of the hour are complete.
    """

    active_jobs: int
    jobs_last_hour: int
    completed_last_hour: int
    dead_lettered_last_hour: int
    covers_since: datetime
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHealth:
    """How it goes on the whole; figures are 0 while the database does not answer.

    Attributes:
        queue_backlog: jobs that are queued.
        error_rate_last_hour: percent of what ended since `covers_since` that was given up.
        covers_since: since when the figures of the hour are complete; None without a database.
    """

    status: Literal["healthy", "degraded", "unhealthy"]
    database_healthy: bool
    queue_backlog: int
    error_rate_last_hour: float
    jobs_processed_last_hour: int
    covers_since: datetime | None
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
