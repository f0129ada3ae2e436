"""The store's time, as a process knows it between two answers of the store."""

from __future__ import annotations

import time
from typing import Final

_TOLERATED: Final = 1.0


class StoreClock:
    """Tells the store's time in seconds since the epoch; the local clock's, before it has answered.

    A difference of up to a second is left alone: it is mostly the way of the answer.
    """

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def local(self) -> float:
        """This machine's time."""
        return time.time()

    def learn(self, told: float, asked: float) -> None:
        """Take over the store's time.

        Args:
            told: what the store said.
            asked: the local time at which it was asked.
        """
        ahead = told - (asked + time.time()) / 2
        self._ahead = ahead if abs(ahead) > _TOLERATED else 0.0
