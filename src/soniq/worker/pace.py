"""How much to claim ahead: by time, not by count.

Short jobs are claimed ahead so that one round trip serves many; long ones are not, so that they do
not wait behind a busy worker while another is idle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

AHEAD = 0.05
"""Seconds of work to hold ready."""
MOST = 1000
"""Jobs in one claim, at most."""
READY = 2 * MOST
"""Jobs that wait for a slot, at most."""
STATEMENT_BYTES = 4 * 1024 * 1024
WEIGHT = 0.2
"""Of the newest observation in a moving average."""


class Pace:
    """Watches how long jobs take, and says how many to hold ready.

    Args:
        concurrency: slots of the worker.
        prefetch: jobs to claim beyond the free slots, or ``"auto"``.
    """

    def __init__(self, concurrency: int, prefetch: int | Literal["auto"]) -> None:
        self._concurrency = concurrency
        self._prefetch = prefetch
        self._seconds: dict[str, float] = {}
        self._recent: float | None = None
        self._bytes = 1.0
        self.low_water = 0
        """With so many jobs ready it is time for another claim."""

    def ended(self, name: str, seconds: float) -> None:
        """A run of `name` took so many seconds."""
        known = self._seconds.get(name)
        self._seconds[name] = seconds if known is None else known + WEIGHT * (seconds - known)
        recent = self._recent
        self._recent = seconds if recent is None else recent + WEIGHT * (seconds - recent)

    def claimed(self, sizes: Iterable[int]) -> None:
        """A claim brought arguments of these sizes, in bytes."""
        for size in sizes:
            self._bytes += WEIGHT * (size - self._bytes)

    def appetite(self, free: int, waiting: Iterable[str], blocked: int) -> int:
        """How many jobs to claim now.

        None at all before half of what should be ready has been used up: a claim costs much the
        same for ten jobs as for a hundred.

        Args:
            free: slots that nothing fills.
            waiting: names of the jobs that already wait for a slot.
            blocked: slots held by runs that take longer than the time looked ahead.
        """
        names = Counter(waiting)
        ready = names.total()
        if self._prefetch == "auto":
            wanted = free + self._ahead(names, self._concurrency - blocked)
        else:
            # While every slot is held for long, what is claimed ahead only goes back again.
            ahead = self._prefetch if blocked < self._concurrency else 0
            wanted = free + ahead - ready
        wanted = min(wanted, READY - ready)
        self.low_water = (wanted + ready) // 2
        if ready > self.low_water:
            return 0
        return max(0, min(wanted, MOST, max(1, int(STATEMENT_BYTES / self._bytes))))

    def _ahead(self, names: Counter[str], slots: int) -> int:
        """Jobs that `slots` will start within the time looked ahead, after those that wait."""
        if self._recent is None or slots <= 0:
            return 0
        work = 0.0
        for name, count in names.items():
            seconds = self._seconds.get(name)
            if seconds is None:
                return 0
            work += seconds * count
        return max(0, int((AHEAD * slots - work) / max(self._recent, 1e-6)))
