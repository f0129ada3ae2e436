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
        timeout: seconds to wait at most.
        poll: seconds between two calls.
        message: what to say when the time is over.

    Raises:
        AssertionError: it does not hold within `timeout`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not await _holds(predicate):
        if loop.time() >= deadline:
            what = message or f"{_name(predicate)} did not come true"
            raise AssertionError(f"{what} (waited {timeout:g} seconds)")
        await asyncio.sleep(poll)


async def _holds(predicate: Callable[[], Any]) -> bool:
    answer = predicate()
    return bool(await answer if inspect.isawaitable(answer) else answer)


def _name(predicate: Callable[[], Any]) -> str:
    return getattr(predicate, "__qualname__", repr(predicate))
