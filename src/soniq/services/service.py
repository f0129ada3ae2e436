"""A background loop, written once: it outlives its errors, backs off, and stops when told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from soniq.backends.patience import pauses
from soniq.events import Events, LoopFailed, LoopRecovered


class Backoff:
    """Pauses between tries: none before the first, then growing with jitter up to `longest`."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self.reset()

    def reset(self) -> None:
        self.failing = False
        self._pauses = pauses(self._longest)

    def next(self) -> float:
        """Seconds to wait before the next try."""
        self.failing = True
        return next(self._pauses)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, however often this task is cancelled meanwhile.

    Raises:
        asyncio.CancelledError: it was cancelled, now that `work` has ended.
    """
    task = asyncio.create_task(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel `task` and wait for its end, again if it swallows the first cancellation.

    `asyncio.wait_for` of Python 3.11 does when what it waits for ends at that very moment.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1.0)


class Service:
    """Runs one `beat` after another until stopped.

    Args:
        name: for logs.
        beat: one round of work; returns the seconds to wait before the next.
        events: told when a beat fails and when it works again.
        longest_pause: seconds, the most it waits after failures.
    """

    def __init__(
        self,
        name: str,
        beat: Callable[[], Awaitable[float]],
        events: Events,
        longest_pause: float = 2.0,
    ) -> None:
        self.name = name
        self._beat = beat
        self._events = events
        self._backoff = Backoff(longest_pause)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._loop(), name=f"soniq-{self.name}")

    async def stop(self) -> None:
        """Cancel the loop and wait for its end. Safe to call twice, or unstarted."""
        task, self._task = self._task, None
        if task is not None:
            await cancelled(task)

    async def _loop(self) -> None:
        while True:
            pause = await self._survive()
            await asyncio.sleep(pause)

    async def _survive(self) -> float:
        try:
            pause = await self._beat()
        except Exception as error:  # noqa: BLE001 - a background loop promises to outlive its errors
            pause = self._backoff.next()
            self._events.emit(LoopFailed(self.name, error, pause))
            return pause
        if self._backoff.failing:
            self._backoff.reset()
            self._events.emit(LoopRecovered(self.name))
        return pause
