"""Spans and metrics of jobs, by OpenTelemetry's semantic conventions for messaging.

A job is a message and a queue its destination; what the conventions have no name for stands under
``messaging.soniq``. See https://opentelemetry.io/docs/specs/semconv/messaging/.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import context, metrics, trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode

from soniq.logs import soniq_logger
from soniq.observability.trace_context import read, written
from soniq.records import ClaimedJob, NewJob
from soniq.version import __version__

_API: Final = ("opentelemetry.trace", "opentelemetry.metrics")
_log = soniq_logger("soniq.telemetry")
_BRIEF: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_LONG: Final = (*_BRIEF, 30, 60, 120, 300, 600)

Attributes = dict[str, str | int | bool]


def is_set_up() -> bool:
    """Whether there is an SDK: the providers that the API brings itself do nothing."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    return not all(type(provider).__module__.startswith(_API) for provider in providers)


class Telemetry:
    """Traces and counts what is enqueued and what runs, with the providers of this moment."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("soniq", __version__)
        meter = metrics.get_meter("soniq", __version__)
        self._sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Jobs that were to be enqueued."
        )
        self._consumed = meter.create_counter(
            "messaging.client.consumed.messages", "{message}", "Jobs that were given to handlers."
        )
        self._sending = meter.create_histogram(
            "messaging.client.operation.duration",
            "s",
            "How long enqueues took.",
            explicit_bucket_boundaries_advisory=_BRIEF,
        )
        self._processing = meter.create_histogram(
            "messaging.process.duration",
            "s",
            "How long runs took.",
            explicit_bucket_boundaries_advisory=_LONG,
        )

    @staticmethod
    @contextmanager
    def harmless() -> Iterator[None]:
        """What a program has plugged into its SDK may break; no job may be harmed by it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - that is the promise
            _log.warning("OpenTelemetry failed, and a job went on without it: %r", error)

    @contextmanager
    def sending(self, jobs: Sequence[NewJob], *, batch: bool = False) -> Iterator[Sending]:
        """A span around storing `jobs`, which are all of one queue; they get its context."""
        began, common = time.perf_counter(), _common("send", jobs[0].queue)
        span: Span = INVALID_SPAN
        token = None
        with self.harmless():
            span = self._begin_sending(jobs, common, batch=batch)
            token = context.attach(trace.set_span_in_context(span))
        try:
            yield Sending(span, _carrying(jobs, written()), batch=batch)
        except BaseException as error:
            common["error.type"] = error_type(error)
            with self.harmless():
                _tell(span, error)
            raise
        finally:
            if token is not None:
                context.detach(token)
            with self.harmless():
                span.end()
                self._sent.add(len(jobs), common)
                self._sending.record(time.perf_counter() - began, common)

    def _begin_sending(self, jobs: Sequence[NewJob], common: Attributes, *, batch: bool) -> Span:
        first = jobs[0]
        details: Attributes = {"messaging.soniq.job.name": first.job_name}
        if first.producer_id is not None:
            details["messaging.client.id"] = first.producer_id
        if batch:
            details["messaging.batch.message_count"] = len(jobs)
        return self._tracer.start_span(
            f"send {first.queue}",
            kind=SpanKind.PRODUCER,
            attributes={**common, "messaging.operation.type": "send", **details},
        )

    def begin(self, job: ClaimedJob) -> Span:
        """Begin the span of a run, the child of its enqueue's, and make it the current one.

        For good: the run has a context of its own, in which after_job hooks belong to it too.
        """
        carried = read(job.trace)
        creation = trace.get_current_span(carried).get_span_context()
        span = self._tracer.start_span(
            f"process {job.job_name}",
            carried,
            kind=SpanKind.CONSUMER,
            attributes={
                **_common("process", job.queue),
                "messaging.operation.type": "process",
                "messaging.message.id": job.id,
                "messaging.soniq.job.name": job.job_name,
                "messaging.soniq.message.delivery_attempt": job.attempts,
            },
            links=[trace.Link(creation)] if creation.is_valid else None,
        )
        context.attach(trace.set_span_in_context(span, carried))
        return span

    def end(
        self,
        span: Span,
        job: ClaimedJob,
        outcome: str,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        """End the span of a run.

        Args:
            outcome: as it is reported to metrics sinks.
            seconds: how long the run took.
            error: what made the attempt fail, None if it did not.
        """
        numbers: Attributes = {
            **_common("process", job.queue),
            "messaging.soniq.job.name": job.job_name,
        }
        span.set_attribute("messaging.soniq.outcome", outcome)
        if error is not None:
            numbers["error.type"] = error_type(error)
            _tell(span, error)
        span.end()
        self._consumed.add(1, numbers)
        self._processing.record(seconds, numbers)


class Sending:
    """An enqueue under way."""

    def __init__(self, span: Span, jobs: list[NewJob], *, batch: bool) -> None:
        self._span = span
        self._batch = batch
        self.jobs = jobs
        """To be stored instead of those that were given."""

    def stored(self, ids: Sequence[str]) -> None:
        """The ids that stand for the jobs: of other jobs, where these have their dedup keys."""
        if not self._batch:
            self._span.set_attribute("messaging.message.id", ids[0])
        if hits := sum(job.id != stored for job, stored in zip(self.jobs, ids, strict=True)):
            self._span.set_attribute("messaging.soniq.deduplicated", hits)


def error_type(error: BaseException) -> str:
    """The class of an error as the conventions want it named."""
    kind = type(error)
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def _tell(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", error_type(error))
    span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, str(error)))


def _carrying(jobs: Sequence[NewJob], trace_text: str | None) -> list[NewJob]:
    return [job._replace(trace=trace_text) for job in jobs]


def _common(operation: str, queue: str) -> dict[str, Any]:
    return {
        "messaging.system": "soniq",
        "messaging.operation.name": operation,
        "messaging.destination.name": queue,
    }
