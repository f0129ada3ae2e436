"""Metrics sinks: where a worker reports the start and the end of each run."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, runtime_checkable

from soniq.observability.prometheus import PrometheusMetricsSink

__all__ = ["MetricsSink", "NoopMetricsSink", "PrometheusMetricsSink", "RunStatus"]


class RunStatus(StrEnum):
    """How a run ended, as a sink is told."""

    DONE = "done"
    FAILED = "failed"
    """It raised, and has another attempt."""
    DEAD_LETTER = "dead_letter"
    SNOOZED = "snoozed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its worker stopped, or had lost the claim."""


@runtime_checkable
class MetricsSink(Protocol):
    """Told of every run, by workers only. Each start has exactly one end.

    A method that raises fails the run: wrap the sink where metrics are only best effort.
    """

    async def record_job_start(
        self, *, job_id: str, job_name: str, queue: str, attempt: int
    ) -> None:
        """A worker begins a claimed job; `attempt` counts from 1."""
        ...

    async def record_job_end(
        self,
        *,
        job_id: str,
        job_name: str,
        queue: str,
        status: str,
        duration_s: float,
        error: str | None = None,
    ) -> None:
        """The run is over and about to be stored.

        Args:
            status: one of `RunStatus`.
            duration_s: seconds it took.
            error: what it failed with.
        """
        ...


class NoopMetricsSink:
    """Reports nothing; the default. A worker that has it makes no call at all."""

    async def record_job_start(
        self, *, job_id: str, job_name: str, queue: str, attempt: int
    ) -> None: ...

    async def record_job_end(
        self,
        *,
        job_id: str,
        job_name: str,
        queue: str,
        status: str,
        duration_s: float,
        error: str | None = None,
    ) -> None: ...
