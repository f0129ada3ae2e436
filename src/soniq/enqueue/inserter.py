"""Concurrent enqueues share statements: what waits while one insert runs goes with the next.

No timer: a lone enqueue waits for nothing, and each caller still awaits the commit of its own row.
An inserter belongs to the event loop it is used on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from soniq.backends.base import InsertJobs
from soniq.backends.patience import Patience
from soniq.enqueue.sender import Batch, Sender, Waiting, cancel_all
from soniq.records import NewJob

Inserting = Callable[[], AbstractAsyncContextManager[InsertJobs]]

MOST_ROWS: Final = 1000
MOST_BYTES: Final = 4 * 1024 * 1024


class Inserter:
    """Sends jobs without a dedup key.

    Args:
        inserting: gives what stores a batch in one transaction, safe to repeat, for one batch
            after another.
        patience: how long each caller waits while the store is away.
    """

    def __init__(self, inserting: Inserting, patience: Patience) -> None:
        self._inserting = inserting
        self._patience = patience
        self._waiting: deque[Waiting] = deque()
        self._draining = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def insert(self, job: NewJob) -> str:
        """Return the id under which `job` is stored.

        Raises:
            SoniqError: SONIQ_DATABASE_UNAVAILABLE, SONIQ_TASK_ARGS_INVALID, or what the store says
                about its schema.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        self._waiting.append(Waiting(job, answer, loop.time() + self._patience.seconds))
        if not self._draining:
            self._draining = True
            self._start(self._drain())
        return await answer

    async def drained(self) -> None:
        """Return when every caller has its answer."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="soniq-inserter")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                async with self._inserting() as insert:
                    await self._send_all(self._sender(insert))
        finally:
            self._draining = False
            cancel_all(self._waiting)
            self._waiting.clear()

    def _sender(self, insert: InsertJobs) -> Sender:
        return Sender(insert, self._patience)

    async def _send_all(self, sender: Sender) -> None:
        while self._waiting:
            if batch := self._take():
                await sender.send(batch)
                # Whoever has its answer now may come again at once.
                await asyncio.sleep(0)

    def _take(self) -> Batch:
        """The next batch: in order, bounded in rows and bytes, without callers that are gone."""
        batch: Batch = []
        size = 0
        while self._waiting and len(batch) < MOST_ROWS:
            size += len(self._waiting[0].job.args)
            if batch and size > MOST_BYTES:
                break
            waiting = self._waiting.popleft()
            if not waiting.answer.done():
                batch.append(waiting)
        return batch
