"""Background jobs for Python on Postgres, SQLite or memory."""

from soniq.app import Soniq
from soniq.errors import JobFailed, PermanentFailure, RetryAfter, SoniqError
from soniq.job import JobContext, Snooze
from soniq.records import JobStatus
from soniq.schedules import cron, daily, every, monthly, weekly
from soniq.task_ref import TaskRef, task_ref
from soniq.version import __version__

__all__ = [
    "JobContext",
    "JobFailed",
    "JobStatus",
    "PermanentFailure",
    "RetryAfter",
    "Snooze",
    "Soniq",
    "SoniqError",
    "TaskRef",
    "__version__",
    "cron",
    "daily",
    "every",
    "monthly",
    "task_ref",
    "weekly",
]
