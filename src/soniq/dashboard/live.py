"""What has changed, told to every open page: one poller a process, and none while nobody looks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic_core import to_json

from soniq.backends.base import BackendError
from soniq.dashboard.figures import Stats
from soniq.errors import SoniqError

MOST_LISTENERS: Final = 100
KEEP_ALIVE: Final = 15.0
_PACE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_GLANCE: Final = 0.25
# Of the time at most this share is spent looking.
_SHARE: Final = 0.1

_log = logging.getLogger("soniq.dashboard")


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to see now; another `mark` means that something has changed."""

    mark: Any
    stats: Stats


class Live:
    """Looks for changes while somebody listens.

    Args:
        look: looks once, given what was seen the last time.
        is_over: whether streams are to end because of something that does not call `close`.
        pace: seconds between two looks, at least.
        keep_alive: seconds after which a stream says that it still stands.
    """

    def __init__(
        self,
        look: Callable[[Look | None], Awaitable[Look]],
        *,
        is_over: Callable[[], bool] = lambda: False,
        pace: float = _PACE,
        keep_alive: float = KEEP_ALIVE,
    ) -> None:
        self._look = look
        self._is_over = is_over
        self._pace = pace
        self._keep_alive = keep_alive
        self._listeners = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._seen: Look | None = None
        self._revision = 0
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether nobody else may listen."""
        return self._ends or self._listeners >= MOST_LISTENERS

    @property
    def _ends(self) -> bool:
        return self._closed or self._is_over()

    def reopen(self) -> None:
        """Take listeners again after `close`."""
        self._closed = False

    async def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._tell()
        if tasks := self._cancel():
            await asyncio.wait(tasks)

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """The stream of one listener: what is so now, then what has changed."""
        self._arrive()
        try:
            told = 0
            yield b"retry: 2000\n\n"
            while not self._ends:
                news = self._news
                if self._revision > told and self._seen is not None:
                    told = self._revision
                    yield _event(told, self._seen.stats)
                    continue
                try:
                    await asyncio.wait_for(news.wait(), self._keep_alive)
                except TimeoutError:
                    yield b": keep-alive\n\n"
        finally:
            self._leave()

    def _arrive(self) -> None:
        self._listeners += 1
        if not self._tasks:
            # What was seen before nobody looked may be long over.
            self._seen = None
            self._tasks = [
                asyncio.create_task(each, name="soniq-dashboard-live")
                for each in (self._poll(), self._watch())
            ]

    def _leave(self) -> None:
        # Nothing is awaited: whoever listened may be cancelled again and again.
        self._listeners -= 1
        if self._listeners == 0:
            self._cancel()

    def _cancel(self) -> list[asyncio.Task[None]]:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        return tasks

    async def _watch(self) -> None:
        """Wake the streams once they are to end."""
        while True:
            if self._ends:
                self._tell()
            await asyncio.sleep(_GLANCE)

    async def _poll(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                await self._notice()
            except (SoniqError, BackendError) as error:
                _log.warning("The dashboard could not look for changes: %s", error)
                await asyncio.sleep(self._pace * 5)
                continue
            cost = time.monotonic() - begun
            await asyncio.sleep(min(max(self._pace, cost / _SHARE), _LONGEST_PAUSE))

    async def _notice(self) -> None:
        seen = await self._look(self._seen)
        if self._seen is None or seen.mark != self._seen.mark:
            self._revision += 1
            self._seen = seen
            self._tell()
        else:
            self._seen = seen

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _event(revision: int, stats: Stats) -> bytes:
    data = to_json({"revision": revision, "stats": asdict(stats)})
    return b"event: changed\nid: %d\ndata: %s\n\n" % (revision, data)
