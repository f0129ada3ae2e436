"""Calling hooks: one after another, within their time, and never to the harm of the run."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence

from soniq.events import Events, HookFailed, HookSlow
from soniq.hooks import Call, HookEvent, Moment
from soniq.services.time_limit import within

SLOW = 1.0
"""Seconds that a sync hook may hold up the event loop before it is told of."""


class HookCalls:
    """Calls hooks of one application.

    Args:
        limit: seconds that an async hook may take.
        events: told of hooks that fail or are slow.
    """

    def __init__(self, limit: float, events: Events) -> None:
        self._limit = limit
        self._events = events

    async def call(self, event: HookEvent, calls: Sequence[Call], moment: Moment) -> None:
        """Call each in turn; what it raises is told, and changes nothing."""
        for call in calls:
            try:
                await self._one(event, call, moment)
            except GeneratorExit:
                raise  # the loop is being torn down: nothing may be awaited any more
            except BaseException as error:  # noqa: BLE001 - a hook never harms a run
                self._events.emit(HookFailed(event, error))

    async def _one(self, event: HookEvent, call: Call, moment: Moment) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer = call(moment)
        took = loop.time() - began
        if took > SLOW:
            self._events.emit(HookSlow(event, took))
        if inspect.isawaitable(answer):
            await within(self._limit, answer)
