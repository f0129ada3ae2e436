"""One worker under one id: the pipeline from claim to stored end, wired together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from soniq.backends.base import WorkerSession
from soniq.events import (
    ClaimLost,
    EndsUnstored,
    Events,
    JobCancelled,
    JobFailed,
    JobStored,
    NameUnknown,
)
from soniq.hooks import HookEvent
from soniq.records import (
    ClaimedJob,
    ClaimState,
    Dead,
    DeadLetterReason,
    Done,
    Outcome,
    Released,
    Retry,
)
from soniq.registry import JobRegistry
from soniq.retry import RetryPolicy
from soniq.services.service import Service, cancelled
from soniq.settings import SoniqSettings
from soniq.worker.acker import Acker, Ended
from soniq.worker.attendance import Attendance
from soniq.worker.buffer import Buffer
from soniq.worker.claimer import Claimer
from soniq.worker.deadlines import Deadlines, insist
from soniq.worker.executor import Executor
from soniq.worker.pace import Pace
from soniq.worker.quarantine import PROCESS
from soniq.worker.run import Interruption, Run
from soniq.worker.slots import Slots
from soniq.worker.surroundings import Surroundings
from soniq.worker.suspects import Suspects
from soniq.worker.threads import HandlerThreads

CLAIM_PATIENCE = 2.0
"""Seconds a stopping worker waits for the answer to its last claim; later, recovery sees to it."""
WATCH_EVERY = 1.0
"""Seconds between two looks at whether running jobs are still ours."""


class Shift:
    """Claims, runs and finishes jobs for one `WorkerSession`.

    It keeps account of every claim it holds: taken at the claim, given up when the store has
    answered for its end. What is processing under this id and not in that account is a stray.
    """

    def __init__(
        self,
        session: WorkerSession,
        settings: SoniqSettings,
        registry: JobRegistry,
        policy: RetryPolicy,
        surroundings: Surroundings,
        threads: HandlerThreads,
        events: Events,
        attendance: Attendance | None = None,
        *,
        concurrency: int,
        until_empty: bool,
    ) -> None:
        self.session = session
        self.ran = False
        self.unknown_names: set[str] = set()
        self._settings = settings
        self._registry = registry
        self._threads = threads
        self._events = events
        self._held: dict[str, ClaimedJob] = {}
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines()
        self._pace = Pace(concurrency, settings.prefetch)
        self._buffer = Buffer()
        self._acker = Acker(session, self._stored, events, settings.error_retry_delay)
        self._executor = Executor(
            session.id, settings, policy, surroundings, threads, self._deadlines, events, attendance
        )
        self._tell_plugins = None if attendance is None else attendance.updated
        self._awaited = surroundings.awaited
        self._hooked = bool(surroundings.hooks.of(HookEvent.AFTER_JOB))
        self._after: set[asyncio.Task[None]] = set()
        self._slots = Slots(
            concurrency, registry, self._buffer, self._executor, threads, self._over, self._unknown
        )
        self._suspects = Suspects(
            session,
            self._slots,
            PROCESS,
            self,
            settings.max_crashes,
            took=self._took,
            put_off=lambda job: self._give_back([job], delay=30.0),
        )
        self._claimer = Claimer(
            session,
            settings,
            self._slots,
            self._buffer,
            self._pace,
            self._suspects,
            events,
            took=self._took,
            give_back=self._give_back,
            held=self._held.keys,
            unknown=self._left_alone,
            unstored=lambda: self._acker.full,
            until_empty=until_empty,
        )
        self._watch = Service("watch", self._look, events)
        self._claiming: asyncio.Task[None] | None = None

    # --- the life of a shift -------------------------------------------------------------------

    def start(self) -> asyncio.Task[None]:
        """Begin. The task returned ends only when running until nothing is left."""
        PROCESS.enter(self)
        self._acker.start()
        self._watch.start()
        self._claiming = asyncio.create_task(self._claimer.run(), name="soniq-claimer")
        return self._claiming

    @property
    def running(self) -> int:
        """Handlers that run now."""
        return len(self._slots.running)

    @property
    def oldest(self) -> Run | None:
        """Of the handlers that run now, the run that began first."""
        return next(iter(self._slots.running), None)

    def begin_stop(self) -> None:
        """Start nothing more: what has not begun goes back, and handlers learn that we stop."""
        self._give_back(self._unbegun())
        self._claimer.stop()
        for run in self._slots.running:
            run.warn()

    async def claims_ended(self) -> None:
        """After `begin_stop`: wait for a claim in flight; what it brings goes back too."""
        if self._claiming is not None:
            # Cancelled in flight, a claim could make jobs ours without our knowing.
            await asyncio.wait([self._claiming], timeout=CLAIM_PATIENCE)
            await cancelled(self._claiming)
        self._give_back(self._unbegun())

    async def runs_ended(self, timeout: float | None = None) -> bool:
        """Wait until no handler runs, at most `timeout` seconds; whether that is so."""
        tasks = [run.task for run in self._slots.running if run.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        return not self._slots.running

    def interrupt_async(self, why: Interruption) -> None:
        """End the runs of async handlers; those on threads run on."""
        for run in list(self._slots.running):
            if run.definition.is_async:
                insist(run, why)

    def abandon(self) -> None:
        """These claims are not ours any more: end every run, store nothing."""
        for run in list(self._slots.running):
            insist(run, Interruption.LOST)

    async def close(self, *, drain: bool) -> None:
        """End all loops; with `drain` when every end has been stored, if there is a store."""
        if drain:
            unstored = await self._acker.drained(self._settings.database_timeout)
            if unstored:
                self._events.emit(EndsUnstored(self.session.id, unstored))
            while self._after:
                await asyncio.wait(self._after)
        await self._watch.stop()
        await self._acker.stop()
        self._deadlines.close()
        PROCESS.leave(self)

    def wake(self, priority: int | None) -> None:
        """Work may have come."""
        self._claimer.announce(priority)

    def thread_freed(self) -> None:
        """A handler's thread is free again."""
        self._slots.fill()
        self._claimer.room()

    # --- as a member of its process ------------------------------------------------------------

    def busy(self) -> int:
        return len(self._slots.running) + self._threads.busy

    def poke(self) -> None:
        with suppress(RuntimeError):  # its loop has ended
            self._loop.call_soon_threadsafe(self._poked)

    def _poked(self) -> None:
        self._slots.fill()
        self._claimer.announce(None)

    # --- the account of claims -----------------------------------------------------------------

    def _took(self, jobs: list[ClaimedJob]) -> None:
        for job in jobs:
            self._held[job.id] = job

    def _gone(self, job: ClaimedJob) -> None:
        held = self._held.get(job.id)
        # The same job may have been claimed again before the answer to its last end came.
        if held is not None and held.claim == job.claim:
            del self._held[job.id]
        self._suspects.ended(job)
        if not self._held:
            self._claimer.settled()

    def _unbegun(self) -> list[ClaimedJob]:
        aside = self._suspects.aside()
        return self._slots.shut() + ([aside] if aside is not None else [])

    def _left_alone(self) -> frozenset[str]:
        """Names not to claim; one that has been registered since is claimed again."""
        if self.unknown_names:
            self.unknown_names -= set(self._registry.names())
        return frozenset(self.unknown_names)

    def _give_back(self, jobs: list[ClaimedJob], delay: float = 0.0) -> None:
        for job in jobs:
            self._suspects.ended(job)
            self._acker.put(Ended(job, Released(delay)))

    def _unknown(self, job: ClaimedJob) -> None:
        """Put back a job we have no handler for, and leave its name alone from now on."""
        self.unknown_names.add(job.job_name)
        self._events.emit(NameUnknown(self.session.id, job))
        outcome: Outcome = Released()
        if self._settings.unknown_job_grace == 0:
            outcome = Dead(DeadLetterReason.JOB_NOT_FOUND, f"Job {job.job_name} not registered.")
        self._acker.put(Ended(job, outcome))

    # --- ends ----------------------------------------------------------------------------------

    def _over(self, run: Run, outcome: Outcome | None, seconds: float) -> None:
        self.ran = True
        self._pace.ended(run.job.job_name, seconds)
        if outcome is None:
            self._gone(run.job)
        else:
            self._acker.put(Ended(run.job, outcome, seconds, run))
        self._claimer.room()

    def _stored(self, batch: Sequence[Ended], accepted: Collection[str]) -> None:
        watched = self._events.wanted(JobStored)
        for ended in batch:
            self._gone(ended.job)
            if ended.job.id not in accepted:
                self._refused(ended)
            else:
                self._tell_stored(ended, watched=watched)
        if self._tell_plugins is not None:
            self._tell_plugins(
                [ended for ended in batch if ended.run is not None and ended.job.id in accepted]
            )
        if self._awaited:
            self._tell_waiters(batch)
        self._claimer.room()

    def _tell_waiters(self, batch: Sequence[Ended]) -> None:
        for ended in batch:
            if isinstance(ended.outcome, Done | Dead):
                self._awaited.ended(ended.job.id)

    def _refused(self, ended: Ended) -> None:
        if not isinstance(ended.outcome, Released):
            self._events.emit(ClaimLost(self.session.id, ended.job))

    def _tell_stored(self, ended: Ended, *, watched: bool) -> None:
        job, outcome, seconds, run = ended
        if isinstance(outcome, Retry | Dead):
            self._events.emit(JobFailed(self.session.id, job, outcome, seconds))
        if watched:
            self._events.emit(JobStored(self.session.id, job, outcome, seconds))
        # A run that raised has had its on_error hooks, even where a plugin made it a success.
        if self._hooked and run is not None and isinstance(outcome, Done) and run.error is None:
            self._call_after(run, seconds)

    def _call_after(self, run: Run, seconds: float) -> None:
        """In the run's own context; the slot is somebody else's by now."""
        task = self._loop.create_task(self._executor.after(run, seconds), context=run.context)
        self._after.add(task)
        task.add_done_callback(self._after.discard)

    # --- the watch over running jobs -----------------------------------------------------------

    async def _look(self) -> float:
        """Ask whether what we run is still ours, if anything has run for long enough to matter."""
        oldest, suspect = self.oldest, self._suspects.waiting
        until_old = WATCH_EVERY
        if oldest is not None:
            until_old -= self._loop.time() - oldest.started
        if until_old > 0 and suspect is None:
            return until_old
        claims = {run.job.id: run.job.claim for run in self._slots.running}
        claims.update({job.id: job.claim for job in self._slots.waiting()})
        if suspect is not None:
            claims[suspect.id] = suspect.claim
        lost = await self.session.lost(claims)
        # What was asked about may have ended meanwhile, and been claimed again.
        self._drop({job: state for job, state in lost.items() if self._holds(job, claims[job])})
        return WATCH_EVERY

    def _holds(self, job_id: str, claim: int) -> bool:
        held = self._held.get(job_id)
        return held is not None and held.claim == claim

    def _drop(self, lost: dict[str, ClaimState]) -> None:
        removed = self._slots.remove(set(lost))
        suspect = self._suspects.waiting
        if suspect is not None and suspect.id in lost:
            self._suspects.aside()
            removed.append(suspect)
        for job in removed:
            self._tell(job, lost[job.id])
            self._gone(job)
        for run in list(self._slots.running):
            state = lost.get(run.job.id)
            if state is not None and run.interruption is None:
                self._tell(run.job, state)
                cancelled = state is ClaimState.CANCELLED
                insist(run, Interruption.CANCELLED if cancelled else Interruption.LOST)

    def _tell(self, job: ClaimedJob, state: ClaimState) -> None:
        kind: Callable[[str, ClaimedJob], object]
        kind = JobCancelled if state is ClaimState.CANCELLED else ClaimLost
        self._events.emit(kind(self.session.id, job))
