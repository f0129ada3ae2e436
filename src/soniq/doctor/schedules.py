"""Periodic jobs that nobody enqueues."""

from __future__ import annotations

from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, ok, warning
from soniq.doctor.wording import counted, some_of

_LOOKED_AT = 100
_REMEDY = "Run `soniq scheduler`, or one worker with `soniq worker --scheduler`."


async def check_schedules(examination: Examination) -> list[Finding]:
    store = examination.backend.schedules
    if running := await store.running():
        return ok(f"{counted(len(running), 'scheduler')} running")
    stored = [each.name for each in (await store.upcoming(_LOOKED_AT)).schedules]
    if stored:
        return warning(f"No scheduler runs, so nothing fires {some_of(stored)}", _REMEDY)
    if examination.declared:
        return warning(
            "No scheduler runs, or ever ran, for the periodic jobs of this code: "
            f"{some_of(examination.declared)}",
            _REMEDY,
        )
    return ok("There are no periodic jobs")
