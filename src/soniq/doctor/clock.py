"""A host whose clock differs from the database's."""

from __future__ import annotations

from datetime import datetime

from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, ok, warning


async def check_clock(examination: Examination) -> list[Finding]:
    before = examination.now()
    there = await examination.facts.clock()
    difference = _outside(there, before, examination.now())
    if abs(difference) <= examination.limits.clock:
        return ok("This host and the database agree on the time")
    direction = "behind" if difference > 0 else "ahead of"
    return warning(
        f"This host's clock is {abs(difference):.1f} s {direction} the database's",
        "Let both keep time by NTP. Jobs fall due by the database's clock, so times that this host "
        "computes for `scheduled_at` are off by as much.",
    )


def _outside(there: datetime, before: datetime, after: datetime) -> float:
    """Seconds by which `there` misses the time in which it was asked for."""
    if there > after:
        return (there - after).total_seconds()
    return min(0.0, (there - before).total_seconds())
