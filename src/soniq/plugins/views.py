"""What a plugin is shown of a worker and of a job: to be read, never changed."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from soniq.records import ClaimedJob, Dead, Done, JobStatus, Outcome, Released, Retry, Snoozed
from soniq.services.leader import Leadership

if TYPE_CHECKING:
    from soniq.app import Soniq

_OUTCOMES: Final[dict[type, str | None]] = {
    Done: "done",
    Retry: "failed",
    Dead: "dead_letter",
    Snoozed: "snoozed",
    Released: None,
}
_STATUSES: Final[dict[type, JobStatus]] = {
    Done: JobStatus.DONE,
    Retry: JobStatus.QUEUED,
    Dead: JobStatus.DEAD_LETTER,
    Snoozed: JobStatus.QUEUED,
    Released: JobStatus.QUEUED,
}


class PluginWorker:
    """A worker under one id. One that goes on under a new id is another `PluginWorker`."""

    __slots__ = ("_app", "_concurrency", "_id", "_leadership", "_queues")

    def __init__(
        self,
        id: str,
        app: Soniq,
        queues: tuple[str, ...] | None,
        concurrency: int,
        leadership: Leadership | None = None,
    ) -> None:
        self._id = id
        self._app = app
        self._queues = queues
        self._concurrency = concurrency
        self._leadership = leadership

    @property
    def id(self) -> str:
        """Its id in `soniq_workers`."""
        return self._id

    @property
    def app(self) -> Soniq:
        """The instance it works for."""
        return self._app

    @property
    def queues(self) -> tuple[str, ...] | None:
        """The queues it serves, None for all."""
        return self._queues

    @property
    def concurrency(self) -> int:
        """How many jobs it runs at a time."""
        return self._concurrency

    @property
    def is_leader(self) -> bool:
        """Whether it leads the upkeep now: of all live workers at most one does."""
        return self._leadership is not None and self._leadership.holds

    async def until_leader(self) -> None:
        """Return when it leads. One that can never lead waits until it is cancelled."""
        if self._leadership is None:
            await asyncio.Event().wait()
        else:
            await self._leadership.taken()

    def __repr__(self) -> str:
        return f"PluginWorker({self._id!r})"


class PluginJob:
    """A job as a plugin sees it: one claim of it, and what became of its run.

    Has the keys of the job dict as attributes, as they are after the run's end once there is one.
    `scheduled_at` stays the time at which this run was due, and `last_error` is what this run left
    and no earlier one. The times of the run are by this worker's clock. It is made for every stored
    job, so it holds what the worker has at hand and works the rest out when asked.
    """

    __slots__ = ("_began", "_duration", "_ended", "_job", "_worker_id")

    def __init__(
        self,
        job: ClaimedJob,
        worker_id: str,
        began: float,
        ended: Outcome | None = None,
        duration: float | None = None,
    ) -> None:
        """See a claimed job.

        Args:
            job: the claim.
            worker_id: who runs it.
            began: when its run began, in seconds since the epoch.
            ended: what became of the run; None before its end.
            duration: seconds the run took; None before its end.
        """
        self._job = job
        self._worker_id = worker_id
        self._began = began
        self._ended = ended
        self._duration = duration

    # --- the run -------------------------------------------------------------------------------

    @property
    def outcome(self) -> str | None:
        """``done``, ``failed`` (it runs again), ``dead_letter``, ``snoozed``; None before."""
        return _OUTCOMES[type(self._ended)] if self._ended is not None else None

    @property
    def duration_s(self) -> float | None:
        """Seconds the run took; None before its end."""
        return self._duration

    @property
    def wait_s(self) -> float:
        """Seconds from the time the job was due to the start of this run, never below 0."""
        return max(0.0, self._began - self._job.scheduled_at.timestamp())

    @property
    def size(self) -> int:
        """About how many bytes it keeps in memory."""
        return len(self._job.args) + _size(self._ended)

    # --- the keys of the job dict --------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._job.id

    @property
    def job_name(self) -> str:
        return self._job.job_name

    @property
    def args(self) -> dict[str, Any]:
        """The stored arguments; a new dict at each call."""
        args: dict[str, Any] = json.loads(self._job.args)
        return args

    @property
    def status(self) -> JobStatus:
        return JobStatus.PROCESSING if self._ended is None else _STATUSES[type(self._ended)]

    @property
    def queue(self) -> str:
        return self._job.queue

    @property
    def priority(self) -> int:
        return self._job.priority

    @property
    def attempts(self) -> int:
        """Attempts spent, and while it runs the one that is running."""
        unspent = isinstance(self._ended, Snoozed | Released)
        return self._job.attempts - 1 if unspent else self._job.attempts

    @property
    def max_attempts(self) -> int:
        return self._job.max_attempts

    @property
    def crashes(self) -> int:
        return self._job.crashes

    @property
    def dedup_key(self) -> str | None:
        return self._job.dedup_key

    @property
    def scheduled_at(self) -> datetime:
        return self._job.scheduled_at

    @property
    def created_at(self) -> datetime:
        return self._job.created_at

    @property
    def started_at(self) -> datetime:
        return datetime.fromtimestamp(self._began, UTC)

    @property
    def finished_at(self) -> datetime | None:
        return self.updated_at if isinstance(self._ended, Done | Dead) else None

    @property
    def updated_at(self) -> datetime:
        return datetime.fromtimestamp(self._began + (self._duration or 0.0), UTC)

    @property
    def last_error(self) -> str | None:
        """Of this run; None before its end. `Soniq.get_job` tells that of an earlier attempt."""
        match self._ended:
            case Retry(_, text) | Dead(_, text) | Snoozed(_, text):
                return text
            case _:
                return None

    @property
    def result(self) -> Any:
        """What the handler returned, as stored; None before the end."""
        match self._ended:
            case Done(str(text)):
                return json.loads(text)
            case _:
                return None

    @property
    def worker_id(self) -> str:
        return self._worker_id

    @property
    def producer_id(self) -> str | None:
        return self._job.producer_id

    @property
    def dead_letter_reason(self) -> str | None:
        return self._ended.reason if isinstance(self._ended, Dead) else None

    def __repr__(self) -> str:
        return f"PluginJob({self.id!r}, {self.job_name!r}, outcome={self.outcome!r})"


def _size(ended: Outcome | None) -> int:
    match ended:
        case Done(str(text)) | Retry(_, text) | Dead(_, text):
            return len(text)
        case _:
            return 0
