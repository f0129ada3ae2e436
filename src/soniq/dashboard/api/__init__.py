"""Every operation of the API."""

from __future__ import annotations

from typing import Final

from soniq.dashboard.api import (
    audit,
    dead_letters,
    jobs,
    overview,
    queues,
    schedules,
    session,
    workers,
)
from soniq.dashboard.operations import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *session.OPERATIONS,
    *overview.OPERATIONS,
    # Before the job whose id is a part of the path.
    *queues.OPERATIONS,
    *jobs.OPERATIONS,
    *dead_letters.OPERATIONS,
    *schedules.OPERATIONS,
    *workers.OPERATIONS,
    *audit.OPERATIONS,
)
