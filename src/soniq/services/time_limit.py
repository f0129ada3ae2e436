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
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            return await answer
    except TimeoutError as error:
        if limit.expired():
            raise TimeoutError(f"no end within {seconds:g} s (hook_timeout)") from error
        raise
