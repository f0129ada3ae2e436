"""A worker's life: join, work, notice being declared dead, drain, leave."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Collection
from contextlib import suppress

from soniq.backends.base import Backend, Contended, Unavailable, WorkerSession
from soniq.events import (
    Events,
    LoopFailed,
    StoppingUnsaid,
    ThreadsStillRunning,
    WorkerDeclaredDead,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
)
from soniq.records import NewWorker
from soniq.registry import JobRegistry
from soniq.retry import RetryPolicy
from soniq.services.leader import Leadership
from soniq.services.maintenance import Pruning, Recovery
from soniq.services.service import Backoff, Service, to_the_end
from soniq.settings import SoniqSettings
from soniq.version import __version__
from soniq.worker.attendance import Attendance
from soniq.worker.run import Interruption
from soniq.worker.shift import Shift
from soniq.worker.surroundings import Surroundings
from soniq.worker.threads import HandlerThreads

ABANDON_PATIENCE = 5.0
"""Seconds that async handlers get to end after their claims were lost."""


class Worker:
    """Runs jobs until told to stop, or with `until_empty` until nothing is due.

    Args:
        replaces: process ids of this host known to have ended, whose jobs are recovered at once.
    """

    def __init__(
        self,
        backend: Backend,
        settings: SoniqSettings,
        registry: JobRegistry,
        policy: RetryPolicy,
        surroundings: Surroundings,
        events: Events,
        *,
        concurrency: int,
        queues: tuple[str, ...] | None,
        until_empty: bool,
        replaces: Collection[int] = (),
    ) -> None:
        self._backend = backend
        self._settings = settings
        self._registry = registry
        self._policy = policy
        self._surroundings = surroundings
        self._events = events
        self._concurrency = concurrency
        self._queues = queues
        self._until_empty = until_empty
        self._replaces = replaces
        self._ran = False
        self._joined_before = False
        self._shift: Shift | None = None
        self._dead = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> bool:
        """Work until `stop` is set; whether any job ran.

        Raises:
            SoniqError: the schema is missing or too new.
            Unavailable: at the start the store could not be reached within `database_timeout`.
        """
        threads = HandlerThreads(self._settings.sync_handler_pool_size, self._thread_freed)
        try:
            while await self._serve(threads, stop):
                self._dead.clear()
        finally:
            threads.close()
        return self._ran

    async def _serve(self, threads: HandlerThreads, stop: asyncio.Event) -> bool:
        """One shift under one id; True when a new one must follow."""
        session = await self._join(stop)
        if session is None:
            return False
        self._joined_before = True
        leadership = Leadership(self._backend, "maintenance", session.id)
        attendance = self._attendance(session, leadership)
        shift = self._shift = Shift(
            session,
            self._settings,
            self._registry,
            self._policy,
            self._surroundings,
            threads,
            self._events,
            attendance,
            concurrency=self._concurrency,
            until_empty=self._until_empty,
        )
        services = self._services(session, shift, leadership, attendance)
        self._events.emit(WorkerStarted(session.id, self._concurrency, self._queues))
        try:
            return await self._work(shift, services, stop, attendance)
        finally:
            self._ran = self._ran or shift.ran
            self._shift = None
            await to_the_end(self._leave(session, services, leadership, attendance))

    def _attendance(self, session: WorkerSession, leadership: Leadership) -> Attendance | None:
        attend = self._surroundings.attend
        if attend is None:
            return None
        return attend(session.id, self._queues, self._concurrency, leadership, self._events)

    async def _join(self, stop: asyncio.Event) -> WorkerSession | None:
        """Join; None when told to stop before a store that is away has answered.

        At the start it must answer within `database_timeout`. A worker that was declared dead waits
        for as long as it takes: what kept its heartbeats from arriving may well last.
        """
        backoff = Backoff(self._settings.error_retry_delay)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.database_timeout
        while True:
            try:
                return await self._backend.join(self._introduction(), self._wake)
            except (Unavailable, Contended) as error:
                pause = backoff.next()
                if not self._joined_before and loop.time() + pause >= deadline:
                    raise
                self._events.emit(LoopFailed("joining", error, pause))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()
            if stop.is_set():
                return None

    async def _leave(
        self,
        session: WorkerSession,
        services: list[Service],
        leadership: Leadership,
        attendance: Attendance | None,
    ) -> None:
        if attendance is not None:
            await attendance.end()
        await asyncio.gather(*(service.stop() for service in services))
        await leadership.resign()
        await session.leave()
        self._events.emit(WorkerStopped(session.id))

    def _introduction(self) -> NewWorker:
        return NewWorker(
            id=str(uuid.uuid4()),
            hostname=socket.gethostname(),
            pid=os.getpid(),
            queues=self._queues,
            concurrency=self._concurrency,
            job_names=self._registry.names(),
            version=__version__,
        )

    def _services(
        self,
        session: WorkerSession,
        shift: Shift,
        leadership: Leadership,
        attendance: Attendance | None,
    ) -> list[Service]:
        async def heartbeat() -> float:
            if not await session.heartbeat():
                self._dead.set()
            return self._settings.heartbeat_interval

        recovery = Recovery(
            session, self._settings, self._events, lambda: shift.unknown_names, self._replaces
        )
        cleanup = None if attendance is None else attendance.cleanup
        pruning = Pruning(self._backend, self._settings, leadership, self._events, cleanup)
        return [
            Service("heartbeat", heartbeat, self._events, self._settings.error_retry_delay),
            Service("recovery", recovery.beat, self._events),
            Service("pruning", pruning.beat, self._events),
        ]

    async def _work(
        self,
        shift: Shift,
        services: list[Service],
        stop: asyncio.Event,
        attendance: Attendance | None,
    ) -> bool:
        for service in services:
            service.start()
        if attendance is not None:
            await attendance.begin()
        claiming = shift.start()
        stopped = asyncio.create_task(stop.wait())
        died = asyncio.create_task(self._dead.wait())
        try:
            await asyncio.wait([claiming, stopped, died], return_when=asyncio.FIRST_COMPLETED)
            if died.done():
                await self._abandon(shift)
                return not stop.is_set()
            defect = claiming.exception() if claiming.done() else None
            await self._drain(shift)
            if defect is not None:
                raise defect
        except asyncio.CancelledError:
            await to_the_end(self._stop_wholly(shift))
            raise
        finally:
            stopped.cancel()
            died.cancel()
        return False

    async def _drain(self, shift: Shift) -> None:
        """Let what runs end by itself, within the time the settings give it."""
        self._events.emit(WorkerStopping(shift.session.id, shift.running))
        await self._begin_stop(shift)
        if not await shift.runs_ended(self._settings.shutdown_timeout):
            await self._end_runs(shift, self._thread_grace())
        await shift.close(drain=True)

    async def _end_runs(self, shift: Shift, grace: float | None) -> None:
        """Async handlers are cancelled and put back. One on a thread is never put back: it runs."""
        shift.interrupt_async(Interruption.SHUTDOWN)
        if not await shift.runs_ended(grace):
            self._events.emit(ThreadsStillRunning(shift.session.id, shift.running))
            await shift.runs_ended()

    def _thread_grace(self) -> float | None:
        grace = self._settings.sync_handler_grace_seconds
        return self._settings.job_timeout or None if grace is None else grace

    async def _begin_stop(self, shift: Shift) -> None:
        shift.begin_stop()
        await self._say_stopping(shift)
        await shift.claims_ended()

    async def _say_stopping(self, shift: Shift) -> None:
        """So that a kill from now on counts no crash; a store that is away is no reason to stay."""
        try:
            async with asyncio.timeout(2.0):
                await shift.session.stopping()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the store, stopping goes on
            self._events.emit(StoppingUnsaid(shift.session.id, error))

    async def _stop_wholly(self, shift: Shift) -> None:
        """The task was cancelled: no grace for what can be put back."""
        await self._begin_stop(shift)
        await self._end_runs(shift, self._thread_grace())
        await shift.close(drain=True)

    async def _abandon(self, shift: Shift) -> None:
        """Others run these jobs now: end ours, store nothing, and go on under a new id."""
        self._events.emit(WorkerDeclaredDead(shift.session.id, shift.running))
        shift.begin_stop()
        shift.abandon()
        await shift.claims_ended()
        await shift.runs_ended(ABANDON_PATIENCE)
        await shift.close(drain=False)

    def _wake(self, priority: int | None) -> None:
        if self._shift is not None:
            self._shift.wake(priority)

    def _thread_freed(self) -> None:
        if self._shift is not None:
            self._shift.thread_freed()
