"""Who is looking."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.answers import Session
from soniq.dashboard.operations import Asked, Operation
from soniq.version import __version__


async def session(asked: Asked[Any, Any]) -> Session:
    """Who is looking, and what they may do."""
    visitor = asked.visitor
    return Session(
        role=visitor.role,
        writes=visitor.may_write,
        signed_in_by=visitor.signed_in_by,
        version=__version__,
        metrics=asked.desk.stored_metrics is not None,
        prefix=asked.prefix,
        environment=asked.desk.app.settings.environment,
    )


OPERATIONS: Final = (Operation("GET", "/api/session", session, Session),)
