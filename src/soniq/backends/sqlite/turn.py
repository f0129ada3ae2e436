"""Whose turn it is to write: one connection of a process at a time, and other processes too."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from pathlib import Path
from typing import Final

_LOOK: Final = 0.05
_YIELD: Final = 0.002
_YIELD_STEP: Final = 0.0002
_JUST_NOW: Final = 0.01
_log = logging.getLogger("soniq.backends.sqlite")


class Call:
    """One call from the event loop into a connection's thread."""

    __slots__ = ("abandoned",)

    def __init__(self) -> None:
        self.abandoned = False
        """Its caller was cancelled: nothing more should be waited for or committed."""


class Turn:
    """The write turn of one process on one file.

    Connections of the same process hand it on at once, where SQLite would have them poll for its
    lock. Among processes SQLite's lock knows no queue, and the busiest would starve the rest: so
    whoever waits for it says so, by a shared lock on a file beside the database, and who has just
    written lets those go first.

    Args:
        file: the file to lock; it is created when first needed, its folder too.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._waiting = False
        self._wrote_at = -1.0

    def close(self) -> None:
        """Give the file back. It may be used again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def take(self, deadline: float, call: Call) -> bool:
        """Wait for the turn until `deadline` (monotonic seconds); whether it was granted."""
        while not self._lock.acquire(timeout=min(_LOOK, max(0.0, deadline - time.monotonic()))):
            if call.abandoned or time.monotonic() >= deadline:
                return False
        if time.monotonic() - self._wrote_at < _JUST_NOW:
            self._let_others_go_first()
        return True

    def wait(self) -> None:
        """Say that this process, whose turn it is, finds the file locked."""
        if not self._waiting:
            self._waiting = self._try(fcntl.LOCK_SH)

    def begun(self) -> None:
        """The file's lock has been granted, or the attempt given up."""
        if self._waiting:
            self._waiting = False
            self._try(fcntl.LOCK_UN)

    def give_back(self) -> None:
        """The transaction is over."""
        self._wrote_at = time.monotonic()
        self._lock.release()

    def _let_others_go_first(self) -> None:
        deadline = time.monotonic() + _YIELD
        while self._somebody_waits() and time.monotonic() < deadline:
            time.sleep(_YIELD_STEP)

    def _somebody_waits(self) -> bool:
        if not self._try(fcntl.LOCK_EX):
            return True
        self._try(fcntl.LOCK_UN)
        return False

    def _try(self, operation: int) -> bool:
        try:
            if self._descriptor is None:
                self._file.parent.mkdir(exist_ok=True)
                self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # Courtesy, not safety: without the file there is only SQLite's own lock.
            _log.debug("No courtesy among writers: %s", error)
        return True
