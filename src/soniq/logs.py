"""What every log record of Soniq has in common: the job it is about, and no password."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from soniq.errors import masked

if TYPE_CHECKING:
    from soniq.records import ClaimedJob

running_job: Final[ContextVar[ClaimedJob | None]] = ContextVar("soniq_running_job", default=None)
"""The job whose run this is, in its handler, its hooks and its middleware, on any thread."""

_TRACES: Final = logging.Formatter()


def job_fields(job: ClaimedJob) -> dict[str, Any]:
    """How log records name a job."""
    return {
        "job_id": job.id,
        "job_name": job.job_name,
        "queue": job.queue,
        "attempt": job.attempts,
    }


class JobFilter(logging.Filter):
    """Gives log records the job in whose run they were logged; add it to a handler.

    Records get ``job_id``, ``job_name``, ``queue`` and ``attempt``, unless they have their own.

    Args:
        outside: what these are in records that were logged outside of any run.
    """

    _NAMES: Final = ("job_id", "job_name", "queue", "attempt")

    def __init__(self, outside: Any = "-") -> None:
        super().__init__()
        self._outside = dict.fromkeys(self._NAMES, outside)

    def filter(self, record: logging.LogRecord) -> bool:
        job = running_job.get()
        for name, value in (self._outside if job is None else job_fields(job)).items():
            vars(record).setdefault(name, value)
        return True


def soniq_logger(name: str) -> logging.Logger:
    """The logger of that name, whose records hold no password, whoever formats them."""
    logger = logging.getLogger(name)
    logger.addFilter(_without_passwords)
    return logger


def _without_passwords(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    if (shown := masked(text)) != text:
        vars(record).update(msg=shown, args=None)
    if record.exc_info:
        # Formatters take the text that is there already.
        vars(record).update(exc_text=masked(_TRACES.formatException(record.exc_info)))
    return True
