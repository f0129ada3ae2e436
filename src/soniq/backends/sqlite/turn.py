"""Whose turn it is to write: one connection of a process at a time, and others' processes too."""

from __future__ import annotations

import threading
import time
from typing import Final

_PAUSE: Final = 0.0005
_LOOK: Final = 0.05


class Call:
    """One call from the event loop into a connection's thread."""

    __slots__ = ("abandoned",)

    def __init__(self) -> None:
        self.abandoned = False
        """Its caller was cancelled: nothing more should be waited for or committed."""


class Turn:
    """The write turn of one process on one file.

    Connections of the same process hand it on at once, where SQLite would have them poll for its
    lock. While others are around, a process that has written lets them go first for a moment:
    SQLite's lock knows no queue, and the busiest would starve the rest.
    """

    def __init__(self) -> None:
        self.crowded = False
        """Whether other workers are registered on the file."""
        self._lock = threading.Lock()
        self._free_from = 0.0

    def take(self, deadline: float, call: Call) -> bool:
        """Wait for the turn until `deadline` (monotonic seconds); whether it was granted."""
        while not self._lock.acquire(timeout=min(_LOOK, max(0.0, deadline - time.monotonic()))):
            if call.abandoned or time.monotonic() >= deadline:
                return False
        pause = self._free_from - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        return True

    def give_back(self) -> None:
        if self.crowded:
            self._free_from = time.monotonic() + _PAUSE
        self._lock.release()
