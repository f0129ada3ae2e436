"""Telling workers that there may be something to claim, on their own event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from soniq.backends.base import Wake


class Listener:
    """One worker's ear. Its methods are called under the store's lock, from any thread."""

    def __init__(self, queues: Collection[str] | None, wake: Wake) -> None:
        self._queues = queues
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._announced: int | None = None
        self._closed = False

    def announce(self, queue: str, priority: int) -> None:
        """Wake the worker soon, once for all that is announced until then."""
        if self._closed or (self._queues is not None and queue not in self._queues):
            return
        if self._announced is not None:
            self._announced = min(self._announced, priority)
            return
        self._announced = priority
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            # The worker's loop is gone, and the worker with it: nobody is left to be woken.
            self._closed = True

    def _deliver(self) -> None:
        # Cleared first: what is announced from here on calls for another wake-up.
        priority, self._announced = self._announced, None
        if not self._closed:
            self._wake(priority)

    def close(self) -> None:
        self._closed = True
