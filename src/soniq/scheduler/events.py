"""What a scheduler tells, and how its log words it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from soniq.backends.base import BackendError
from soniq.events import Events, LoopFailed, LoopRecovered

logger = logging.getLogger("soniq.scheduler")


@dataclass(frozen=True, slots=True)
class LeadershipChanged:
    """This scheduler leads now, or no longer."""

    scheduler_id: str
    leads: bool


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A job was enqueued for a due time."""

    schedule: str
    job_name: str
    job_id: str
    next_run: datetime


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A due time came while the schedule's last job was unfinished."""

    schedule: str
    last_job_id: str | None
    next_run: datetime


@dataclass(frozen=True, slots=True)
class RunsDropped:
    """More runs were missed than are caught up."""

    schedule: str
    dropped: int
    caught_up: int


@dataclass(frozen=True, slots=True)
class ScheduleFailed:
    """A schedule could not fire; the others do."""

    schedule: str
    error: Exception
    pause_s: float


class LogLines:
    """Subscribes to a scheduler's events and logs them."""

    def __init__(self, events: Events) -> None:
        events.subscribe(LeadershipChanged, self._leadership_changed)
        events.subscribe(Dispatched, self._dispatched)
        events.subscribe(PassedOver, self._passed_over)
        events.subscribe(RunsDropped, self._runs_dropped)
        events.subscribe(ScheduleFailed, self._failed)
        events.subscribe(LoopFailed, self._loop_failed)
        events.subscribe(LoopRecovered, self._loop_recovered)

    def _leadership_changed(self, event: LeadershipChanged) -> None:
        state = "leads: it fires the schedules" if event.leads else "no longer leads"
        logger.info("Scheduler %s %s", event.scheduler_id, state)

    def _dispatched(self, event: Dispatched) -> None:
        logger.info(
            "Schedule %s dispatched job %s (%s), next run %s",
            event.schedule,
            event.job_name,
            event.job_id,
            event.next_run.isoformat(),
        )

    def _passed_over(self, event: PassedOver) -> None:
        logger.info(
            "Schedule %s passed over its due time: its last job %s is unfinished; next run %s",
            event.schedule,
            event.last_job_id,
            event.next_run.isoformat(),
        )

    def _runs_dropped(self, event: RunsDropped) -> None:
        logger.warning(
            "Schedule %s missed more runs than are caught up: %d run now, %d are skipped",
            event.schedule,
            event.caught_up,
            event.dropped,
        )

    def _failed(self, event: ScheduleFailed) -> None:
        logger.error(
            "Schedule %s could not fire, next try in %.1f s: %s",
            event.schedule,
            event.pause_s,
            event.error,
        )

    def _loop_failed(self, event: LoopFailed) -> None:
        known = isinstance(event.error, BackendError)
        logger.warning(
            "The scheduler failed, next try in %.1f s: %s",
            event.pause_s,
            event.error,
            exc_info=None if known else event.error,
        )

    def _loop_recovered(self, _: LoopRecovered) -> None:
        logger.info("The scheduler works again")
