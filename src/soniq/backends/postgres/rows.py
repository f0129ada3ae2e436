"""The one place that knows how a stored row becomes a job as its users see it."""

from __future__ import annotations

import re
from typing import Final

from asyncpg import Record

from soniq.jsontext import document
from soniq.records import JOB_KEYS, JobDict

_DOCUMENTS: Final = ("args", "result")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether `text` can be the id of a row."""
    return _ID.fullmatch(text) is not None


def job_dict(row: Record) -> JobDict:
    """A row of `get_job` or `list_jobs`, whose columns are named like the keys."""
    job = {key: row[key] for key in JOB_KEYS}
    for key in _DOCUMENTS:
        if job[key] is not None:
            job[key] = document(job[key])
    return job
