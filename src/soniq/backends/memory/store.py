"""The state of a memory backend and the transitions of a job in it.

Everything here is called with the lock held and never waits, so each call is one transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import assert_never

from soniq.backends.base import Unstorable
from soniq.backends.memory.lanes import Lanes
from soniq.backends.memory.rows import Lease, Row, WorkerRow
from soniq.backends.memory.wakeups import Listener
from soniq.records import (
    ClaimedJob,
    Dead,
    DeadLetterReason,
    Done,
    JobStatus,
    NewJob,
    Outcome,
    Released,
    Retry,
    Snoozed,
)

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


def check_text(*texts: str | None) -> None:
    """Refuse what Postgres refuses: a job that works here must work there.

    Raises:
        Unstorable: a NUL character or a lone surrogate.
    """
    for text in texts:
        if text is not None:
            if "\0" in text:
                raise Unstorable("Text with a NUL character cannot be stored")
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise Unstorable(f"Text cannot be stored: {error.reason}") from error


class Store:
    """Jobs, dead letters, workers and leases."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.Lock()
        self.now = clock
        self.jobs: dict[str, Row] = {}
        # Both in the order in which their rows ended, which is the order of their pruning.
        self.ended: dict[str, Row] = {}
        self.dead: dict[str, Row] = {}
        self.keys: dict[str, Row] = {}
        self.waiting = Lanes()
        self.suspects = Lanes()
        self.held: dict[str, dict[str, Row]] = {}
        self.workers: dict[str, WorkerRow] = {}
        self.listeners: dict[str, Listener] = {}
        self.leases: dict[str, Lease] = {}

    def find(self, job_id: str) -> Row | None:
        return self.jobs.get(job_id) or self.dead.get(job_id)

    # --- in ------------------------------------------------------------------------------------

    def insert(self, job: NewJob, now: datetime) -> str:
        """Store the job, unless it is stored or its key is held; the id that stands for it."""
        if self.find(job.id):
            return job.id
        if job.dedup_key is not None and (holder := self.keys.get(job.dedup_key)):
            return holder.id
        row = self.jobs[job.id] = Row.of(job, now)
        if job.dedup_key is not None:
            self.keys[job.dedup_key] = row
        self._wait(row)
        return row.id

    def _wait(self, row: Row) -> None:
        (self.suspects if row.crashes else self.waiting).add(row)
        for listener in self.listeners.values():
            listener.announce(row.queue, row.priority)

    # --- out and back --------------------------------------------------------------------------

    def claim(self, row: Row, worker_id: str, now: datetime) -> ClaimedJob:
        """Give a row that was taken from its lane to a worker, under a new claim number."""
        row.status = JobStatus.PROCESSING
        row.worker_id = worker_id
        row.claim += 1
        row.attempts += 1
        row.started_at = row.updated_at = now
        row.ending = None
        self.held[worker_id][row.id] = row
        return row.claimed()

    def finish(self, row: Row, outcome: Outcome, now: datetime) -> None:
        """End the claim of a processing row."""
        row.ending = outcome
        match outcome:
            case Done(result, keep):
                row.result = result
                self._end(row, JobStatus.DONE, now) if keep else self.delete(row)
            case Retry(delay, error):
                self.requeue(row, now, due=now + timedelta(seconds=delay), note=error)
            case Snoozed(delay, note):
                row.attempts -= 1
                self.requeue(row, now, due=now + timedelta(seconds=delay), note=note)
            case Dead(reason, error):
                self.bury(row, reason, error, now)
            case Released(delay):
                later = now + timedelta(seconds=delay) if delay > 0 else row.scheduled_at
                self.give_back(row, now, due=max(row.scheduled_at, later))
            case _:
                assert_never(outcome)

    def requeue(self, row: Row, now: datetime, *, due: datetime, note: str) -> None:
        """Queue a row again whose handler has run: its name is known, so that clock starts anew."""
        row.last_error = note
        row.unknown_since = None
        self._queue_again(row, now, due)

    def give_back(self, row: Row, now: datetime, *, due: datetime | None = None) -> None:
        """Queue a processing row again as if it had not been claimed."""
        row.attempts -= 1
        self._queue_again(row, now, due or row.scheduled_at)

    def recover(self, row: Row, now: datetime) -> None:
        """Queue again what no live worker runs; who had it says nothing about it any more."""
        self.give_back(row, now)
        row.worker_id = None

    def _queue_again(self, row: Row, now: datetime, due: datetime) -> None:
        self._leave_state(row)
        row.status = JobStatus.QUEUED
        row.scheduled_at = due
        row.updated_at = now
        self._wait(row)

    # --- ends ----------------------------------------------------------------------------------

    def _leave_state(self, row: Row) -> None:
        """Take the row out of what is kept of its present state."""
        if row.status is JobStatus.PROCESSING:
            del self.held[row.worker_id or ""][row.id]
        elif row.status is JobStatus.QUEUED:
            (self.suspects if row.crashes else self.waiting).remove(row)
        else:
            self.ended.pop(row.id, None)

    def _free_key(self, row: Row) -> None:
        if row.dedup_key is not None and self.keys.get(row.dedup_key) is row:
            del self.keys[row.dedup_key]

    def _end(self, row: Row, status: JobStatus, now: datetime) -> None:
        self._leave_state(row)
        self._free_key(row)
        row.status = status
        row.finished_at = row.updated_at = now
        self.ended[row.id] = row

    def cancel(self, row: Row, now: datetime) -> None:
        self._end(row, JobStatus.CANCELLED, now)

    def delete(self, row: Row) -> None:
        self._leave_state(row)
        self._free_key(row)
        del self.jobs[row.id]

    def bury(self, row: Row, reason: DeadLetterReason, error: str | None, now: datetime) -> None:
        """Move a queued or processing row to the dead letters."""
        self.delete(row)
        row.status = JobStatus.DEAD_LETTER
        row.reason = reason
        row.last_error = error
        row.result = None
        row.updated_at = now
        self.dead[row.id] = row

    def crash(self, row: Row, max_crashes: int, now: datetime) -> bool:
        """Take a row from a worker that died holding it; True when that was once too often."""
        row.crashes += 1
        if row.crashes < max_crashes:
            self.recover(row, now)
            return False
        row.attempts -= 1
        error = f"The worker running this job died, {row.crashes} times."
        self.bury(row, DeadLetterReason.WORKER_CRASHED, error, now)
        return True

    # --- workers -------------------------------------------------------------------------------

    def enlist(self, worker: WorkerRow, listener: Listener) -> None:
        worker_id = worker.about.id
        self.workers[worker_id] = worker
        self.held.setdefault(worker_id, {})
        self.listeners[worker_id] = listener

    def dismiss(self, worker: WorkerRow) -> None:
        """The worker has left or was found dead; what it still holds is recovered."""
        worker.status = "stopped"
        if listener := self.listeners.pop(worker.about.id, None):
            listener.close()
