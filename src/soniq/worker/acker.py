"""Stores the ends of runs in batches: what collects during one write goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from soniq.backends.base import Contended, Unavailable, WorkerSession
from soniq.errors import SoniqError
from soniq.events import Events, LoopFailed, LoopRecovered, OutcomeDegraded
from soniq.records import ClaimedJob, Dead, Done, Ending, Outcome, Released, Retry, Snoozed
from soniq.services.service import Backoff, cancelled
from soniq.worker.run import Run

MOST = 1000
STATEMENT_BYTES = 4 * 1024 * 1024
BACKLOG = 4 * MOST
BACKLOG_BYTES = 4 * STATEMENT_BYTES
"""So much may wait to be stored before the worker claims nothing more."""
ASIDE = 1.0
"""Seconds before an end whose row somebody has locked is tried again."""
FIXED_ERROR = "The error text of this run could not be stored."
RELEASE_DELAY = 60.0
"""Seconds before a job whose outcome no store would take is tried again."""


class Ended(NamedTuple):
    """A run that is over, and what is to be stored of it."""

    job: ClaimedJob
    outcome: Outcome
    duration_s: float = 0.0
    run: Run | None = None
    """The run it was, for what follows its storing; None for a claim that goes back unbegun."""


Stored = Callable[[Sequence[Ended], Collection[str]], None]
"""Told of each batch that the store has answered for: the ends, and the ids of those it took."""


class Acker:
    """Sends endings to the store, one write at a time, and gives none up while the claim holds."""

    def __init__(
        self, session: WorkerSession, stored: Stored, events: Events, longest_pause: float
    ) -> None:
        self._session = session
        self._stored = stored
        self._events = events
        self._backoff = Backoff(longest_pause)
        self._waiting: list[Ended] = []
        self._waiting_bytes = 0
        self._aside = 0
        self._unanswered = 0
        self._answers = 0
        self._unsure: set[str] = set()
        """Jobs whose ends the store may have taken without being able to say so."""
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None

    def put(self, ended: Ended) -> None:
        """Have it stored. Returns at once."""
        self._waiting.append(ended)
        self._waiting_bytes += _bytes(ended.outcome)
        self._unanswered += 1
        self._idle.clear()
        self._arrived.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._loop(), name="soniq-acker")

    async def drained(self, patience: float | None = None) -> int:
        """Return when everything put has been answered, or the loop has been ended.

        Args:
            patience: seconds without any answer after which it is given up; None waits for ever.

        Returns:
            How many ends have not been answered.
        """
        idle = asyncio.ensure_future(self._idle.wait())
        ends = [idle] if self._task is None else [idle, self._task]
        answers = -1
        try:
            # As long as there are answers there is hope.
            while answers != self._answers:
                answers = self._answers
                await asyncio.wait(ends, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if any(end.done() for end in ends):
                    break
        finally:
            idle.cancel()
        return self._unanswered

    async def stop(self) -> None:
        """End the loop; what has not been stored by then is left to recovery."""
        if self._task is not None:
            await cancelled(self._task)

    @property
    def full(self) -> bool:
        """Whether so much waits to be stored that no more should come."""
        return len(self._waiting) >= BACKLOG or self._waiting_bytes >= BACKLOG_BYTES

    async def _loop(self) -> None:
        while True:
            await self._arrived.wait()
            batch = self._next_batch()
            await self._store(batch)
            if not self._waiting:
                self._arrived.clear()
                if not self._aside:
                    self._idle.set()

    def _next_batch(self) -> list[Ended]:
        """The longest head of the line that fits one write."""
        size = count = 0
        for ended in self._waiting[:MOST]:
            more = _bytes(ended.outcome)
            if count and size + more > STATEMENT_BYTES:
                break
            size += more
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._waiting_bytes -= size
        return batch

    async def _store(self, batch: list[Ended]) -> None:
        try:
            await self._write(batch)
        except Exception as error:  # noqa: BLE001 - not the connection, not contention: some value in the batch
            await self._isolate(batch, error)

    async def _store_halves(self, batch: list[Ended]) -> None:
        middle = len(batch) // 2
        await self._store(batch[:middle])
        await self._store(batch[middle:])

    async def _write(self, batch: list[Ended]) -> None:
        """Store `batch` in one write, however often the store is away."""
        endings = [Ending(ended.job.id, ended.job.claim, ended.outcome) for ended in batch]
        ids = [ended.job.id for ended in batch]
        while True:
            try:
                repeated = not self._unsure.isdisjoint(ids)
                accepted = await self._session.finish(endings, repeated=repeated)
            except Contended as error:
                return await self._apart(batch, error)
            except (Unavailable, SoniqError) as error:
                if isinstance(error, Unavailable):
                    self._unsure.update(ids)
                await self._pause(error)
            else:
                break
        if self._backoff.failing:
            self._backoff.reset()
            self._events.emit(LoopRecovered("acker"))
        self._unsure.difference_update(ids)
        self._unanswered -= len(batch)
        self._answers += 1
        self._stored(batch, accepted)
        return None

    async def _apart(self, batch: list[Ended], error: Contended) -> None:
        """Store those that nobody stands in the way of; whoever is left alone waits a while."""
        if len(batch) > 1:
            await self._store_halves(batch)
            return
        self._aside += 1
        self._events.emit(LoopFailed("acker", error, ASIDE))
        asyncio.get_running_loop().call_later(ASIDE, self._again, batch[0])

    def _again(self, ended: Ended) -> None:
        self._aside -= 1
        self._unanswered -= 1
        self.put(ended)

    async def _isolate(self, batch: list[Ended], error: Exception) -> None:
        """Halve until the culprit stands alone, then store it in ever plainer forms."""
        if len(batch) > 1:
            return await self._store_halves(batch)
        ended = batch[0]
        while True:
            ended = await self._made_plainer(ended, error)
            try:
                return await self._write([ended])
            except Exception as again:  # noqa: BLE001 - a plainer form may do, or the store when mended
                error = again

    async def _made_plainer(self, ended: Ended, error: Exception) -> Ended:
        lesser = _lesser(ended.outcome)
        if lesser is ended.outcome:
            # A release holds no value that could be at fault: the store itself is broken.
            await self._pause(error)
        else:
            self._events.emit(OutcomeDegraded(ended.job, str(error), type(lesser).__name__))
        return ended._replace(outcome=lesser)

    async def _pause(self, error: Exception) -> None:
        pause = self._backoff.next()
        self._events.emit(LoopFailed("acker", error, pause))
        await asyncio.sleep(pause)


def _lesser(outcome: Outcome) -> Outcome:
    """The next plainer form of an outcome that could not be stored; the plainest is its own."""
    match outcome:
        case Done(result, keep) if result is not None:
            return Done(None, keep)
        case Retry(delay, error) if error != FIXED_ERROR:
            return Retry(delay, FIXED_ERROR)
        case Snoozed(delay, note) if note != FIXED_ERROR:
            return Snoozed(delay, FIXED_ERROR)
        case Dead(reason, error) if error != FIXED_ERROR:
            return Dead(reason, FIXED_ERROR)
        case Released(delay) if delay == RELEASE_DELAY:
            return outcome
        case _:
            return Released(RELEASE_DELAY)


def _bytes(outcome: Outcome) -> int:
    match outcome:
        case Done(result):
            return 0 if result is None else len(result)
        case Retry(_, text) | Snoozed(_, text) | Dead(_, text):
            return len(text)
        case Released():
            return 0
