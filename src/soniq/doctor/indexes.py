"""Indexes that somebody dropped, or that failed to build."""

from __future__ import annotations

from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, Level, ok


async def check_indexes(examination: Examination) -> list[Finding]:
    faults = await examination.facts.index_faults()
    if faults is None:
        return []
    return [
        Finding(
            Level.ERROR,
            f"The index {fault.name} of {fault.table} {fault.problem}",
            f"Run: {'; '.join(fault.mending)};",
        )
        for fault in faults
    ] or ok("All indexes are there and valid")
