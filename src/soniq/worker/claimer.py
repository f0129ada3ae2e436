"""Keeps the worker supplied: claims when there is room and work, and never asks without need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

from soniq.backends.base import WorkerSession
from soniq.events import Events, LoopFailed, LoopRecovered
from soniq.records import Claimed, ClaimedJob
from soniq.services.service import Backoff
from soniq.settings import SoniqSettings
from soniq.worker.buffer import Buffer
from soniq.worker.pace import Pace
from soniq.worker.quarantine import PROCESS
from soniq.worker.slots import Slots
from soniq.worker.suspects import Suspects

STALE = 0.25
"""Seconds a claimed job waits for a slot before it goes back."""


class Claimer:
    """The loop that claims.

    It sleeps until a slot is free and there is reason to believe in work: an announcement, a due
    time, or `poll_interval`. The reason is forgotten before the claim, never after it, so that what
    is announced while a claim is in flight causes another.

    Args:
        took: told of each claimed batch before anything of it starts.
        give_back: told of jobs that waited too long for a slot.
        held: ids of everything this worker knows it has.
        unknown: names to leave alone.
        unstored: whether so many ends wait to be stored that nothing more may begin.
    """

    def __init__(
        self,
        session: WorkerSession,
        settings: SoniqSettings,
        slots: Slots,
        buffer: Buffer,
        pace: Pace,
        suspects: Suspects,
        events: Events,
        *,
        took: Callable[[list[ClaimedJob]], None],
        give_back: Callable[[list[ClaimedJob]], None],
        held: Callable[[], Collection[str]],
        unknown: Callable[[], Collection[str]],
        unstored: Callable[[], bool],
        until_empty: bool,
    ) -> None:
        self._session = session
        self._slots = slots
        self._buffer = buffer
        self._pace = pace
        self._suspects = suspects
        self._events = events
        self._took = took
        self._give_back = give_back
        self._held = held
        self._unknown = unknown
        self._unstored = unstored
        self._until_empty = until_empty
        self._poll_interval = settings.poll_interval
        self._heartbeat_interval = settings.heartbeat_interval
        self._backoff = Backoff(settings.error_retry_delay)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._work = True
        self._urgent: int | None = None
        self._claim_at = 0.0
        self._strays_at: float | None = None
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more; `run` returns once a claim in flight has been answered."""
        self._stop.set()
        self._wake.set()

    def announce(self, priority: int | None) -> None:
        """Work may have come, of this priority (None: unknown)."""
        self._work = True
        if priority is not None and (self._urgent is None or priority < self._urgent):
            self._urgent = priority
        self._wake.set()

    def room(self) -> None:
        """A slot or a thread became free."""
        if (self._work or self._suspects.due) and len(self._buffer) <= self._pace.low_water:
            self._wake.set()

    def settled(self) -> None:
        """Nothing is held any more: a last look, when running until nothing is left."""
        if self._until_empty:
            self._work = True
            self._wake.set()

    async def run(self) -> None:
        """Claim until stopped; with `until_empty` return when nothing is due and nothing held."""
        while not self._stop.is_set():
            self._wake.clear()
            try:
                finished = await self._round()
            except Exception as error:  # noqa: BLE001 - claiming must outlive whatever the store does
                await self._failed(error)
                continue
            if self._backoff.failing:
                self._backoff.reset()
                self._events.emit(LoopRecovered("claimer"))
            if finished:
                return
            await self._sleep()

    async def _round(self) -> bool:
        now = self._loop.time()
        if self._strays_at is not None and now >= self._strays_at:
            await self._release_strays(now)
        self._return_stale(now)
        limit = self._limit()
        if now >= self._claim_at:
            self._work = True
            self._claim_at = now + self._poll_interval  # if there is no room: room() wakes
        if not (self._work and limit) and not self._suspects.due:
            return False
        idle = not self._held()
        claimed = await self._claim(limit) if self._work and limit else Claimed([])
        if self._suspects.due:
            await self._take_suspect()
        # One claim looks at so many lanes: it may bring nothing and yet say that more is due now.
        taken = not claimed.jobs and claimed.next_due != 0
        return self._until_empty and idle and taken and not self._held()

    async def _claim(self, limit: int) -> Claimed:
        self._work = False
        self._urgent = None
        try:
            claimed = await self._session.claim(limit, without=self._unknown())
        except BaseException:
            self._work = True
            self._strays_at = 0.0  # it may have been done, and its answer lost
            raise
        now = self._loop.time()
        if len(claimed.jobs) >= limit:
            self._work = True
        due = self._poll_interval if claimed.next_due is None else max(0.0, claimed.next_due)
        self._claim_at = now + min(due, self._poll_interval)
        self._suspects.due = self._suspects.due or claimed.suspects
        self._accept(claimed.jobs, now)
        return claimed

    async def _take_suspect(self) -> None:
        try:
            await self._suspects.take(self._unknown())
        except BaseException:
            self._suspects.due = True
            self._strays_at = 0.0
            raise

    def _accept(self, jobs: list[ClaimedJob], now: float) -> None:
        self._took(jobs)
        self._pace.claimed(len(job.args) for job in jobs)
        self._buffer.add(jobs, now)
        self._slots.fill()

    def _limit(self) -> int:
        """How many jobs to claim now."""
        if PROCESS.closed or self._unstored():
            return 0
        if len(self._slots.thread_line) >= self._slots.concurrency:
            return 0
        free = self._slots.room
        names = (item.job.job_name for item in self._buffer)
        limit = self._pace.appetite(free, names, self._slots.blocked())
        worst = self._buffer.worst_priority
        if self._urgent is not None and worst is not None and self._urgent < worst:
            return max(limit, self._slots.concurrency)
        return limit

    def _return_stale(self, now: float) -> None:
        keep = 0 if PROCESS.closed else max(0, self._slots.free)
        stale = self._buffer.take_older(now - STALE, keep) if self._buffer else []
        if self._slots.crowded:
            stale += self._slots.thread_line.take_older(now - STALE, self._slots.concurrency)
        if stale:
            self._give_back(stale)

    async def _release_strays(self, now: float) -> None:
        settled = await self._session.release_strays(self._held)
        self._strays_at = None if settled else now + self._heartbeat_interval

    async def _failed(self, error: Exception) -> None:
        pause = self._backoff.next()
        self._events.emit(LoopFailed("claimer", error, pause))
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stop.wait()

    async def _sleep(self) -> None:
        """Until woken, or until the next thing is due."""
        if self._stop.is_set():
            return
        until = self._claim_at
        if self._buffer or self._slots.crowded:
            until = min(until, self._loop.time() + STALE)
        if self._strays_at is not None:
            until = min(until, self._strays_at)
        if self._work and self._limit():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(max(until, self._loop.time() + 0.001)):
                await self._wake.wait()
