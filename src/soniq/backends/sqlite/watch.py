"""Noticing that other connections have written: the wake-up of this backend."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Collection
from typing import Final

from soniq.backends.base import BackendError, Wake
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.failures import translated
from soniq.backends.sqlite.lanes import MANY_LANES, look, rest_after, text_of
from soniq.backends.sqlite.times import Clock, stamp
from soniq.backends.sqlite.turn import Turn

_EVERY: Final = 0.003
_EVERY_WHEN_BUSY: Final = 0.02
_AFTER_FAILURE: Final = 1.0
_log = logging.getLogger("soniq.backends.sqlite")


class Watch:
    """Looks at ``PRAGMA data_version`` every few milliseconds, in a thread of its own.

    It changes with the commits of every other connection, this process's included. Only then the
    lanes are looked at, and the worker is woken if something is due or will be sooner than thought.

    Args:
        path: the file.
        clock: what time it is.
        turn: the process's turn to write, of which a watch makes no use.
        queues: those the worker serves, None for all.
        wake: called on the event loop on which the watch was made.
    """

    def __init__(
        self, path: str, clock: Clock, turn: Turn, queues: Collection[str] | None, wake: Wake
    ) -> None:
        self.busy = False
        """The worker has work enough and need not be told within milliseconds."""
        self._path = path
        self._clock = clock
        self._turn = turn
        self._queues = queues
        self._served = None if queues is None else text_of(queues)
        self._told: str | None = None
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._version: int | None = None
        self._thread = threading.Thread(target=self._run, name="soniq-sqlite-watch", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End the thread. Safe to call twice."""
        self._stop.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                database = Database(self._path, self._clock, self._turn)
                try:
                    self._watch(database)
                finally:
                    database.close()
            except Exception as error:  # noqa: BLE001 - tried again for as long as the worker lives
                known = isinstance(error, BackendError) or translated(error, self._path)
                _log.warning(
                    "Cannot watch SQLite file %s, polling goes on: %s",
                    self._path,
                    error,
                    exc_info=None if known else error,
                )
                self._stop.wait(_AFTER_FAILURE)

    def _watch(self, database: Database) -> None:
        while not self._stop.wait(_EVERY_WHEN_BUSY if self.busy else _EVERY):
            version = database.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._version = version
                begun = time.monotonic()
                if self._look(database) >= MANY_LANES:
                    self._stop.wait(rest_after(begun))

    def _look(self, database: Database) -> int:
        """Tell the worker what there is; the number of lanes."""
        lanes = look(database, self._queues)
        suspect: str | None = database.value("suspect_due", queues=self._served, without="[]")
        soonest = min([lane.due for lane in lanes] + ([suspect] if suspect else []), default=None)
        now = stamp(self._clock())
        if soonest is not None and (soonest <= now or soonest != self._told):
            self._tell(min((lane.priority for lane in lanes if lane.due <= now), default=None))
        self._told = soonest
        return len(lanes)

    def _tell(self, priority: int | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake, priority)
        except RuntimeError:
            # The loop has been closed without leaving: there is nobody left to tell.
            self._stop.set()
