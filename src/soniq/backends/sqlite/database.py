"""A SQLite connection as the functions of this backend use it, in the thread that owns it."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from soniq.backends.base import Contended
from soniq.backends.sqlite.failures import is_busy
from soniq.backends.sqlite.statements import SQL
from soniq.backends.sqlite.times import Clock
from soniq.backends.sqlite.turn import Call, Turn
from soniq.globs import matches

PATIENCE: Final = 30.0
"""Seconds to wait for somebody else's lock."""
WAL_LIMIT: Final = 64 * 1024 * 1024
"""Bytes above which the write-ahead log is truncated."""
_CHECKPOINT_PAGES: Final = 4000
_RETRY: Final = (0.0002, 0.001)

# FULL: every commit is on the disk before it returns, so an accepted job survives a power cut.
# No busy timeout: SQLite's own waiting backs off so far that writers starve; see `_patiently`.
_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 0",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit = {WAL_LIMIT}",
    "PRAGMA cache_size = -16384",
    "PRAGMA temp_store = MEMORY",
)


class Database:
    """One connection. All its methods block; `Connection` calls them in a thread of its own.

    Args:
        path: the file.
        clock: what time it is.
        turn: the process's turn to write on that file.
        for_show: gives a text that somebody has edited into none as good as it can be read.
    """

    def __init__(self, path: str, clock: Clock, turn: Turn, *, for_show: bool = False) -> None:
        self.path = path
        self.clock = clock
        self.call = Call()
        self.patience = PATIENCE
        self._turn = turn
        self._wal = Path(f"{path}-wal")
        self._sqlite = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=128
        )
        self._as_text = partial(bytes.decode, errors="replace") if for_show else str
        self._sqlite.text_factory = self._as_text
        self._sqlite.create_function("soniq_matches", 2, matches, deterministic=True)
        for pragma in _PRAGMAS:
            self.execute(pragma)

    def close(self) -> None:
        self._sqlite.close()

    # --- statements ----------------------------------------------------------------------------

    def execute(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> sqlite3.Cursor:
        """Run one statement; outside a transaction it waits for locks, and calls `waiting` then."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self._sqlite.execute(sql, parameters or {})
            except sqlite3.OperationalError as error:
                if not is_busy(error) or self._sqlite.in_transaction:
                    raise
                if waiting is not None:
                    waiting()
                self._wait_a_moment(deadline, error)

    def _wait_a_moment(self, deadline: float, error: sqlite3.OperationalError) -> None:
        if self.call.abandoned or time.monotonic() >= deadline:
            raise error
        time.sleep(random.uniform(*_RETRY))

    def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the statement of that name: none is left to be read by a later call."""
        return self.execute(SQL[name], parameters).fetchall()

    def raw(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, any text as the bytes it is stored as, whether or not it is text."""
        self._sqlite.text_factory = bytes
        try:
            yield from self.execute(sql)
        finally:
            self._sqlite.text_factory = self._as_text

    def value(self, name: str, /, **parameters: Any) -> Any:
        """The first column of the first row, None without one."""
        rows = self.rows(name, **parameters)
        return rows[0][0] if rows else None

    def json(self, name: str, /, **parameters: Any) -> Any:
        """The JSON that the statement gives as its only value.

        One row instead of many: every row fetched gives up Python's global lock once, and beside
        a busy event loop takes milliseconds to get it back.
        """
        return from_json(self.value(name, **parameters))

    def change(self, name: str, /, **parameters: Any) -> int:
        """The number of rows that the statement changed."""
        return self.execute(SQL[name], parameters).rowcount

    def change_many(self, name: str, parameters: Iterable[tuple[Any, ...]]) -> int:
        """The number of rows that the statement changed, run once for each of `parameters`."""
        before = self._sqlite.total_changes
        self._sqlite.executemany(SQL[name], parameters)
        return self._sqlite.total_changes - before

    def record(self, sql: str, values: tuple[Any, ...]) -> None:
        self._sqlite.execute(sql, values)

    # --- transactions --------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[datetime]:
        """A write transaction; gives the time, read once the lock was held.

        A caller who was cancelled meanwhile gets it rolled back.

        Raises:
            Contended: the lock was not granted in time.
        """
        if not self._turn.take(time.monotonic() + self.patience, self.call):
            raise Contended(f"SQLite file {self.path} was not free for writing in time")
        try:
            self._begin()
            try:
                yield self.clock()
                if self.call.abandoned:
                    raise Contended("The caller has gone")
                self._sqlite.execute("COMMIT")
            finally:
                if self._sqlite.in_transaction:
                    self._sqlite.execute("ROLLBACK")
        finally:
            self._turn.give_back()
        self._keep_log_short()

    def _begin(self) -> None:
        try:
            self.execute("BEGIN IMMEDIATE", waiting=self._turn.wait)
        finally:
            self._turn.begun()

    def _keep_log_short(self) -> None:
        """Truncate a log that a long read or a huge transaction let grow, or let the next try."""
        try:
            if self._wal.stat().st_size > WAL_LIMIT:
                self._sqlite.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except FileNotFoundError:
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
