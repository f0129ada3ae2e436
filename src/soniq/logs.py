"""What every log record of Soniq has in common: the job it is about, and no password."""

from __future__ import annotations

import logging
import re
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from soniq.errors import masked

if TYPE_CHECKING:
    from soniq.records import ClaimedJob

running_job: Final[ContextVar[ClaimedJob | None]] = ContextVar("soniq_running_job", default=None)
"""The job whose run this is, in its handler, its hooks and its middleware, on any thread."""

_TRACES: Final = logging.Formatter()
_TRACEPARENT: Final = re.compile(r'"traceparent":"[0-9a-f]{2}-([0-9a-f]{32})-')


def job_fields(job: ClaimedJob) -> dict[str, Any]:
    """How log records name a job."""
    return {
        "job_id": job.id,
        "job_name": job.job_name,
        "queue": job.queue,
        "attempt": job.attempts,
    }


def trace_of(job: ClaimedJob) -> dict[str, str]:
    """The ``trace_id`` that a job was enqueued with, for records logged outside of its run."""
    found = None if job.trace is None else _TRACEPARENT.search(job.trace)
    return {} if found is None else {"trace_id": found[1]}


def current_trace() -> dict[str, str]:
    """The ``trace_id`` and ``span_id`` of what runs now, where OpenTelemetry is in use."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    now = trace.get_current_span().get_span_context()
    if not now.is_valid:
        return {}
    return {"trace_id": f"{now.trace_id:032x}", "span_id": f"{now.span_id:016x}"}


class JobFilter(logging.Filter):
    """Gives log records the job in whose run they were logged; add it to a handler.

    Records get ``job_id``, ``job_name``, ``queue`` and ``attempt``, and with OpenTelemetry
    ``trace_id`` and ``span_id``, unless they have their own.

    Args:
        outside: what these are in records that were logged outside of any run, or any span.
    """

    _NAMES: Final = ("job_id", "job_name", "queue", "attempt", "trace_id", "span_id")

    def __init__(self, outside: Any = "-") -> None:
        super().__init__()
        self._outside = dict.fromkeys(self._NAMES, outside)

    def filter(self, record: logging.LogRecord) -> bool:
        job = running_job.get()
        fields = {} if job is None else job_fields(job)
        for name, value in (self._outside | fields | current_trace()).items():
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
