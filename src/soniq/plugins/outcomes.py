"""What a plugin may make of a run: returned by `Plugin.on_job_completed`, stored instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from soniq.records import DeadLetterReason


@dataclass(frozen=True, slots=True)
class Done:
    """The job is done.

    Args:
        result: kept as the job's result; anything that pydantic can serialise.
    """

    result: Any = None


@dataclass(frozen=True, slots=True)
class Retry:
    """The run failed, and another attempt is made; a dead letter where none is left.

    Args:
        delay: seconds, or a timedelta, until the next attempt.
    """

    delay: float | timedelta = 0.0


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The job is put off, and no attempt is spent.

    Args:
        seconds: how long, or a timedelta; capped by the setting `snooze_max_seconds`.
    """

    seconds: float | timedelta


@dataclass(frozen=True, slots=True)
class Dead:
    """The job is given up.

    Args:
        reason: a `DeadLetterReason`, as such or as text. Other words mean `permanent_failure`, and
            stand in `last_error`, in lines before the error of the run if it had one.
    """

    reason: DeadLetterReason | str = DeadLetterReason.PERMANENT_FAILURE


PluginOutcome = Done | Retry | Snoozed | Dead
