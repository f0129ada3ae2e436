"""Rows as the values that cross the storage seam."""

from __future__ import annotations

from typing import Any, Final

from soniq.backends.sqlite.times import is_stamp, moment, seen
from soniq.jsontext import document
from soniq.limits import stored_id
from soniq.records import JOB_KEYS, ClaimedJob, JobDict

_NUMBERS: Final = slice(4, 9)
_STAMPS: Final = slice(9, 11)
_TIMES: Final = ("scheduled_at", "created_at", "started_at", "finished_at", "updated_at")


def job_dict(row: tuple[Any, ...]) -> JobDict:
    """A row whose columns are `JOB_KEYS`."""
    job = dict(zip(JOB_KEYS, map(legible, row), strict=True))
    for key in _TIMES:
        if job[key] is not None:
            job[key] = seen(job[key])
    job["args"] = document(job["args"])
    if job["result"] is not None:
        job["result"] = document(job["result"])
    return job


def legible(value: Any) -> Any:
    """A blob, which somebody has put there, as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def claimed_jobs(rows: list[list[Any]]) -> list[ClaimedJob]:
    """Rows of ``claimed.sql``, in claim order.

    Raises:
        ValueError: a row somebody has edited, with what is no number or no time as it is stored.
    """
    for row in rows:
        if not all(type(value) is int for value in row[_NUMBERS]):
            raise ValueError(f"The row of job {row[0]} holds what is no number")
        if not all(map(is_stamp, row[_STAMPS])):
            raise ValueError(f"The row of job {row[0]} holds what is no time, or spelt otherwise")
    # Still as text: priority, due time and id sort as they are stored.
    rows.sort(key=lambda row: (row[4], row[9], row[0]))
    return [
        ClaimedJob._make((*row[:9], moment(row[9]), moment(row[10]), *row[11:])) for row in rows
    ]


def canonical_id(text: str) -> str | None:
    """The id; None if it is not spelt as ids are, so that no row can have it."""
    return text if stored_id(text) == text else None


def worker_dict(row: tuple[Any, ...], *, stale_before: str) -> dict[str, Any]:
    """A row of ``list_workers.sql``."""
    worker_id, hostname, pid, queues, concurrency, status, started_at, last_heartbeat = map(
        legible, row
    )
    stale = status != "stopped" and seen(last_heartbeat) < moment(stale_before)
    return {
        "id": worker_id,
        "hostname": hostname,
        "pid": pid,
        "queues": None if queues is None else document(queues),
        "concurrency": concurrency,
        "status": "stale" if stale else status,
        "started_at": seen(started_at),
        "last_heartbeat": seen(last_heartbeat),
    }
