"""Asking the store about dead letters, and walking through very many of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, TypeVar

from pydantic_core import to_json

from soniq.backends.base import BackendError
from soniq.backends.dead_letters import DeadLetterJob, DeadLetterStore, Picked, Selection
from soniq.backends.opening import Opening
from soniq.limits import MOST_ROWS, stored_id

Answer = TypeVar("Answer")
Question = Callable[[DeadLetterStore], Awaitable[Answer]]

BATCH: Final = 2000
"""Dead letters that one transaction changes."""
_FIRST_ROWS: Final = 10
_MOST_ROWS: Final = 500
_BYTES: Final = 4 * 1024 * 1024


class Letters:
    """The dead letters of an application's store."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    async def ask(self, question: Question[Answer]) -> Answer:
        """The store's answer, waited for while it is away."""
        answer, _ = await self.change(question)
        return answer

    async def change(self, change: Question[Answer]) -> tuple[Answer, bool]:
        """The store's answer, and whether a try before that went without one."""
        failures: list[BackendError] = []
        opened = await self._opening.ready()
        answer = await opened.patience.call(
            lambda: change(opened.backend.dead_letters), on_failure=failures.append
        )
        return answer, bool(failures)

    async def get(self, dead_id: object) -> DeadLetterJob | None:
        wanted = stored_id(dead_id)
        if wanted is None:
            return None
        found = await self.ask(lambda letters: letters.show([wanted]))
        return found[0] if found else None

    async def count(self, selection: Selection, limit: int | None, offset: int) -> int:
        found = await self.ask(lambda letters: letters.count(selection))
        rest = max(0, found - offset)
        return rest if limit is None else min(rest, limit)

    async def walk(
        self, selection: Selection, limit: int | None, offset: int
    ) -> AsyncIterator[list[Picked]]:
        """The selection in batches, newest first; what is given up meanwhile is not met.

        Args:
            selection: which.
            limit: how many at most, None for all.
            offset: how many of the newest to pass over.
        """
        after: Picked | None = None
        left = limit
        while left is None or left > 0:
            size = BATCH if left is None else min(BATCH, left)
            batch = await self._pick(selection, after, size, 0 if after else min(offset, MOST_ROWS))
            if batch:
                yield batch
            if len(batch) < size:
                return
            after = batch[-1]
            left = None if left is None else left - size

    async def _pick(
        self, selection: Selection, after: Picked | None, limit: int, offset: int
    ) -> list[Picked]:
        return await self.ask(
            lambda letters: letters.pick(selection, after=after, limit=limit, offset=offset)
        )

    async def pages(
        self, selection: Selection, limit: int | None, offset: int
    ) -> AsyncIterator[list[DeadLetterJob]]:
        """The selection whole, newest first, never more of it at a time than some megabytes."""
        size = _FIRST_ROWS
        async for batch in self.walk(selection, limit, offset):
            start = 0
            while start < len(batch):
                page = await self._show(batch[start : start + size])
                start += size
                if page:
                    yield page
                    size = _next_size(page)

    async def _show(self, batch: Sequence[Picked]) -> list[DeadLetterJob]:
        return await self.ask(lambda letters: letters.show([one.id for one in batch]))


def _next_size(page: Sequence[DeadLetterJob]) -> int:
    """How many rows like these make a page; it grows by steps, lest larger ones come."""
    weight = sum(len(to_json(job.args)) + len(job.last_error or "") for job in page)
    fitting = _BYTES * len(page) // max(weight, 1)
    return max(1, min(fitting, len(page) * 4, _MOST_ROWS))
