"""What the author of a handler touches: the context of a run, and putting a job off."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any


@dataclass(frozen=True, slots=True, init=False)
class Snooze:
    """Return it from a handler to run the job again later, without spending an attempt.

    Args:
        seconds: how long to wait, in seconds or as a timedelta; less than nothing counts as 0.
        reason: kept in the job's `last_error`.

    Raises:
        TypeError: `seconds` is neither a number nor a timedelta.
        ValueError: it is a number that no float can hold.
    """

    seconds: float
    reason: str | None = None

    def __init__(self, seconds: float | timedelta, reason: str | None = None) -> None:
        object.__setattr__(self, "seconds", _seconds(seconds))
        object.__setattr__(self, "reason", reason)


class JobMetrics:
    """Records a handler's own numbers where somebody keeps them; by itself it keeps none."""

    __slots__ = ()

    def counter(self, key: str, value: float = 1) -> None:
        """Add `value` to a counter."""

    def gauge(self, key: str, value: float) -> None:
        """Set a gauge to `value`."""

    def histogram(self, key: str, value: float) -> None:
        """Observe `value`."""


NO_METRICS = JobMetrics()


class StopFlag:
    """Set once, from the worker's loop; read by the handler, perhaps in another thread."""

    __slots__ = ("raised",)

    def __init__(self) -> None:
        self.raised = False


@dataclass(frozen=True, slots=True)
class JobContext:
    """One run of a job, as its handler sees it.

    A handler receives it through any parameter annotated `JobContext`.
    """

    job_id: str
    job_name: str
    queue: str
    attempt: int
    """From 1."""
    max_attempts: int
    worker_id: str
    """The worker that runs this attempt, ``""`` outside a worker."""
    scheduled_at: datetime
    created_at: datetime
    duration_ms: float | None = None
    """How long the run took; None until it has ended."""
    state: dict[str, Any] = field(default_factory=dict)
    """For this run's hooks, middleware and handler to share."""
    metrics: JobMetrics = field(default=NO_METRICS, repr=False, compare=False)
    """For the handler's own numbers; does nothing unless something keeps them."""
    _stop: StopFlag = field(default_factory=StopFlag, repr=False, compare=False)

    @property
    def should_stop(self) -> bool:
        """Whether the run has lost its point: cancelled, timed out, claim lost, worker stopping.

        Safe to ask from any thread.
        """
        return self._stop.raised


def _seconds(given: Any) -> float:
    if isinstance(given, timedelta):
        return given.total_seconds()
    if isinstance(given, bool) or not isinstance(given, Real | Decimal):
        raise TypeError(
            f"Snooze() takes seconds or a timedelta, got {type(given).__name__}; "
            "for a minute write Snooze(60) or Snooze(timedelta(minutes=1))"
        )
    try:
        return float(given)
    except OverflowError as error:
        raise ValueError("Snooze() was given more seconds than a float can hold") from error
