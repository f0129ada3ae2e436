"""What is composed around every handler: hooks, middleware, a metrics sink."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from soniq.events import Events, SinkFailed
from soniq.hooks import Hooks
from soniq.middleware import Middleware
from soniq.observability.metrics import (
    MetricsSink,
    NoopMetricsSink,
    PrometheusMetricsSink,
    RunStatus,
)
from soniq.observability.prometheus import Counts
from soniq.observability.telemetry import telemetry
from soniq.records import Dead, Done, Outcome, Released, Retry, Snoozed
from soniq.services.awaited import Awaited
from soniq.worker.attendance import Attend
from soniq.worker.run import Interruption, Run
from soniq.worker.tracing import TracingReporter


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An application's, as its workers get them. Empty ones cost a run nothing."""

    hooks: Hooks = field(default_factory=Hooks)
    middleware: Sequence[Middleware] = ()
    sink: MetricsSink | None = None
    awaited: Awaited = field(default_factory=Awaited)
    """Jobs whose end somebody in this process waits for."""
    attend: Attend | None = None
    """Makes the plugins' part of a worker; None where there are no plugins."""

    def reporter(self, events: Events) -> Reporter | None:
        """None where nothing is to be reported: then a run makes no call at all."""
        told = self._told(events)
        traces = telemetry()
        return told if traces is None else TracingReporter(traces, told, status)

    def _told(self, events: Events) -> Reporter | None:
        if self.sink is None or type(self.sink) is NoopMetricsSink:
            return None
        if type(self.sink) is PrometheusMetricsSink:
            return CountingReporter(self.sink.counts)
        return SinkReporter(self.sink, events)


class Reporter(Protocol):
    """Reports runs: each start has exactly one end.

    Both give None where there is nothing to await.
    """

    def start(self, run: Run) -> Awaitable[BaseException | None] | None:
        """Report the start; what the sink raised, if it did."""
        ...

    def end(
        self, run: Run, outcome: Outcome | None, seconds: float
    ) -> Awaitable[BaseException | None] | None:
        """Report the end; what the sink raised, if that is to change the outcome."""
        ...


class CountingReporter:
    """Counts straight away what a Prometheus sink would count: half the cost for each run."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def start(self, run: Run) -> None:
        self._counts.begin(run.job.queue, run.job.job_name)

    def end(self, run: Run, outcome: Outcome | None, seconds: float) -> None:
        ended = "done" if type(outcome) is Done else status(run, outcome).value
        self._counts.end(run.job.queue, run.job.job_name, ended, seconds)


class SinkReporter:
    """Reports runs to a sink.

    One that raises fails the run, as it promises; an outcome that is a failure already stands.
    """

    def __init__(self, sink: MetricsSink, events: Events) -> None:
        self._sink = sink
        self._events = events

    async def start(self, run: Run) -> BaseException | None:
        job = run.job
        try:
            await self._sink.record_job_start(
                job_id=job.id, job_name=job.job_name, queue=job.queue, attempt=job.attempts
            )
        except GeneratorExit:
            raise  # the loop is being torn down: nothing may be awaited any more
        except BaseException as error:  # noqa: BLE001 - told, and the run's failure
            self._events.emit(SinkFailed(job, error))
            return error
        return None

    async def end(self, run: Run, outcome: Outcome | None, seconds: float) -> BaseException | None:
        job = run.job
        error = outcome.error if isinstance(outcome, Retry | Dead) else None
        try:
            await self._sink.record_job_end(
                job_id=job.id,
                job_name=job.job_name,
                queue=job.queue,
                status=status(run, outcome).value,
                duration_s=seconds,
                error=error,
            )
        except GeneratorExit:
            raise
        except BaseException as raised:  # noqa: BLE001 - told, and perhaps the run's failure
            self._events.emit(SinkFailed(job, raised))
            return raised if isinstance(outcome, Done | Snoozed) else None
        return None


def status(run: Run, outcome: Outcome | None) -> RunStatus:
    """How a run with this outcome is reported."""
    match outcome:
        case Done():
            return RunStatus.DONE
        case Retry():
            return RunStatus.FAILED
        case Dead():
            return RunStatus.DEAD_LETTER
        case Snoozed():
            return RunStatus.SNOOZED
        case Released() | None:
            cancelled = run.interruption is Interruption.CANCELLED
            return RunStatus.CANCELLED if cancelled else RunStatus.INTERRUPTED
        case _:
            assert_never(outcome)
