"""Waiting for what was promised, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class Breach(AssertionError):
    """A promise was not kept."""


async def until(condition: Callable[[], Any], what: str, *, patience: float = 60.0) -> None:
    """Wait until the coroutine function `condition` says yes.

    Raises:
        Breach: it did not, for so many seconds.
    """
    try:
        async with asyncio.timeout(patience):
            while not await condition():  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise Breach(f"no {what} within {patience:g} s") from None


async def broken(*questions: Callable[[], Awaitable[None]]) -> list[str]:
    """What those say that are answered with no: one breach does not hide the others."""
    told = []
    for question in questions:
        try:
            await question()
        except (Breach, TimeoutError) as error:
            told.append(str(error))
    return told
