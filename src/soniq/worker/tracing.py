"""Reporting runs to OpenTelemetry, beside whoever else is told of them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Protocol

from soniq.records import Dead, Outcome, Retry
from soniq.worker.run import Run

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from soniq.observability.otel import Telemetry
    from soniq.worker.surroundings import Reporter


class Name(Protocol):
    """How a run with this outcome is reported."""

    def __call__(self, run: Run, outcome: Outcome | None) -> str: ...


class TracingReporter:
    """See `Reporter`. A span lasts from before the start is reported until its end is.

    Args:
        telemetry: makes the spans.
        inner: another reporter, None where there is none.
        name: names outcomes.
    """

    def __init__(self, telemetry: Telemetry, inner: Reporter | None, name: Name) -> None:
        self._telemetry = telemetry
        self._inner = inner
        self._name = name
        self._spans: dict[Run, Span] = {}

    def start(self, run: Run) -> Awaitable[BaseException | None] | None:
        with self._telemetry.harmless():
            self._spans[run] = self._telemetry.begin(run.job)
        return None if self._inner is None else self._inner.start(run)

    def end(
        self, run: Run, outcome: Outcome | None, seconds: float
    ) -> Awaitable[BaseException | None] | None:
        told = None if self._inner is None else self._inner.end(run, outcome, seconds)
        if told is not None:
            return self._after(told, run, outcome, seconds)
        self._end(run, outcome, seconds)
        return None

    async def _after(
        self,
        told: Awaitable[BaseException | None],
        run: Run,
        outcome: Outcome | None,
        seconds: float,
    ) -> BaseException | None:
        problem = None
        try:
            problem = await told
        finally:
            self._end(run, outcome, seconds, problem)
        return problem

    def _end(
        self,
        run: Run,
        outcome: Outcome | None,
        seconds: float,
        problem: BaseException | None = None,
    ) -> None:
        failed = isinstance(outcome, Retry | Dead)
        error = problem or (run.error if failed else None)
        name = self._name(run, outcome) if problem is None else "failed"
        span = self._spans.pop(run, None)
        if span is not None:
            with self._telemetry.harmless():
                self._telemetry.end(span, run.job, name, seconds, error)
