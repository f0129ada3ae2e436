"""Schedules as the commands show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from soniq.app import Soniq
from soniq.cli import output

_COLUMNS: Final = (
    "name",
    "job",
    "status",
    "schedule",
    "zone",
    "last run",
    "next run",
    "runs",
    "last job",
)


@dataclass(frozen=True, slots=True)
class Schedules:
    """What there is to show.

    Attributes:
        schedules: as `app.scheduler.list` gives them.
        undeclared: the names of those that no running scheduler's code declares any more.
        schedulers: as `app.scheduler.schedulers` gives them.
    """

    schedules: list[dict[str, Any]]
    undeclared: list[str]
    schedulers: list[dict[str, Any]]

    def documents(self) -> list[dict[str, Any]]:
        """The schedules for a JSON document."""
        missing = frozenset(self.undeclared)
        return [one | {"undeclared": one["name"] in missing} for one in self.schedules]


async def look(app: Soniq) -> Schedules:
    """Ask for everything there is to show."""
    scheduler = app.scheduler
    return Schedules(
        await scheduler.list(), await scheduler.undeclared(), await scheduler.schedulers()
    )


def print_schedules(found: Schedules) -> None:
    """Print them, and below what somebody should see to."""
    if not found.schedules:
        output.info("There are no schedules")
        return
    output.table(_COLUMNS, (_row(one) for one in found.schedules))
    if not found.schedulers:
        _warn("No scheduler is running, so nothing fires; start one: soniq scheduler")
    for name in found.undeclared:
        _warn(
            f"Schedule {name} is declared by no running scheduler. It goes on firing wherever one "
            f"runs; if its code is gone for good: soniq schedules remove {name}"
        )


def _row(schedule: dict[str, Any]) -> list[object]:
    is_cron = schedule["schedule_type"] == "cron"
    value = schedule["schedule_value"]
    return [
        schedule["name"],
        schedule["job_name"],
        schedule["status"],
        value if is_cron else f"every {value} s",
        schedule["timezone"],
        _in_zone(schedule["last_run"], schedule),
        None if schedule["status"] == "paused" else _in_zone(schedule["next_run"], schedule),
        schedule["run_count"],
        schedule["last_job_id"],
    ]


def _in_zone(moment: datetime | None, schedule: dict[str, Any]) -> datetime | None:
    try:
        return moment and moment.astimezone(ZoneInfo(schedule["timezone"]))
    except (KeyError, ValueError, OSError):
        # This machine does not know the zone: better UTC than nothing.
        return moment


def _warn(text: str) -> None:
    output.warning(text, stderr=False)
