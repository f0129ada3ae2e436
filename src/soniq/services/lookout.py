"""Waiting for the ends of jobs, however many wait.

Postgres could notify of every end, but then every finish would pay for it, waited for or not, and
notifications make the commits of a whole database queue up. So the waiting process asks, for all
its waiters at once: often when a wait has just begun and ever less as it lasts, so that an answer
comes at most a tenth of the time waited after the end, and never more than a second. A worker in
the same process tells of the ends it stores, and those answers come at once.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from soniq.backends.opening import Opened
from soniq.errors import SONIQ_APP_CLOSED, SoniqError
from soniq.records import JobState, JobStatus
from soniq.services.awaited import Awaited

_TICK: Final = 0.025
"""Seconds between two questions, at least, unless an end is known to have been stored."""
_SHORTEST: Final = 0.05
_LONGEST: Final = 1.0
_SHARE: Final = 0.1
"""Of the time waited: how long until the next question."""
_MOST: Final = 1000
"""Jobs in one question."""

_UNFINISHED: Final = (JobStatus.QUEUED, JobStatus.PROCESSING)


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody who waits for a job. Times are those of the loop."""

    job_id: str
    answer: asyncio.Future[JobState | None]
    """The job's end; None for a job that was there and is gone."""
    since: float
    look_at: float
    on_unfinished: Callable[[], None]
    seen: bool = False

    def learn(self, state: JobState | None, now: float) -> None:
        if self.answer.done():
            return
        if state is not None and state.status in _UNFINISHED:
            self.seen = True
            pause = min(_LONGEST, max(_SHORTEST, _SHARE * (now - self.since)))
            # What was told while the question was on its way stands: the answer may be older.
            self.look_at = min(self.look_at, now + pause)
            self.on_unfinished()
        elif state is not None or self.seen:
            self.answer.set_result(state)
        else:
            self.fail(_unknown(self.job_id))

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Lookout:
    """Asks the store about everybody's jobs at once, while anybody waits.

    Args:
        opened: the opening it belongs to, with its loop.
        awaited: where workers of this process tell of ends.
    """

    def __init__(self, opened: Opened, awaited: Awaited) -> None:
        self._opened = opened
        self._awaited = awaited
        self._waiters: set[_Waiter] = set()
        self._looked_at = 0.0
        self._hurried = False
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def end_of(self, job_id: str, on_unfinished: Callable[[], None]) -> JobState | None:
        """The end of the job, once it has one; None if it was there and is gone.

        Args:
            job_id: the job.
            on_unfinished: called at each answer that it has not ended.

        Raises:
            LookupError: there is no such job.
            SoniqError: SONIQ_APP_CLOSED, SONIQ_DATABASE_UNAVAILABLE.
        """
        loop = self._opened.loop
        now = loop.time()
        waiter = _Waiter(job_id, loop.create_future(), now, now, on_unfinished)

        def tell() -> None:
            # The loop may have ended in another thread, and its waiters with it.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._hurry, waiter)

        self._waiters.add(waiter)
        self._stirred.set()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._watch(), name="soniq-lookout")
        try:
            with self._awaited.telling(job_id, tell):
                return await waiter.answer
        finally:
            self._waiters.discard(waiter)
            self._stirred.set()

    async def close(self) -> None:
        """End all waits with an error."""
        for waiter in self._waiters:
            waiter.fail(_closed(waiter.job_id))
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _hurry(self, waiter: _Waiter) -> None:
        waiter.look_at = 0.0
        self._hurried = True
        self._stirred.set()

    async def _watch(self) -> None:
        while self._waiters:
            self._stirred.clear()
            pause = self._until_next_look()
            if pause <= 0:
                await self._look()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()

    def _until_next_look(self) -> float:
        if self._hurried:
            return 0.0
        first = min(waiter.look_at for waiter in self._waiters)
        return max(first, self._looked_at + _TICK) - self._opened.loop.time()

    async def _look(self) -> None:
        """Ask for those whose time has come, and for those whose time is as good as come."""
        self._hurried = False
        self._looked_at = now = self._opened.loop.time()
        due = [waiter for waiter in self._waiters if waiter.look_at <= now + _TICK]
        for waiter in due:
            waiter.look_at = math.inf
        for start in range(0, len(due), _MOST):
            await self._ask(due[start : start + _MOST])

    async def _ask(self, waiters: Collection[_Waiter]) -> None:
        opened = self._opened
        ids = {waiter.job_id for waiter in waiters}
        try:
            states = await opened.patience.call(lambda: opened.backend.job_states(ids))
        except Exception as error:  # noqa: BLE001 - every waiter must have an answer
            for waiter in waiters:
                waiter.fail(error)
            return
        now = opened.loop.time()
        for waiter in waiters:
            waiter.learn(states.get(waiter.job_id), now)


def _unknown(job_id: str) -> LookupError:
    return LookupError(
        f"There is no job {job_id}: it was never stored, or it ended longer ago than results are"
        " kept (setting result_ttl)"
    )


def _closed(job_id: str) -> SoniqError:
    return SoniqError(
        f"This Soniq instance was closed while job {job_id} was waited for",
        SONIQ_APP_CLOSED,
        {"job_id": job_id},
        ["The job goes on: wait for it again on an open instance, or close only after waiting."],
    )
