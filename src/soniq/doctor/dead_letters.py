"""Dead letters that become more."""

from __future__ import annotations

from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, ok, warning
from soniq.doctor.wording import counted


async def check_dead_letters(examination: Examination) -> list[Finding]:
    burials = await examination.facts.burials()
    if burials.commonest is None:
        return ok(f"No new dead letters within the hour, {burials.total:,} in all")
    name, reason, number = burials.commonest
    return warning(
        f"{counted(burials.last_hour, 'job')} became dead letters within the hour, "
        f"{burials.total:,} in all; most often {name} ({reason}, {number:,})",
        f"See why: `soniq dead-letter list --filter {name}`. Mend the cause before you replay.",
    )
