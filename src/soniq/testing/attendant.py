"""What a worker and a scheduler would do with one app as its clock goes on."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from soniq.backends.memory import MemoryBackend
from soniq.records import Released
from soniq.scheduler.events import LogLines
from soniq.scheduler.firing import Firer
from soniq.services.maintenance import PRUNE_BATCH
from soniq.testing.hand import Hand
from soniq.worker.deadlines import insist
from soniq.worker.run import Interruption, Run
from soniq.worker.shift import Shift

if TYPE_CHECKING:
    from soniq.testing.clock import Clock

_MISSED_AFTER: Final = 60.0
_LOOKS: Final = 20

Began = dict[tuple[str, int], datetime]
"""When a handler that hangs was first called, by job and attempt."""


class Attendant:
    """Sees to one app.

    Args:
        hand: runs its jobs.
        clock: moved on when a handler hangs.
        patience: real seconds after which a handler hangs.
        began: kept from one advance to the next.
    """

    def __init__(self, hand: Hand, clock: Clock, patience: float, began: Began) -> None:
        assert isinstance(hand.backend, MemoryBackend)
        self._hand = hand
        self._app = hand.app
        self._store = hand.backend
        self._clock = clock
        self._patience = patience
        self._began = began
        self._left_alone: set[str] = set()
        producer = self._app._resolver.producer_id()
        LogLines(hand.events)
        self._firer = Firer(
            self._store.schedules, hand.events, missed_after=_MISSED_AFTER, producer=producer
        )

    async def begin(self) -> None:
        """Store the schedules that the app's code declares."""
        await self._app.scheduler.declare()

    def next_moment(self) -> datetime | None:
        """When the next thing falls due."""
        known = set(self._app._registry.names()) - self._left_alone
        return self._store.next_moment(known)

    async def see_to_it(self, target: datetime) -> bool:
        """Do what is due now, until `target` at most; whether a job ran."""
        await self._prune()
        await self._fire()
        if not self._store.has_due(self._left_alone):
            return False

        async def watch(claiming: asyncio.Task[None], shift: Shift) -> None:
            while not await self._ends(claiming, shift):
                await self._hangs(shift, target)

        ended = await self._hand.run_due(watch=watch, without=self._left_alone)
        return any(not isinstance(end.outcome, Released) for end in ended)

    async def _prune(self) -> None:
        settings = self._app.settings
        rows = PRUNE_BATCH
        while rows == PRUNE_BATCH:
            rows = await self._store.prune(
                result_ttl=settings.result_ttl,
                dead_letter_ttl=settings.dead_letter_ttl,
                limit=PRUNE_BATCH,
            )

    async def _fire(self) -> None:
        while await self._firer.fire_due() == 0.0:
            pass

    async def _ends(self, claiming: asyncio.Task[None], shift: Shift) -> bool:
        """Whether the shift ends before one run in it has outlasted our patience.

        In many short looks: on a machine that is busy with others each of them takes longer, and
        what is only slow there is not taken to hang.
        """
        watched, looks = shift.oldest, 0
        while looks < _LOOKS:
            if (await asyncio.wait([claiming], timeout=self._patience / _LOOKS))[0]:
                return True
            same = shift.oldest is watched
            watched, looks = shift.oldest, looks + 1 if same else 0
        return False

    async def _hangs(self, shift: Shift, target: datetime) -> None:
        """Go on to the timeout of the handler that hangs, or have its job wait for another time."""
        run = shift.oldest
        if run is None or run.interrupted:
            return
        deadline = self._deadline(run)
        if deadline is None or deadline > target:
            self._left_alone.add(run.job.job_name)
            shift.begin_stop()
            insist(run, Interruption.SHUTDOWN)
            return
        while (moment := self.next_moment()) is not None and moment < deadline:
            self._clock.move_to(moment)
            await self._fire()
        self._clock.move_to(deadline)
        insist(run, Interruption.TIMEOUT)

    def _deadline(self, run: Run) -> datetime | None:
        """When its time is over, counted from when this attempt was first made."""
        timeout = run.definition.timeout
        if timeout is None:
            timeout = self._app.settings.job_timeout
        began = self._began.setdefault((run.job.id, run.job.attempts), self._clock.now())
        return began + timedelta(seconds=timeout) if timeout else None
