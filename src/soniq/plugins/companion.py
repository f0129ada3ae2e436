"""What a plugin does beside a worker: its `run`, begun again when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from soniq.events import Events, PluginFailed
from soniq.services.service import Backoff

LONGEST_PAUSE: Final = 30.0
_STEADY: Final = 60.0
"""Seconds after which a `run` that breaks had worked before."""


class Companion:
    """Keeps one `run` going.

    Args:
        name: the plugin's identifier.
        run: one life of it.
        limit: seconds it has to end when it is cancelled.
        events: told each time it breaks.
    """

    def __init__(
        self, name: str, run: Callable[[], Awaitable[None]], limit: float, events: Events
    ) -> None:
        self._name = name
        self._run = run
        self._limit = limit
        self._events = events
        self._backoff = Backoff(LONGEST_PAUSE)
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_going(), name=f"soniq-plugin-{self._name}")

    async def stop(self) -> None:
        """Cancel it, and wait for its end; one that does not end in time is left behind."""
        task, self._task = self._task, None
        self._stopping = True
        if task is None:
            return
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=self._limit)
        if not done:
            problem = TimeoutError(f"it was cancelled and has not ended within {self._limit:g} s")
            self._events.emit(PluginFailed(self._name, "run", problem))

    async def _keep_going(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._run()
            except GeneratorExit:
                raise  # the loop is being torn down: nothing may be awaited any more
            except BaseException as error:  # noqa: BLE001 - whatever it raises, the worker goes on
                if self._was_stopped(error):
                    return
                if loop.time() - began >= _STEADY:
                    self._backoff.reset()
                await self._pause(error)
            else:
                return

    def _was_stopped(self, error: BaseException) -> bool:
        if self._stopping and not isinstance(error, asyncio.CancelledError):
            self._events.emit(PluginFailed(self._name, "run", error))
        return self._stopping

    async def _pause(self, error: BaseException) -> None:
        pause = self._backoff.next()
        self._events.emit(PluginFailed(self._name, "run", error, pause))
        await asyncio.sleep(pause)
