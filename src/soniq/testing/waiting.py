"""Waiting in a test for what other tasks, threads or processes bring about."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any


async def wait_until(
    predicate: Callable[[], Awaitable[Any] | Any],
    *,
    timeout: float = 2.0,
    poll: float = 0.01,
    message: str | None = None,
) -> None:
    """Return once `predicate` holds.

    ::

        await wait_until(lambda: sent == ["ann@example.com"], message="no mail was sent")

    Args:
        predicate: called again and again; what it returns is awaited if it can be.
        timeout: seconds to wait at most; a call that is still awaited then is cancelled.
        poll: seconds between two calls.
        message: what to say when the time is over.

    Raises:
        AssertionError: it does not hold within `timeout`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not await _holds(predicate, deadline):
        left = deadline - loop.time()
        if left <= 0:
            what = message or f"{_name(predicate)} did not come true"
            raise AssertionError(f"{what} (waited {timeout:g} seconds)")
        await asyncio.sleep(min(poll, left))


async def _holds(predicate: Callable[[], Any], deadline: float) -> bool:
    answer = predicate()
    if not inspect.isawaitable(answer):
        return bool(answer)
    limit = asyncio.timeout_at(deadline)
    try:
        async with limit:
            return bool(await answer)
    except TimeoutError:
        if not limit.expired():  # it is the predicate's own
            raise
    return False


def _name(predicate: Callable[[], Any]) -> str:
    return getattr(predicate, "__qualname__", repr(predicate))
