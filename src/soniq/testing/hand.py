"""A hired hand: the pipeline of a worker, without its clockwork.

It joins, claims, runs and stores as every worker does. What a worker does by itself as time goes
by (heartbeats, recovery, pruning) it leaves alone: nothing happens that a test did not ask for.
"""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from soniq.app import Soniq
from soniq.backends.base import Backend, WorkerSession
from soniq.backends.memory.session import MemorySession
from soniq.events import Events, JobStored, UnknownGivenUp
from soniq.records import Claimed, NewWorker, Snoozed
from soniq.services.leader import Leadership
from soniq.services.service import to_the_end
from soniq.testing.sessions import Choice, OneByOne
from soniq.version import __version__
from soniq.worker.attendance import Attendance
from soniq.worker.log_lines import LogLines
from soniq.worker.run import Interruption
from soniq.worker.shift import Shift
from soniq.worker.threads import HandlerThreads

Watch = Callable[[asyncio.Task[None], Shift], Awaitable[None]]
"""Waits for the end of a shift's claiming, and may interfere meanwhile."""


@asynccontextmanager
async def hired(app: Soniq) -> AsyncIterator[Hand]:
    """A hand that runs jobs of `app`, attended by its plugins, and leaves at the end."""
    opened = await app._opening.ready()
    session = await opened.backend.join(_introduction(app), lambda _: None)
    hand = Hand(app, opened.backend, session)
    try:
        await hand.begin()
        yield hand
    finally:
        await to_the_end(hand.end())


def _introduction(app: Soniq) -> NewWorker:
    return NewWorker(
        id=str(uuid.uuid4()),
        hostname=socket.gethostname(),
        pid=os.getpid(),
        queues=None,
        concurrency=1,
        job_names=app._registry.names(),
        version=__version__,
    )


async def _to_its_end(claiming: asyncio.Task[None], _: Shift) -> None:
    await asyncio.wait([claiming])


class Hand:
    """Runs jobs one at a time, when told. Made by `hired`."""

    def __init__(self, app: Soniq, backend: Backend, session: WorkerSession) -> None:
        self._app = app
        self._backend = backend
        self._session = session
        self._threads = HandlerThreads(app.settings.sync_handler_pool_size, lambda: None)
        self.events = Events()
        LogLines(self.events)
        self._surroundings = app._surroundings()
        self._leadership = Leadership(backend, "maintenance", session.id)
        self._attendance = self._attended()
        self._stored: list[JobStored] = []
        self.events.subscribe(JobStored, self._stored.append)

    def _attended(self) -> Attendance | None:
        attend = self._surroundings.attend
        if attend is None:
            return None
        return attend(self._session.id, None, 1, self._leadership, self.events)

    async def begin(self) -> None:
        """Let plugins know of it."""
        if self._attendance is not None:
            await self._attendance.begin()

    async def end(self) -> None:
        """Take leave."""
        self._threads.close()
        if self._attendance is not None:
            await self._attendance.end()
        await self._leadership.resign()
        await self._session.leave()

    @property
    def app(self) -> Soniq:
        """Whose jobs it runs."""
        return self._app

    @property
    def backend(self) -> Backend:
        """Where it finds them."""
        return self._backend

    async def run_due(
        self,
        most: int | None = None,
        watch: Watch = _to_its_end,
        without: Collection[str] = (),
    ) -> list[JobStored]:
        """Run what is due until nothing is left, and return the stored ends in their order.

        Args:
            most: how many runs at most.
            watch: see `Watch`.
            without: names of jobs to leave alone; what it holds by then counts.
        """

        async def first(unknown: Collection[str]) -> Claimed:
            return await self._session.claim(1, without={*unknown, *without})

        await self._session.heartbeat()
        return await self._shift(first, most, watch)

    async def run_job(self, job_id: str) -> list[JobStored]:
        """Run this very job for as long as it is due; only in memory."""
        session = self._session
        assert isinstance(session, MemorySession)

        async def this(_: Any) -> Claimed:
            # One that puts itself off until now would go on for ever, and its caller waits.
            if self._stored and isinstance(self._stored[-1].outcome, Snoozed):
                return Claimed([])
            return await session.claim_job(job_id)

        return await self._shift(this, None, _to_its_end)

    async def _shift(self, choose: Choice, most: int | None, watch: Watch) -> list[JobStored]:
        app = self._app
        self._stored.clear()
        shift = Shift(
            OneByOne(self._session, choose, most),
            app.settings,
            app._registry,
            app.retry_policy,
            self._surroundings,
            self._threads,
            self.events,
            self._attendance,
            concurrency=1,
            until_empty=True,
        )
        claiming = shift.start()
        try:
            await watch(claiming, shift)
        finally:
            await to_the_end(_ended(shift))
        if claiming.done() and not claiming.cancelled():
            claiming.result()
        await self._give_up(shift.unknown_names)
        return list(self._stored)

    async def _give_up(self, names: set[str]) -> None:
        if names:
            grace = self._app.settings.unknown_job_grace
            if given_up := await self._session.sweep_unknown(names, grace=grace):
                self.events.emit(UnknownGivenUp(tuple(given_up)))


async def _ended(shift: Shift) -> None:
    """Mostly there is nothing left to end; what a cancelled test leaves running is put back."""
    shift.begin_stop()
    await shift.claims_ended()
    shift.interrupt_async(Interruption.SHUTDOWN)
    await shift.runs_ended()
    await shift.close(drain=True)
