"""A running scheduler: one of those that may lead, and the one that fires while it does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

from soniq.backends.base import Backend, BackendError
from soniq.backends.schedules import SchedulerInfo
from soniq.events import Events
from soniq.scheduler.events import LeadershipChanged
from soniq.scheduler.firing import Firer
from soniq.services.leader import RENEW_EVERY, Leadership
from soniq.services.service import Service

LEASE: Final = "scheduler"
REPORT_EVERY: Final = 5.0
REPORTED_FOR: Final = 15.0
"""Seconds that a scheduler which reports no more counts as running."""
_FAREWELL: Final = 5.0
_ASK_EVERY: Final = 1.0
"""Seconds between tries to lead: a killed leader's lease runs out within ten."""


class SchedulerLoop:
    """Leads, or waits to.

    Args:
        who: what it reports of itself.
        firer: fires what is due.
        check_interval: seconds, how often it looks where nothing tells it of edits.
        longest_pause: seconds, the most it waits after failures.
    """

    def __init__(
        self,
        backend: Backend,
        events: Events,
        who: SchedulerInfo,
        firer: Firer,
        *,
        check_interval: float,
        longest_pause: float,
    ) -> None:
        self._store = backend.schedules
        self._events = events
        self._who = who
        self._firer = firer
        self._look_every = min(check_interval, RENEW_EVERY)
        self._leadership = Leadership(backend, LEASE, who.id)
        self._renewed_at = -RENEW_EVERY
        self._reported_at = -REPORT_EVERY
        self._edited = asyncio.Event()
        self._service = Service("scheduler", self.beat, events, longest_pause)
        self._watch = contextlib.AsyncExitStack()

    @property
    def leading(self) -> bool:
        """Whether it held the lease when it last asked."""
        return self._leadership.is_leader

    async def start(self) -> None:
        """Report for the first time, then go on in a task."""
        await self._report()
        await self._watch.enter_async_context(self._store.watching(self._edited.set))
        self._service.start()

    async def stop(self) -> None:
        """End, and let another lead at once."""
        await self._service.stop()
        await self._watch.aclose()
        # A store that is away lets lease and report run out instead.
        with contextlib.suppress(BackendError, TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._leadership.resign()
                # Those that wait to lead hear of it.
                await self._store.retire(self._who.id)

    async def beat(self) -> float:
        """One round: fire what is due if it leads, then wait for the next cause."""
        # Before the look, so that what is edited during it calls for another.
        self._edited.clear()
        await self._report()
        pause = _ASK_EVERY
        if await self._leads():
            due_in = await self._firer.fire_due()
            pause = self._look_every if due_in is None else min(due_in, self._look_every)
        # Not wait_for: that swallows a cancellation that comes together with an edit.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._edited.wait()
        return 0.0

    async def _report(self) -> None:
        if time.monotonic() - self._reported_at >= REPORT_EVERY:
            await self._store.report(self._who, REPORTED_FOR)
            self._reported_at = time.monotonic()

    async def _leads(self) -> bool:
        led = self._leadership.is_leader
        asked_at = time.monotonic()
        if led and asked_at - self._renewed_at < RENEW_EVERY:
            return True
        leads = await self._leadership.renew()
        self._renewed_at = asked_at
        if leads != led:
            self._events.emit(LeadershipChanged(self._who.id, leads))
        return leads
