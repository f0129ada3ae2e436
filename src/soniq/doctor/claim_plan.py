"""Claims that do not go by their index, and so get slower with every job that waits."""

from __future__ import annotations

from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, ok, warning


async def check_claim_plan(examination: Examination) -> list[Finding]:
    plan = await examination.facts.claim_plan()
    if plan is None:
        return []
    if plan.index is not None:
        return ok(f"Claims go by the index {plan.index}")
    return warning(
        f"Claims do not go by the index {plan.expected}: {plan.plan}",
        "See that the index is there and valid; then run ANALYZE soniq_jobs.",
    )
