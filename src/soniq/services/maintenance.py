"""What keeps the tables small and the jobs moving, beside the work itself."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection

from soniq.backends.base import Backend, WorkerSession
from soniq.events import Events, Pruned, UnknownGivenUp, WorkersRecovered
from soniq.services.leader import Leadership
from soniq.settings import SoniqSettings

PRUNE_BATCH = 1000
LOOKS_A_SECOND = 5.0
"""How often all workers together look for dead ones, at most."""
LOOK_EVERY = 2.0
A_MOMENT = 0.1
FIRST_PRUNING = 10.0
"""Seconds after its start at which a worker that leads prunes for the first time, at most."""


class Recovery:
    """Looks for dead workers and for jobs nobody knows. Every worker does it; no leader needed."""

    def __init__(
        self,
        session: WorkerSession,
        settings: SoniqSettings,
        events: Events,
        unknown_names: Callable[[], Collection[str]],
        gone: Collection[int] = (),
    ) -> None:
        self._session = session
        self._events = events
        self._max_crashes = settings.max_crashes
        self._grace = settings.unknown_job_grace
        self._unknown_names = unknown_names
        self._gone = gone
        self._every = min(LOOK_EVERY, settings.heartbeat_interval / 2)
        # Who has just come may call others silent once it has been here for as long as they may be.
        silence = settings.heartbeat_interval + min(2.0, settings.heartbeat_interval)
        self._may_judge = time.monotonic() + silence + A_MOMENT

    async def beat(self) -> float:
        """One look; seconds until the next."""
        found = await self._session.recover(max_crashes=self._max_crashes, gone=self._gone)
        if found.workers or found.requeued or found.dead:
            self._events.emit(
                WorkersRecovered(tuple(found.workers), tuple(found.requeued), tuple(found.dead))
            )
        await self._give_up_unknown()
        pause = max(self._every, found.live / LOOKS_A_SECOND)
        until_it_may_judge = self._may_judge - time.monotonic()
        return min(pause, until_it_may_judge) if until_it_may_judge > 0 else pause

    async def _give_up_unknown(self) -> None:
        if names := self._unknown_names():
            given_up = await self._session.sweep_unknown(names, grace=self._grace)
            if given_up:
                self._events.emit(UnknownGivenUp(tuple(given_up)))


class Pruning:
    """Deletes rows whose time is over, on whichever worker leads.

    Args:
        cleanup: what plugins delete.
    """

    def __init__(
        self,
        backend: Backend,
        settings: SoniqSettings,
        leadership: Leadership,
        events: Events,
        cleanup: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._cleanup = cleanup
        self._backend = backend
        self._settings = settings
        self._leadership = leadership
        self._events = events
        self._next = time.monotonic() + min(settings.cleanup_interval, FIRST_PRUNING)

    async def beat(self) -> float:
        """Renew the lease, and prune when it is time; seconds until the next."""
        if await self._leadership.renew() and time.monotonic() >= self._next:
            rows = await self._prune()
            if self._cleanup is not None:
                rows += await self._cleanup()
            self._next = time.monotonic() + self._settings.cleanup_interval
            if rows:
                self._events.emit(Pruned(rows))
        return self._leadership.pause

    async def _prune(self) -> int:
        """In batches, for as long as there is something and the lease holds."""
        total = 0
        while True:
            rows = await self._backend.prune(
                result_ttl=self._settings.result_ttl,
                dead_letter_ttl=self._settings.dead_letter_ttl,
                limit=PRUNE_BATCH,
            )
            total += rows
            if rows < PRUNE_BATCH or not await self._leadership.renew():
                return total
