"""Awaiting what users wrote, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(seconds: float, answer: Awaitable[T]) -> T:
    """Return what `answer` gives.

    Raises:
        TimeoutError: it took longer than `seconds`, the setting `hook_timeout`; it was cancelled.
        RuntimeError: it ended as cancelled, and nobody had cancelled whoever awaits it.
    """
    task = asyncio.current_task()
    cancellations = 0 if task is None else task.cancelling()
    try:
        async with asyncio.timeout(seconds) as limit:
            return await answer
    except TimeoutError as error:
        if limit.expired():
            raise TimeoutError(f"no end within {seconds:g} s (hook_timeout)") from error
        raise
    except asyncio.CancelledError as error:
        # As from awaiting a task of one's own that one has cancelled. It is no word to our task,
        # which would end by it in the midst of what it has to do for others.
        if task is None or task.cancelling() > cancellations:
            raise
        raise RuntimeError("it ended as cancelled, and nobody had cancelled it") from error
