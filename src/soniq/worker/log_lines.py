"""Words the log lines of a worker. The only place that does: the pipeline emits events."""

from __future__ import annotations

import logging
import time

from soniq import events as e
from soniq.backends.base import BackendError
from soniq.logs import soniq_logger
from soniq.records import Dead, Done, Outcome, Released, Retry, Snoozed
from soniq.worker.log_fields import fields

logger = soniq_logger("soniq.worker")

UNKNOWN_NAME_EVERY = 60.0
"""Seconds between two warnings about the same unknown name."""


class LogLines:
    """Subscribes to a worker's events and logs them."""

    def __init__(self, events: e.Events) -> None:
        self._warned: dict[str, float] = {}
        events.subscribe(e.WorkerStarted, self._started)
        events.subscribe(e.WorkerStopping, self._stopping)
        events.subscribe(e.StoppingUnsaid, self._stopping_unsaid)
        events.subscribe(e.EndsUnstored, self._ends_unstored)
        events.subscribe(e.WorkerStopped, self._stopped)
        events.subscribe(e.WorkerDeclaredDead, self._declared_dead)
        events.subscribe(e.ThreadsStillRunning, self._threads_still_running)
        events.subscribe(e.JobFailed, self._failed)
        events.subscribe(e.ClaimLost, self._claim_lost)
        events.subscribe(e.JobCancelled, self._cancelled)
        events.subscribe(e.NameUnknown, self._name_unknown)
        events.subscribe(e.ResultDropped, self._result_dropped)
        events.subscribe(e.OutcomeDegraded, self._outcome_degraded)
        events.subscribe(e.SnoozeCapped, self._snooze_capped)
        events.subscribe(e.PolicyFailed, self._policy_failed)
        events.subscribe(e.HookFailed, self._hook_failed)
        events.subscribe(e.HookSlow, self._hook_slow)
        events.subscribe(e.SinkFailed, self._sink_failed)
        events.subscribe(e.PluginFailed, self._plugin_failed)
        events.subscribe(e.PluginBehind, self._plugin_behind)
        events.subscribe(e.WorkersRecovered, self._recovered)
        events.subscribe(e.UnknownGivenUp, self._unknown_given_up)
        events.subscribe(e.Pruned, self._pruned)
        events.subscribe(e.LoopFailed, self._loop_failed)
        events.subscribe(e.LoopRecovered, self._loop_recovered)
        if logger.isEnabledFor(logging.DEBUG):
            events.subscribe(e.JobStored, self._stored)

    def _started(self, event: e.WorkerStarted) -> None:
        queues = "all queues" if event.queues is None else "queues " + ", ".join(event.queues)
        logger.info(
            "Worker %s started: %d jobs at a time, %s",
            event.worker_id,
            event.concurrency,
            queues,
            extra=fields(event),
        )

    def _stopping(self, event: e.WorkerStopping) -> None:
        logger.info(
            "Worker %s is stopping, %d jobs running",
            event.worker_id,
            event.running,
            extra=fields(event),
        )

    def _stopping_unsaid(self, event: e.StoppingUnsaid) -> None:
        logger.warning(
            "Worker %s could not tell the store that it stops: %s",
            event.worker_id,
            event.error,
            extra=fields(event),
        )

    def _ends_unstored(self, event: e.EndsUnstored) -> None:
        logger.error(
            "Worker %s stops without a store to tell of the ends of %d jobs; "
            "others will run these jobs again",
            event.worker_id,
            event.unstored,
            extra=fields(event),
        )

    def _stopped(self, event: e.WorkerStopped) -> None:
        logger.info("Worker %s stopped", event.worker_id, extra=fields(event))

    def _declared_dead(self, event: e.WorkerDeclaredDead) -> None:
        logger.error(
            "Worker %s was declared dead by the others (its heartbeat did not arrive in time); its "
            "%d running jobs are theirs now, and it goes on under a new id",
            event.worker_id,
            event.running,
            extra=fields(event),
        )

    def _threads_still_running(self, event: e.ThreadsStillRunning) -> None:
        logger.warning(
            "Worker %s is still waiting for %d handlers that cannot be interrupted; "
            "a second signal exits without them",
            event.worker_id,
            event.running,
            extra=fields(event),
        )

    def _stored(self, event: e.JobStored) -> None:
        job = event.job
        logger.debug(
            "Job %s (%s) attempt %d took %.3f s: %s",
            job.job_name,
            job.id,
            job.attempts,
            event.duration_s,
            _worded(event.outcome),
            extra=fields(event, outcome=_worded(event.outcome)),
        )

    def _failed(self, event: e.JobFailed) -> None:
        job, outcome = event.job, event.outcome
        problem = outcome.error.partition("\n")[0]
        if isinstance(outcome, Dead):
            logger.error(
                "Job %s (%s) is a dead letter (%s) after attempt %d of %d: %s",
                job.job_name,
                job.id,
                outcome.reason,
                job.attempts,
                job.max_attempts,
                problem,
                extra=fields(event, outcome="dead_letter", reason=outcome.reason),
            )
            return
        logger.warning(
            "Job %s (%s) failed on attempt %d of %d, next in %.1f s: %s",
            job.job_name,
            job.id,
            job.attempts,
            job.max_attempts,
            outcome.delay,
            problem,
            extra=fields(event, outcome="retry", delay=outcome.delay),
        )

    def _claim_lost(self, event: e.ClaimLost) -> None:
        logger.warning(
            "Job %s (%s) is not this worker's any more; what its run did is not recorded",
            event.job.job_name,
            event.job.id,
            extra=fields(event),
        )

    def _cancelled(self, event: e.JobCancelled) -> None:
        logger.info(
            "Job %s (%s) was cancelled", event.job.job_name, event.job.id, extra=fields(event)
        )

    def _name_unknown(self, event: e.NameUnknown) -> None:
        name, now = event.job.job_name, time.monotonic()
        if now - self._warned.get(name, -UNKNOWN_NAME_EVERY) >= UNKNOWN_NAME_EVERY:
            self._warned[name] = now
            logger.warning(
                "Job %s (%s) was put back: no handler of that name is registered here. Import the "
                "module that defines it in this worker, or run one that does.",
                name,
                event.job.id,
                extra=fields(event),
            )

    def _result_dropped(self, event: e.ResultDropped) -> None:
        logger.error(
            "Job %s (%s) is done, but its result could not be stored: %s. "
            "Return what can be written as JSON, or None.",
            event.job.job_name,
            event.job.id,
            event.problem,
            extra=fields(event),
        )

    def _outcome_degraded(self, event: e.OutcomeDegraded) -> None:
        logger.error(
            "The end of job %s (%s) could not be stored (%s); trying it as %s",
            event.job.job_name,
            event.job.id,
            event.problem,
            event.stored_as,
            extra=fields(event),
        )

    def _snooze_capped(self, event: e.SnoozeCapped) -> None:
        logger.warning(
            "Job %s (%s) asked to snooze for %g s; snooze_max_seconds allows %g s",
            event.job.job_name,
            event.job.id,
            event.wanted,
            event.allowed,
            extra=fields(event),
        )

    def _policy_failed(self, event: e.PolicyFailed) -> None:
        logger.error(
            "The retry policy failed for job %s (%s); the default policy decides",
            event.job.job_name,
            event.job.id,
            exc_info=event.error,
            extra=fields(event),
        )

    def _hook_failed(self, event: e.HookFailed) -> None:
        logger.warning(
            "Hook %s failed: %r", event.event, event.error, extra=fields(event, hook=event.event)
        )

    def _hook_slow(self, event: e.HookSlow) -> None:
        logger.warning(
            "Hook %s held up all jobs of this worker for %.1f s; make it async, or quicker",
            event.event,
            event.seconds,
            extra=fields(event),
        )

    def _sink_failed(self, event: e.SinkFailed) -> None:
        logger.error(
            "The metrics sink failed for job %s (%s): %r",
            event.job.job_name,
            event.job.id,
            event.error,
            extra=fields(event),
        )

    def _plugin_failed(self, event: e.PluginFailed) -> None:
        again = "" if event.pause_s is None else f", next try in {event.pause_s:.1f} s"
        logger.warning(
            "Plugin %s: %s failed%s: %r",
            event.plugin,
            event.method,
            again,
            event.error,
            exc_info=event.error,
            extra=fields(event, plugin=event.plugin),
        )

    def _plugin_behind(self, event: e.PluginBehind) -> None:
        logger.warning(
            "Plugin %s is too slow for this worker: it was not told of %d stored ends. What "
            "it does on updates should be noting what it needs, and the work be left to its run.",
            event.plugin,
            event.lost,
            extra=fields(event, plugin=event.plugin),
        )

    def _recovered(self, event: e.WorkersRecovered) -> None:
        for worker in event.workers:
            logger.warning(
                "Worker %s (%s:%d) is dead",
                worker.id,
                worker.hostname,
                worker.pid,
                extra=fields(event, worker_id=worker.id),
            )
        if event.requeued:
            logger.warning(
                "%d jobs that no live worker runs are queued again",
                len(event.requeued),
                extra=fields(event),
            )
        for job_id in event.dead:
            logger.error(
                "Job %s has crashed its worker too often: it is a dead letter",
                job_id,
                extra=fields(event, job_id=job_id),
            )

    def _unknown_given_up(self, event: e.UnknownGivenUp) -> None:
        logger.error(
            "%d jobs are dead letters: no live worker knows their names",
            len(event.ids),
            extra=fields(event),
        )

    def _pruned(self, event: e.Pruned) -> None:
        logger.debug("Deleted %d rows whose time was over", event.rows, extra=fields(event))

    def _loop_failed(self, event: e.LoopFailed) -> None:
        # What a store does is told in a line; anything else is a defect and shows where.
        trace = None if isinstance(event.error, BackendError) else event.error
        logger.warning(
            "%s failed, next try in %.1f s: %s",
            event.loop.capitalize(),
            event.pause_s,
            event.error,
            exc_info=trace,
            extra=fields(event),
        )

    def _loop_recovered(self, event: e.LoopRecovered) -> None:
        logger.info("%s works again", event.loop.capitalize(), extra=fields(event))


def _worded(outcome: Outcome) -> str:
    match outcome:
        case Done():
            return "done"
        case Retry(delay):
            return f"failed, next attempt in {delay:g} s"
        case Snoozed(delay):
            return f"snoozed for {delay:g} s"
        case Dead(reason):
            return f"dead letter, {reason}"
        case Released():
            return "put back"
