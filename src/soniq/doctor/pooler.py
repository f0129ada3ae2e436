"""A pooler in transaction mode between Soniq and the database."""

from __future__ import annotations

from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, ok, warning


async def check_pooler(examination: Examination) -> list[Finding]:
    sessions = await examination.facts.sessions()
    if sessions is None:
        return []
    kept = {
        "LISTEN": sessions.notifications,
        "advisory locks": sessions.locks,
        "prepared statements": sessions.prepared_statements,
    }
    broken = [name for name, works in kept.items() if not works]
    if not broken:
        return ok("Sessions are kept: LISTEN, advisory locks and prepared statements work")
    return warning(
        f"A pooler in transaction mode stands before the database: {', '.join(broken)} "
        f"{'does' if broken == ['LISTEN'] else 'do'} not work",
        "Give workers and schedulers a direct connection, or session pooling. Until then they poll "
        f"every {examination.settings.poll_interval:g} s, and notice dead workers by their "
        "heartbeats only.",
    )
