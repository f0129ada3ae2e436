"""The fields of the worker's log records, for machines that read them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from soniq.logs import job_fields, trace_of


def fields(event: object, **more: Any) -> dict[str, Any]:
    """What a record about `event` carries: its name, and its job, worker and duration if any."""
    found: dict[str, Any] = {"event": _name(type(event).__name__), **more}
    if (worker_id := getattr(event, "worker_id", None)) is not None:
        found["worker_id"] = worker_id
    if (job := getattr(event, "job", None)) is not None:
        found |= job_fields(job) | trace_of(job)
    if (duration := getattr(event, "duration_s", None)) is not None:
        found["duration"] = round(duration, 6)
    return found


@cache
def _name(kind: str) -> str:
    """``JobFailed`` as ``job_failed``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
