"""Periodic jobs that nobody enqueues."""

from __future__ import annotations

from soniq.backends.schedules import SchedulerInfo, ScheduleStore
from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, ok, warning
from soniq.doctor.wording import counted, some_of

_LOOKED_AT = 100
_REMOVE = (
    "Remove what is not wanted any more with `soniq schedules remove NAME`, or start the scheduler "
    "whose code declares it."
)
_REMEDY = "Run `soniq scheduler`, or one worker with `soniq worker --scheduler`."


async def check_schedules(examination: Examination) -> list[Finding]:
    store = examination.backend.schedules
    if running := await store.running():
        return await _left_behind(store, running)
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


async def _left_behind(store: ScheduleStore, running: list[SchedulerInfo]) -> list[Finding]:
    """Schedules go on when their code is gone: another program may declare them."""
    declared = {name for one in running for name in one.names}
    orphans = [
        each.name
        for each in await store.all(_LOOKED_AT)
        if each.declared and each.name not in declared
    ]
    if orphans:
        return warning(
            f"No running scheduler's code declares {some_of(orphans)}; they go on", _REMOVE
        )
    return ok(f"{counted(len(running), 'scheduler')} running")
