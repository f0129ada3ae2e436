"""Jobs with a dedup key never share a statement with jobs without one.

A keyed insert may have to wait for a transaction of the user's that holds the key, and that user
may be awaiting the very batch. So a batch that meets a held key is split, and the job whose key it
is tries again apart from all others until the key is free, each try short and none keeping its
connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final

from soniq.backends.base import InsertJobs
from soniq.backends.patience import Patience
from soniq.enqueue.inserter import Inserter
from soniq.enqueue.sender import Batch, Sender, cancel_all
from soniq.records import NewJob

_CONNECTIONS_APART: Final = 2
_LONGEST_PAUSE: Final = 0.5


class KeyedInserter(Inserter):
    """Sends jobs with a dedup key."""

    def __init__(self, insert: InsertJobs, patience: Patience) -> None:
        super().__init__(lambda: nullcontext(insert), patience)
        limit = asyncio.Semaphore(_CONNECTIONS_APART)

        async def insert_apart(jobs: Sequence[NewJob], *, repeated: bool = False) -> list[str]:
            async with limit:
                return await insert(jobs, repeated=repeated)

        self._splitter = Sender(insert_apart, patience, self._set_apart)
        self._insister = Sender(insert_apart, patience.with_pauses_up_to(_LONGEST_PAUSE))
        self._held: Counter[str | None] = Counter()

    def _sender(self, insert: InsertJobs) -> Sender:
        return Sender(insert, self._patience, self._set_apart)

    def _take(self) -> Batch:
        batch = super()._take()
        held = [waiting for waiting in batch if self._held[waiting.job.dedup_key]]
        for waiting in held:
            self._set_apart([waiting])
        return [waiting for waiting in batch if waiting not in held] if held else batch

    def _set_apart(self, batch: Batch) -> None:
        """See to a contended batch beside the ordinary ones, which go on."""
        if len(batch) > 1:
            self._start(self._split(batch))
        else:
            self._held[batch[0].job.dedup_key] += 1
            self._start(self._insist(batch))

    async def _split(self, batch: Batch) -> None:
        middle = len(batch) // 2
        try:
            await self._splitter.send(batch[:middle])
            await self._splitter.send(batch[middle:])
        except asyncio.CancelledError:
            cancel_all(batch)
            raise

    async def _insist(self, batch: Batch) -> None:
        key = batch[0].job.dedup_key
        try:
            await self._insister.send(batch)
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
