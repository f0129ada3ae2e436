"""Workers."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.answers import Worker
from soniq.dashboard.operations import Asked, Operation


async def workers(asked: Asked[Any, Any]) -> list[Worker]:
    """Every worker, newest first, and what it runs."""
    found = await asked.desk.app.list_workers()
    return [Worker(**one, running=[], memory_bytes=None) for one in found]


OPERATIONS: Final = (Operation("GET", "/api/workers", workers, list[Worker]),)
