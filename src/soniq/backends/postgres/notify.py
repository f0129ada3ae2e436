"""Telling workers about new jobs, sparingly: every NOTIFY makes the commits of a database queue up.

A lane is not announced again within a few milliseconds. What was held back is told a moment later,
by the next statement that may tell or by a notification of its own, so the last job is never
left untold.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from soniq.backends.base import BackendError
from soniq.backends.postgres.lanes import LaneKey
from soniq.backends.postgres.wakeups import Arrival, earlier, unfinished_payload
from soniq.errors import SoniqError

_QUIET: Final = 0.004
_LATER: Final = 0.006
_REMEMBERED: Final = 1000

_log = logging.getLogger("soniq.postgres")


class Telling(NamedTuple):
    """What one insert tells, and what it leaves for later."""

    payload: str | None
    """The payload up to the time, None when there is nothing to tell now."""
    told: list[Arrival]
    later: list[Arrival]


class Notifier:
    """Decides which insert tells of which lanes.

    Args:
        send: sends one payload in a transaction of its own.
        schema: the schema whose tables are meant.
        origin: marks what this process sends.
        enabled: without it nothing is ever told.
    """

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        *,
        schema: str,
        origin: str,
        enabled: bool,
    ) -> None:
        self._send = send
        self._schema = schema
        self._origin = origin
        self.enabled = enabled
        self._told_at: dict[LaneKey, float] = {}
        self._pending: dict[LaneKey, Arrival] = {}
        self._task: asyncio.Task[None] | None = None
        self._telling = False

    def payload(self, arrived: Sequence[Arrival], *, ours: bool = True) -> str | None:
        """A payload up to the time; `ours` says that this process's workers know already."""
        if not self.enabled or not arrived:
            return None
        return unfinished_payload(self._schema, self._origin if ours else None, arrived)

    def begin(self, arrived: Sequence[Arrival]) -> Telling:
        """An insert of these arrivals sets out."""
        if not self.enabled:
            return Telling(None, [], [])
        now_at = asyncio.get_running_loop().time()
        quiet = [one for one in arrived if now_at - self._told_at.get(one.lane, 0.0) < _QUIET]
        told = [one for one in arrived if one not in quiet]
        if len(self._told_at) > _REMEMBERED:
            self._told_at.clear()
        self._told_at.update((one.lane, now_at) for one in told)
        whole = [earlier(self._pending.get(one.lane), one) for one in told]
        return Telling(self.payload(whole), whole, quiet)

    def stored(self, telling: Telling, now: datetime) -> None:
        """It has been stored at the database's time `now`."""
        for one in telling.told:
            held_back = self._pending.get(one.lane)
            if held_back is not None and earlier(held_back, one) == one:
                del self._pending[one.lane]
        for one in telling.later:
            due = one.resolved(now)
            # An explicit time from here on: `now` of the statement that tells will be another.
            timed = Arrival(one.lane, due.due if due.wait <= 0 else one.due, one.delay)
            self._pending[one.lane] = earlier(self._pending.get(one.lane), timed)
        if self._pending and self._task is None:
            self._task = asyncio.create_task(self._tell_later())

    async def _tell_later(self) -> None:
        try:
            # What an insert left untold while the rest was being told waits for another turn.
            while self._pending:
                await asyncio.sleep(_LATER)
                self._telling = True
                await self.flush()
                self._telling = False
        finally:
            self._task, self._telling = None, False

    async def flush(self) -> None:
        """Tell at once what was held back; what cannot be told is found by polling."""
        pending, self._pending = list(self._pending.values()), {}
        payload = self.payload(pending)
        if payload is None:
            return
        self._told_at.update(_all_at(pending, asyncio.get_running_loop().time()))
        try:
            await self._send(payload)
        except (BackendError, SoniqError) as error:
            _log.warning("Workers could not be notified and find new jobs by polling: %s", error)

    async def close(self) -> None:
        """Tell what was held back, and end."""
        task = self._task
        if task is not None:
            if not self._telling:
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.flush()


def _all_at(arrived: Iterable[Arrival], now_at: float) -> Iterable[tuple[LaneKey, float]]:
    return ((one.lane, now_at) for one in arrived)
