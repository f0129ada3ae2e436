"""A connection with a thread of its own, for callers on an event loop.

The standard library's driver and not aiosqlite's: there every statement is a trip to the thread
and back (about 0.1 ms), here a whole transaction is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from soniq.backends.base import Unavailable
from soniq.backends.sqlite.database import PATIENCE, Database
from soniq.backends.sqlite.failures import translated
from soniq.backends.sqlite.times import Clock
from soniq.backends.sqlite.turn import Call, Turn

T = TypeVar("T")


class Connection:
    """Runs functions over one `Database`, one at a time, in one thread.

    Opened by its first use, and again by the next after a failure of the file or the machine.

    Args:
        path: the file.
        clock: what time it is.
        turn: the process's turn to write on that file.
        label: what the thread is called.
        for_show: see `Database`.
    """

    def __init__(
        self, path: str, clock: Clock, turn: Turn, label: str, *, for_show: bool = False
    ) -> None:
        self._path = path
        self._clock = clock
        self._turn = turn
        self._for_show = for_show
        self._database: Database | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"soniq-sqlite-{label}")

    async def run(self, work: Callable[[Database], T], *, patience: float = PATIENCE) -> T:
        """Return `work(database)`, run in the thread.

        Args:
            work: one transaction or read; it must leave no transaction open.
            patience: seconds to wait for locks.

        Raises:
            BackendError: what SQLite raised, in the words of the protocol.
        """
        if self._closed:
            raise Unavailable(f"The connection to SQLite file {self._path} has been closed")
        call = Call()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._call, work, call, patience)
        finally:
            # Only a caller that was cancelled leaves before its call has ended.
            call.abandoned = True

    def _call(self, work: Callable[[Database], T], call: Call, patience: float) -> T:
        try:
            if self._database is None:
                self._database = Database(
                    self._path, self._clock, self._turn, for_show=self._for_show
                )
            self._database.call, self._database.patience = call, patience
            return work(self._database)
        except Exception as error:
            known = translated(error, self._path)
            if isinstance(known, Unavailable):
                # Nobody can say what state it is in, perhaps in the midst of a transaction.
                self._close()
            if known is not None:
                raise known from error
            raise

    async def close(self) -> None:
        """End the thread and its connection. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        # An interpreter that is ending has ended the thread: then the process' end closes the file.
        with suppress(RuntimeError):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()
