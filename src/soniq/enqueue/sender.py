"""Storing a batch of jobs, and answering each of its callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from soniq.backends.base import Contended, InsertJobs, Unavailable, Unstorable
from soniq.backends.patience import Patience, pauses
from soniq.enqueue.resolver import invalid_arguments
from soniq.records import NewJob


@dataclass(eq=False, slots=True)
class Waiting:
    """A caller, and the job it waits for."""

    job: NewJob
    answer: asyncio.Future[str]
    deadline: float
    """Time of the loop at which the caller gives up."""
    unsure: bool = False
    """A try whose answer was lost may have stored the job."""


Batch = list[Waiting]


class Sender:
    """Repeats a batch until every caller has an answer.

    Args:
        insert: stores jobs in one transaction; safe to repeat.
        patience: how long each caller waits while the store is away.
        contended: takes over a batch that somebody's lock stands in the way of; None repeats it.
    """

    def __init__(
        self,
        insert: InsertJobs,
        patience: Patience,
        contended: Callable[[Batch], None] | None = None,
    ) -> None:
        self._insert = insert
        self._patience = patience
        self._contended = contended

    async def send(self, batch: Batch) -> None:
        """Store `batch` and answer its callers, all of them in the end."""
        waits = pauses(self._patience.longest_pause)
        cause: Exception | None = None
        while batch := still_waiting(batch):
            failure = await self._try(batch)
            if failure is None:
                return
            # That the time ran out says less than why it was needed.
            if cause is None or not isinstance(failure, TimeoutError):
                cause = failure
            await self._pause(batch, next(waits), cause)

    async def _try(self, batch: Batch) -> Exception | None:
        """Send once; return what went wrong if it is worth another try."""
        try:
            await self._store(batch)
        except Contended as error:
            if self._contended is None:
                return error
            self._contended(batch)
        except (Unavailable, TimeoutError) as error:
            for waiting in batch:
                waiting.unsure = True
            return error
        except Unstorable as error:
            await self._halve(batch, error)
        except asyncio.CancelledError:
            cancel_all(batch)
            raise
        except Exception as error:  # noqa: BLE001 - every caller must have an answer
            fail_all(batch, error)
        return None

    async def _store(self, batch: Batch) -> None:
        # A connection that is lost without a word must leave time for another.
        one_try = asyncio.get_running_loop().time() + self._patience.seconds / 2
        async with asyncio.timeout_at(min(one_try, batch[0].deadline)):
            ids = await self._insert(
                [waiting.job for waiting in batch],
                repeated=any(waiting.unsure for waiting in batch),
            )
        for waiting, job_id in zip(batch, ids, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(job_id)

    async def _pause(self, batch: Batch, pause: float, cause: Exception) -> None:
        """Wait before the next try, without those whose time would be over by then."""
        horizon = asyncio.get_running_loop().time() + pause
        late = [waiting for waiting in batch if waiting.deadline <= horizon]
        if late:
            fail_all(late, self._patience.over(cause))
        try:
            await asyncio.sleep(pause)
        except asyncio.CancelledError:
            cancel_all(batch)
            raise

    async def _halve(self, batch: Batch, error: Unstorable) -> None:
        """Halve until the row that cannot be stored stands alone."""
        if len(batch) == 1:
            fail_all(batch, invalid_arguments(batch[0].job.job_name, [str(error)]))
            return
        middle = len(batch) // 2
        await self.send(batch[:middle])
        await self.send(batch[middle:])


def still_waiting(batch: Iterable[Waiting]) -> Batch:
    """Those whose caller has neither an answer nor gone."""
    return [waiting for waiting in batch if not waiting.answer.done()]


def fail_all(batch: Iterable[Waiting], error: Exception) -> None:
    """Raise `error` in every caller that still waits."""
    for waiting in still_waiting(batch):
        waiting.answer.set_exception(error)


def cancel_all(batch: Iterable[Waiting]) -> None:
    """Cancel every caller that still waits."""
    for waiting in batch:
        waiting.answer.cancel()
