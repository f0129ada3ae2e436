"""One run of one job: from its arguments to an `Outcome`. Knows no store."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import math
from functools import partial
from typing import Any, Final

from soniq.arguments import InvalidArguments, dump_json
from soniq.events import Events, PolicyFailed, ResultDropped, SnoozeCapped
from soniq.job import JobContext, Snooze, StopFlag
from soniq.records import Dead, DeadLetterReason, Done, Outcome, Released, Snoozed
from soniq.retry import RetryPolicy
from soniq.settings import SoniqSettings
from soniq.worker.deadlines import Deadlines
from soniq.worker.failures import JobTimeout, after_failure, clamped, error_text, storable
from soniq.worker.run import Interruption, Run
from soniq.worker.threads import HandlerThreads


class Executor:
    """Runs handlers and says what became of them.

    Args:
        worker_id: shown to handlers.
        settings: timeouts, limits.
        policy: decides the delay after a failure.
        threads: where sync handlers run.
        deadlines: interrupts runs whose time is over.
    """

    def __init__(
        self,
        worker_id: str,
        settings: SoniqSettings,
        policy: RetryPolicy,
        threads: HandlerThreads,
        deadlines: Deadlines,
        events: Events,
    ) -> None:
        self._worker_id = worker_id
        self._job_timeout = settings.job_timeout
        self._snooze_max = settings.snooze_max_seconds
        self._policy = policy
        self._threads = threads
        self._deadlines = deadlines
        self._events = events
        self._done: Final = Done(None, keep=settings.result_ttl > 0)

    async def execute(self, run: Run) -> Outcome | None:
        """Run the handler and return the outcome; None when the claim is not ours to end."""
        run.begun = True
        if run.interruption is not None:
            return self._after_error(run, asyncio.CancelledError())
        try:
            arguments = run.definition.arguments.load(run.job.args)
        except InvalidArguments as error:
            return Dead(DeadLetterReason.INVALID_ARGUMENTS, error_text(error))
        try:
            result = await self._within_time(run, arguments)
        except GeneratorExit:
            raise  # the loop is being torn down: nothing may be awaited any more
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its run's failure
            return self._after_error(run, error)
        return self._after_return(run, result)

    async def _within_time(self, run: Run, arguments: dict[str, Any]) -> Any:
        timeout = run.definition.timeout
        if timeout is None:
            timeout = self._job_timeout
        if not timeout:
            return await self._call(run, arguments)
        self._deadlines.add(run, timeout)
        try:
            return await self._call(run, arguments)
        finally:
            self._deadlines.remove(run, timeout)

    async def _call(self, run: Run, arguments: dict[str, Any]) -> Any:
        definition = run.definition
        if definition.context_parameter is not None:
            arguments[definition.context_parameter] = self._context(run)
        if definition.is_async:
            return await definition.function(**arguments)
        # The thread sees what before it was set in this run's context, and no other run's.
        call = partial(contextvars.copy_context().run, definition.function, **arguments)
        run.thread_reserved = False
        result = await self._threads.submit(call)
        return await result if inspect.isawaitable(result) else result

    def _context(self, run: Run) -> JobContext:
        run.flag = run.flag or StopFlag()
        job = run.job
        return JobContext(
            job_id=job.id,
            job_name=job.job_name,
            queue=job.queue,
            attempt=job.attempts,
            max_attempts=job.max_attempts,
            worker_id=self._worker_id,
            scheduled_at=job.scheduled_at,
            created_at=job.created_at,
            _stop=run.flag,
        )

    def _after_return(self, run: Run, result: Any) -> Outcome | None:
        match run.interruption:
            case Interruption.TIMEOUT:
                return self._failed(run, self._timeout(run))
            case Interruption.CANCELLED | Interruption.LOST:
                return None
        if result is None:
            return self._done
        if isinstance(result, Snooze):
            return self._snoozed(run, result)
        try:
            return self._done._replace(result=dump_json(result))
        except ValueError as error:
            self._events.emit(ResultDropped(run.job, str(error)))
            return self._done

    def _after_error(self, run: Run, error: BaseException) -> Outcome | None:
        match run.interruption:
            case Interruption.TIMEOUT:
                return self._failed(run, self._timeout(run))
            case Interruption.CANCELLED | Interruption.LOST:
                return None
            case Interruption.SHUTDOWN if isinstance(error, asyncio.CancelledError):
                return Released()
        return self._failed(run, error)

    def _timeout(self, run: Run) -> JobTimeout:
        own = run.definition.timeout
        return JobTimeout(self._job_timeout if own is None else own)

    def _failed(self, run: Run, error: BaseException) -> Outcome:
        return after_failure(
            error,
            run.job,
            run.definition.meta,
            self._policy,
            lambda broken: self._events.emit(PolicyFailed(run.job, broken)),
        )

    def _snoozed(self, run: Run, snooze: Snooze) -> Outcome:
        wanted = float(snooze.seconds)
        allowed = self._snooze_max
        if wanted > allowed and not math.isnan(wanted):
            self._events.emit(SnoozeCapped(run.job, wanted, allowed))
        note = "SNOOZE" if snooze.reason is None else f"SNOOZE: {snooze.reason}"
        return Snoozed(min(clamped(wanted), allowed), storable(note))
