"""Waiting for a job's end, and what the waiter gets for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from pydantic_core import from_json

from soniq.arguments import restore
from soniq.backends.opening import Opened, Opening
from soniq.errors import JobFailed
from soniq.limits import check_seconds, stored_id
from soniq.records import JobState, JobStatus, reason_of
from soniq.services.awaited import Awaited
from soniq.services.lookout import Lookout
from soniq.settings import SoniqSettings

_FIRST_LOOK: Final = 1.0
"""Seconds that the first answer may take, however short the wait: a job may have ended already."""


class Waiting:
    """`Soniq.wait`, on whichever loop."""

    def __init__(self, opening: Opening, settings: SoniqSettings) -> None:
        self._opening = opening
        self._settings = settings
        self._lookouts: WeakKeyDictionary[Opened, Lookout] = WeakKeyDictionary()
        self.awaited = Awaited()

    async def result(self, job_id: object, timeout: float | None, kind: Any) -> Any:
        """See `Soniq.wait`."""
        wanted = _canonical(job_id)
        seconds = None if timeout is None else check_seconds("timeout", timeout)
        over = None if seconds is None else asyncio.get_running_loop().time() + seconds
        at_first = None if seconds is None else max(seconds, _FIRST_LOOK)
        try:
            async with asyncio.timeout(at_first) as limit:
                state = await self._end_of(wanted, lambda: limit.reschedule(over))
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimeoutError(f"Job {wanted} has not ended within {seconds:g} seconds") from error
        return self._result(wanted, state, kind)

    async def _end_of(self, job_id: str, on_unfinished: Callable[[], None]) -> JobState | None:
        opened = await self._opening.ready()
        lookout = self._lookouts.get(opened)
        if lookout is None:
            lookout = self._lookouts[opened] = Lookout(opened, self.awaited)
            opened.before_close.append(lookout.close)
        return await lookout.end_of(job_id, on_unfinished)

    def _result(self, job_id: str, state: JobState | None, kind: Any) -> Any:
        if state is None:
            return self._result_of_the_gone(job_id)
        if state.status == JobStatus.CANCELLED:
            raise JobFailed("cancelled", state.error, job_id)
        if state.status == JobStatus.DEAD_LETTER:
            raise JobFailed(reason_of(state.reason or "unknown"), state.error, job_id)
        result = None if state.result is None else from_json(state.result)
        return result if kind is None or result is None else restore(result, kind)

    def _result_of_the_gone(self, job_id: str) -> None:
        """Done jobs are not kept where `result_ttl` is 0: one that is gone was done."""
        if self._settings.result_ttl > 0:
            raise LookupError(f"Job {job_id} was deleted while it was waited for")


def _canonical(job_id: object) -> str:
    if (wanted := stored_id(job_id)) is None:
        raise LookupError(f"There is no job {job_id!r}: ids of jobs are UUIDs")
    return wanted
