"""Takes jobs that have crashed a worker, one at a time in the whole process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from soniq.backends.base import WorkerSession
from soniq.records import ClaimedJob
from soniq.worker.quarantine import Member, Quarantine
from soniq.worker.slots import Slots

LOOK_EVERY = 0.02
PATIENCE = 30.0
"""Seconds to wait for the process to become quiet before a suspect is put off."""


class Suspects:
    """One worker's dealings with suspects.

    Args:
        took: told of a claimed suspect before it starts.
        put_off: told of one the process did not become quiet for.
    """

    def __init__(
        self,
        session: WorkerSession,
        slots: Slots,
        quarantine: Quarantine,
        member: Member,
        max_crashes: int,
        *,
        took: Callable[[list[ClaimedJob]], None],
        put_off: Callable[[ClaimedJob], None],
    ) -> None:
        self.due = False
        """Whether one may be waiting in the store."""
        self._session = session
        self._slots = slots
        self._quarantine = quarantine
        self._member = member
        self._max_crashes = max_crashes
        self._took = took
        self._put_off = put_off
        self._current: ClaimedJob | None = None
        self._waiting: asyncio.Task[None] | None = None

    async def take(self, without: Collection[str]) -> None:
        """Claim a suspect if this process may have one now, and see to its start."""
        if self._current is not None or self._slots.blocked() >= self._slots.concurrency:
            return
        self.due = False
        if not self._quarantine.admit(self._member):
            return
        try:
            claimed = await self._session.claim_suspect(without=without)
        except BaseException:
            self._quarantine.dismiss(self._member)
            raise
        if not claimed.jobs:
            self._quarantine.dismiss(self._member)
            return
        (job,) = claimed.jobs
        self._current = job
        self._took([job])
        if job.crashes < self._max_crashes - 1:
            self._slots.suspect(job)
        else:
            self._quarantine.close()
            self._waiting = asyncio.create_task(self._when_quiet(job), name="soniq-suspect")

    def ended(self, job: ClaimedJob) -> None:
        """`job` is no longer here; if it was the suspect, others may have their turn."""
        if self._current is not None and self._current.id == job.id:
            self._current = None
            self.due = True
            self._quarantine.dismiss(self._member)

    def aside(self) -> ClaimedJob | None:
        """The suspect that waits for quiet, if there is one; it waits no longer."""
        job, task = self.waiting, self._waiting
        if task is not None:
            task.cancel()
        return job

    @property
    def waiting(self) -> ClaimedJob | None:
        """The suspect that waits for quiet, if there is one."""
        waits = self._waiting is not None and not self._waiting.done()
        return self._current if waits else None

    async def _when_quiet(self, job: ClaimedJob) -> None:
        """Its next crash would be its last: it runs with nothing beside it, or not yet."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + PATIENCE
        while loop.time() < give_up:
            await asyncio.sleep(LOOK_EVERY)
            if self._current is not job:
                return
            if self._quarantine.quiet():
                self._slots.suspect(job)
                return
        self._put_off(job)
