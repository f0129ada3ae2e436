"""Everything at a glance."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.answers import Attention, Stats
from soniq.dashboard.operations import Asked, Operation


async def stats(asked: Asked[Any, Any]) -> Stats:
    """How many jobs there are of each status."""
    return await asked.desk.stats()


async def attention(asked: Asked[Any, Any]) -> Attention:
    """What needs attention now."""
    return Attention([])


OPERATIONS: Final = (
    Operation("GET", "/api/stats", stats, Stats),
    Operation("GET", "/api/attention", attention, Attention),
)
