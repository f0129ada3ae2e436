"""What makes the n-th statement of an operation fail."""

from __future__ import annotations

import threading
from enum import Enum


class Moment(Enum):
    """When a statement fails: the store has not seen it, or has done it and could not say so."""

    BEFORE = "before"
    AFTER = "after"


class Fuse:
    """Counts statements once it is set, and blows at one of them and those that follow.

    It is used from the event loop and from the threads of SQLite connections.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
        self._width = 0
        self.moment = Moment.BEFORE
        self.blown = False

    def set(self, at: int, moment: Moment, width: int = 1) -> None:
        """Blow at the statement with the number `at` (from 1) and the `width` - 1 after it."""
        with self._lock:
            self._left, self._width = at, width
            self.moment = moment
            self.blown = False

    def remove(self) -> bool:
        """Let everything pass again; whether it has blown."""
        with self._lock:
            self._left = self._width = 0
            return self.blown

    def burns(self) -> bool:
        """Count a statement; whether it is to fail."""
        with self._lock:
            if not self._width:
                return False
            self._left -= 1
            if self._left > 0:
                return False
            self._width -= 1
            self.blown = True
            return True


class Fatal(Fuse):
    """Lets nothing pass any more once it has blown: who is cut off then stays cut off."""

    def burns(self) -> bool:
        if self.blown:
            self.moment = Moment.BEFORE
            return True
        return super().burns()
