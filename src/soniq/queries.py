"""Looking at stored jobs, and ending them by hand. Each call waits for a store that is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from soniq.arguments import restore
from soniq.backends.base import Backend, BackendError
from soniq.backends.opening import Opening
from soniq.backends.patience import Answer
from soniq.limits import MOST_ROWS, can_be_stored, stored_id
from soniq.records import JobDict, JobStatus
from soniq.settings import SoniqSettings
from soniq.spelling import did_you_mean

_STATUSES: Final = ("queued", "processing", "done", "dead_letter", "cancelled")


class Queries:
    """The questions behind the `Soniq` methods of the same names."""

    def __init__(self, opening: Opening, settings: SoniqSettings) -> None:
        self._opening = opening
        self._settings = settings

    async def ask(self, question: Callable[[Backend], Awaitable[Answer]]) -> Answer:
        """Return the store's answer, with the patience of the settings."""
        opened = await self._opening.ready()
        return await opened.patience.call(lambda: question(opened.backend))

    async def job(self, job_id: object) -> JobDict | None:
        return await self.ask(lambda backend: backend.get_job(_id(job_id)))

    async def result(self, job_id: object, kind: Any) -> Any:
        job = await self.job(job_id)
        if job is None or job["status"] != JobStatus.DONE:
            return None
        result = job["result"]
        return result if kind is None or result is None else restore(result, kind)

    async def jobs(
        self, queue: str | None, status: str | None, limit: Any, offset: Any
    ) -> list[JobDict]:
        most, first = _rows("limit", limit), _rows("offset", offset)
        status = _status(status)
        if not _may_be_stored("queue", queue):
            # Nobody has it. The store is asked all the same: it may be closed, or away.
            most, queue = 0, None
        return await self.ask(
            lambda backend: backend.list_jobs(queue=queue, status=status, limit=most, offset=first)
        )

    async def stats(self) -> dict[str, int]:
        by_queue = await self.ask(lambda backend: backend.queue_stats())
        return _with_total(
            {status: sum(counts[status] for counts in by_queue.values()) for status in _STATUSES}
        )

    async def queues(self) -> list[dict[str, Any]]:
        by_queue = await self.ask(lambda backend: backend.queue_stats())
        return [
            {"queue": queue, **_with_total({status: counts[status] for status in _STATUSES})}
            for queue, counts in sorted(by_queue.items())
        ]

    async def workers(self) -> list[dict[str, Any]]:
        stale_after = self._settings.heartbeat_timeout
        return await self.ask(lambda backend: backend.list_workers(stale_after=stale_after))

    async def cancel(self, job_id: object) -> bool:
        done, repeated = await self._change(lambda backend: backend.cancel_job(_id(job_id)))
        if done or not repeated:
            return done
        # The first try may have done it before its answer was lost.
        job = await self.job(job_id)
        return job is not None and job["status"] == JobStatus.CANCELLED

    async def delete(self, job_id: object) -> bool:
        existed = await self.job(job_id)
        done, repeated = await self._change(lambda backend: backend.delete_job(_id(job_id)))
        if done or not repeated:
            return done
        return existed is not None and await self.job(job_id) is None

    async def _change(self, change: Callable[[Backend], Awaitable[bool]]) -> tuple[bool, bool]:
        """What the store answered, and whether a try before that went without an answer."""
        failures: list[BackendError] = []
        opened = await self._opening.ready()
        done = await opened.patience.call(
            lambda: change(opened.backend), on_failure=failures.append
        )
        return done, bool(failures)


def _id(value: object) -> str:
    # Malformed, it is one that no store finds.
    return stored_id(value) or ""


def _rows(label: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{label} must be a whole number from 0 up, got {value!r}")
    return min(value, MOST_ROWS)


def _may_be_stored(label: str, value: Any) -> bool:
    return value is None or can_be_stored(_text(label, value))


def _status(value: Any) -> str | None:
    if value is None or _text("status", value) in _STATUSES:
        return None if value is None else str(value)
    raise ValueError(
        f"status must be one of {', '.join(_STATUSES)}, got {value!r}"
        f"{did_you_mean(value, _STATUSES)}"
    )


def _text(label: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{label} must be text, got {type(value).__name__}")
    return value


def _with_total(counts: dict[str, int]) -> dict[str, int]:
    return {"total": sum(counts.values()), **counts}
