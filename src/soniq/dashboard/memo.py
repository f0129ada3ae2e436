"""Answers that many ask for, made once: how long one is kept depends on what it cost to make."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

Answer = TypeVar("Answer")

_SHARE: Final = 0.005
_LONGEST: Final = 30.0
_MOST: Final = 200


class Memo:
    """Keeps answers for so long that making one kind takes at most half a
    percent of the time.

    What is made while somebody else asks for the same is made once.

    Args:
        clock: seconds, from anywhere on.

    Attributes:
        keeps: without it every answer is made afresh, as is right where there is little to count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.keeps = False
        self._clock = clock
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._making: dict[Hashable, asyncio.Task[Any]] = {}

    async def recall(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer under `key`, kept or made."""
        if not self.keeps:
            return await make()
        until, kept = self._kept.get(key, (0.0, None))
        if until > self._clock():
            answer: Answer = kept
            return answer
        task = self._making.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(self._made(key, make))
            self._making[key] = task
            task.add_done_callback(lambda done: self._over(key, done))
        # Whoever asked first may go; the others still wait.
        made: Answer = await asyncio.shield(task)
        return made

    def forget(self) -> None:
        """Something was changed: make every answer afresh, also those under way."""
        self._kept.clear()
        self._making.clear()

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        began = self._clock()
        answer = await make()
        now = self._clock()
        if self._making.get(key) is asyncio.current_task():
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = (now + min((now - began) / _SHARE, _LONGEST), answer)
        return answer

    def _over(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if self._making.get(key) is task:
            del self._making[key]
        if not task.cancelled():
            # Those who wait see it raised; without any it would be told as never looked at.
            task.exception()
