"""Schedules: the list, pausing, resuming, and running at once."""

from __future__ import annotations

from typing import Any, Final

from soniq.dashboard.answers import Count, RunCount, ScheduleEntry
from soniq.dashboard.operations import Asked, Operation, Refused


async def schedules(asked: Asked[Any, Any]) -> list[ScheduleEntry]:
    """Every schedule, by name."""
    return [
        ScheduleEntry(**one | {"args": asked.desk.arguments(one["job_name"], one["args"])})
        for one in await asked.desk.app.scheduler.list()
    ]


async def pause(asked: Asked[Any, Any]) -> Count:
    """Let a schedule fire no more until it is resumed."""
    name = asked.path["name"]
    if not await asked.desk.app.scheduler.pause(name):
        raise _unknown(name)
    return Count(f"Paused {name}", 1)


async def resume(asked: Asked[Any, Any]) -> Count:
    """Let a paused schedule fire again."""
    name = asked.path["name"]
    if not await asked.desk.app.scheduler.resume(name):
        raise _unknown(name)
    return Count(f"Resumed {name}", 1)


async def run(asked: Asked[Any, Any]) -> RunCount:
    """Enqueue a schedule's job at once."""
    name = asked.path["name"]
    try:
        job_id = await asked.desk.app.scheduler.run_now(name)
    except LookupError:
        raise _unknown(name) from None
    return RunCount(f"Enqueued {name} as {job_id}", 1, job_id)


def _unknown(name: str) -> Refused:
    return Refused(400, f"There is no schedule named {name!r}; it may have been removed since.")


OPERATIONS: Final = (
    Operation("GET", "/api/schedules", schedules, list[ScheduleEntry]),
    Operation("POST", "/api/schedules/{name:path}/pause", pause, Count, action="schedule.pause"),
    Operation("POST", "/api/schedules/{name:path}/resume", resume, Count, action="schedule.resume"),
    Operation("POST", "/api/schedules/{name:path}/run", run, RunCount, action="schedule.run"),
)
