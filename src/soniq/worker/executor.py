"""One run of one job: from its arguments to an `Outcome`. Knows no store."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import math
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from soniq.arguments import InvalidArguments, dump_json
from soniq.events import Events, PolicyFailed, ResultDropped, SnoozeCapped
from soniq.hooks import HookEvent, Moment
from soniq.job import NO_METRICS, JobContext, Snooze, StopFlag
from soniq.middleware import composed
from soniq.records import Dead, DeadLetterReason, Done, Outcome, Released, Snoozed
from soniq.retry import RetryPolicy
from soniq.settings import SoniqSettings
from soniq.worker.attendance import Attendance
from soniq.worker.deadlines import Deadlines
from soniq.worker.failures import (
    JobTimeout,
    after_defect,
    after_failure,
    clamped,
    error_text,
    storable,
)
from soniq.worker.hook_calls import HookCalls
from soniq.worker.run import Interruption, Run
from soniq.worker.surroundings import Reporter, Surroundings
from soniq.worker.threads import HandlerThreads


class Executor:
    """Runs handlers and says what became of them.

    Args:
        worker_id: shown to handlers.
        settings: timeouts, limits.
        policy: decides the delay after a failure.
        surroundings: what is composed around the handlers.
        threads: where sync handlers run.
        deadlines: interrupts runs whose time is over.
        attendance: the plugins that are part of each run.
    """

    def __init__(
        self,
        worker_id: str,
        settings: SoniqSettings,
        policy: RetryPolicy,
        surroundings: Surroundings,
        threads: HandlerThreads,
        deadlines: Deadlines,
        events: Events,
        attendance: Attendance | None = None,
    ) -> None:
        self._worker_id = worker_id
        self._job_timeout = settings.job_timeout
        self._snooze_max = settings.snooze_max_seconds
        self._policy = policy
        self._hooks = surroundings.hooks
        self._before = surroundings.hooks.of(HookEvent.BEFORE_JOB)
        self._middleware = surroundings.middleware
        self._reporter = surroundings.reporter(events)
        self._hook_calls = HookCalls(settings.hook_timeout, events)
        self._threads = threads
        self._deadlines = deadlines
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._metrics = NO_METRICS if attendance is None else attendance.metrics
        self._starting = None if attendance is None else attendance.starting
        self._completed = None if attendance is None else attendance.completed
        self._attended = self._starting is not None or self._completed is not None
        self._done: Final = Done(None, keep=settings.result_ttl > 0)

    async def execute(self, run: Run) -> Outcome | None:
        """Run the handler and return the outcome; None when the claim is not ours to end."""
        if run.interrupted:
            return _interrupted(run)
        # A run without an outcome would keep its slot and its claim for ever.
        try:
            if self._reporter is None:
                return await self._with_plugins(run) if self._attended else await self._attempt(run)
            return await self._reported(self._reporter, run)
        except BaseException as defect:  # noqa: BLE001 - what came past all that knew better
            return _rescued(run, defect)

    async def after(self, run: Run, seconds: float) -> None:
        """Call the after_job hooks of a run whose success is stored."""
        await self._call_hooks(HookEvent.AFTER_JOB, run, seconds)

    # --- the steps of a run --------------------------------------------------------------------

    async def _reported(self, reporter: Reporter, run: Run) -> Outcome | None:
        outcome: Outcome | None
        try:
            told = reporter.start(run)
            problem = None if told is None else await told
            if problem is None:
                outcome = await self._with_plugins(run)
            else:
                outcome = await self._failed(run, problem)
        except BaseException as defect:  # noqa: BLE001 - a start has an end, whatever came between
            outcome = _rescued(run, defect)
        told = reporter.end(run, outcome, self._loop.time() - run.started)
        problem = None if told is None else await told
        return outcome if problem is None else await self._failed(run, problem)

    async def _with_plugins(self, run: Run) -> Outcome | None:
        problem = None if self._starting is None else await self._starting(run)
        if problem is None:
            outcome = await self._attempt(run)
        else:
            outcome = await self._failed(run, problem)
        if self._completed is None or outcome is None:
            return outcome
        return await self._completed(run, outcome, self._loop.time() - run.started)

    async def _attempt(self, run: Run) -> Outcome | None:
        # More than the handler is the user's code: validators, serialisers, what it returns.
        try:
            try:
                arguments = run.definition.arguments.load(run.job.args)
            except InvalidArguments as error:
                run.error = error
                return Dead(DeadLetterReason.INVALID_ARGUMENTS, error_text(error))
            if self._before:
                await self._call_hooks(HookEvent.BEFORE_JOB, run)
            if run.interrupted:
                return _interrupted(run)
            result = await self._within_time(run, arguments)
            if run.interruption is Interruption.TIMEOUT:
                return await self._failed(run, self._timeout(run))
            return self._returned(run, result)
        except BaseException as error:
            if type(error) is GeneratorExit and _is_torn_down(run):
                raise
            return await self._raised(run, error)

    async def _within_time(self, run: Run, arguments: dict[str, Any]) -> Any:
        timeout = run.definition.timeout
        if timeout is None:
            timeout = self._job_timeout
        if timeout:
            since_then = self._before or self._reporter or self._starting
            now = self._loop.time() if since_then else run.started
            self._deadlines.add(run, timeout, now)
        run.interruptible = True
        try:
            if self._middleware:
                return await self._through_middleware(run, arguments)
            return await self._call(run, arguments, run.ctx)
        finally:
            run.interruptible = False
            if timeout:
                self._deadlines.remove(run, timeout)

    def _through_middleware(self, run: Run, arguments: dict[str, Any]) -> Awaitable[Any]:
        async def handler(ctx: JobContext) -> Any:
            return await self._call(run, arguments, ctx)

        return composed(self._middleware, handler)(self._context(run))

    def _call(self, run: Run, arguments: dict[str, Any], ctx: JobContext | None) -> Awaitable[Any]:
        """What to await for the handler's result."""
        definition = run.definition
        if definition.context_parameter is not None:
            arguments[definition.context_parameter] = ctx or self._context(run)
        if definition.is_async:
            called: Awaitable[Any] = definition.function(**arguments)
            return called
        return self._on_thread(run, arguments)

    async def _on_thread(self, run: Run, arguments: dict[str, Any]) -> Any:
        # The thread sees what before it was set in this run's context, and no other run's.
        context = contextvars.copy_context()
        if not run.thread_reserved:
            self._threads.reserve()  # a middleware calls the handler again
        run.thread_reserved = False
        result = await self._threads.submit(
            partial(context.run, run.definition.function, **arguments)
        )
        return await result if inspect.isawaitable(result) else result

    # --- what is around it ---------------------------------------------------------------------

    def _context(self, run: Run) -> JobContext:
        if run.ctx is None:
            if run.flag is None:
                run.flag = StopFlag()
            job = run.job
            run.ctx = JobContext(
                job_id=job.id,
                job_name=job.job_name,
                queue=job.queue,
                attempt=job.attempts,
                max_attempts=job.max_attempts,
                worker_id=self._worker_id,
                scheduled_at=job.scheduled_at,
                created_at=job.created_at,
                metrics=self._metrics,
                _stop=run.flag,
            )
        return run.ctx

    async def _call_hooks(
        self,
        event: HookEvent,
        run: Run,
        seconds: float | None = None,
        error: BaseException | None = None,
    ) -> None:
        if calls := self._hooks.of(event):
            ctx = self._context(run)
            if seconds is not None:
                ctx = replace(ctx, duration_ms=seconds * 1000)
            await self._hook_calls.call(event, calls, Moment(ctx, error))

    # --- what became of it ---------------------------------------------------------------------

    async def _raised(self, run: Run, error: BaseException) -> Outcome | None:
        if run.interruption is Interruption.TIMEOUT:
            return await self._failed(run, self._timeout(run))
        if run.interruption is Interruption.SHUTDOWN and not isinstance(
            error, asyncio.CancelledError
        ):
            return await self._failed(run, error)
        if run.interrupted:
            return _interrupted(run)
        return await self._failed(run, error)

    async def _failed(self, run: Run, error: BaseException) -> Outcome:
        run.error = error
        await self._call_hooks(HookEvent.ON_ERROR, run, _elapsed(run), error)
        return after_failure(
            error,
            run.job,
            run.definition.meta,
            self._policy,
            lambda broken: self._events.emit(PolicyFailed(run.job, broken)),
        )

    def _timeout(self, run: Run) -> JobTimeout:
        own = run.definition.timeout
        return JobTimeout(self._job_timeout if own is None else own)

    def _returned(self, run: Run, result: Any) -> Outcome | None:
        if run.interruption in (Interruption.CANCELLED, Interruption.LOST):
            return None
        if result is None:
            return self._done
        run.result = result
        if isinstance(result, Snooze):
            return self._snoozed(run, result)
        try:
            return self._done._replace(result=dump_json(result))
        except ValueError as error:
            self._events.emit(ResultDropped(run.job, str(error)))
            return self._done

    def _snoozed(self, run: Run, snooze: Snooze) -> Outcome:
        wanted = float(snooze.seconds)
        allowed = self._snooze_max
        if wanted > allowed and not math.isnan(wanted):
            self._events.emit(SnoozeCapped(run.job, wanted, allowed))
        note = "SNOOZE" if snooze.reason is None else f"SNOOZE: {snooze.reason}"
        return Snoozed(min(clamped(wanted), allowed), storable(note))


def _interrupted(run: Run) -> Outcome | None:
    """The claim goes back if it is still ours."""
    return Released() if run.interruption is Interruption.SHUTDOWN else None


def _rescued(run: Run, defect: BaseException) -> Outcome | None:
    """The outcome of a run that `defect` left without one."""
    if type(defect) is GeneratorExit and _is_torn_down(run):
        raise defect
    if run.interruption not in (None, Interruption.TIMEOUT):
        return _interrupted(run)
    return after_defect(run.error, defect, run.job, run.definition.meta)


def _is_torn_down(run: Run) -> bool:
    """Whether its loop has ended: then nothing may be awaited any more."""
    try:
        return asyncio.current_task() is not run.task
    except RuntimeError:
        return True


def _elapsed(run: Run) -> float:
    return asyncio.get_running_loop().time() - run.started
