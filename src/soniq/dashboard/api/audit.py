"""What was done through the dashboard."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.answers import AuditPage, Deed
from soniq.dashboard.operations import Asked, Operation
from soniq.dashboard.questions import AuditQuestion


async def audit(asked: Asked[AuditQuestion, Any]) -> AuditPage:
    """Who did what, when, and from where, newest first."""
    limit, after = asked.query.limit, asked.query.cursor
    page = await asked.desk.look_up(lambda one: one.audit(after=after, limit=limit))
    return AuditPage(
        entries=[
            Deed(one.at, one.actor, one.action, one.target, one.address, one.detail)
            for one in page.entries
        ],
        limit=limit,
        has_more=page.next is not None,
        next_cursor=page.next,
    )


OPERATIONS: Final = (Operation("GET", "/api/audit", audit, AuditPage, query=AuditQuestion),)
