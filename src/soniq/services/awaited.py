"""The jobs that somebody in this process waits for.

A worker beside the waiter tells it that its job has ended; where nobody waits, that costs a worker
one look at an empty dict for each batch of ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[], None]
"""Called in any thread; must return at once."""


class Awaited:
    """Whom to tell of which job's end. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, list[Tell]] = {}

    def __bool__(self) -> bool:
        """Whether anybody waits at all."""
        return bool(self._told)

    @contextmanager
    def telling(self, job_id: str, tell: Tell) -> Iterator[None]:
        """Have `tell` called when the job ends, for as long as the block lasts."""
        with self._lock:
            self._told.setdefault(job_id, []).append(tell)
        try:
            yield
        finally:
            with self._lock:
                told = self._told[job_id]
                told.remove(tell)
                if not told:
                    del self._told[job_id]

    def ended(self, job_id: str) -> None:
        """The job's end is stored."""
        if job_id not in self._told:
            return
        with self._lock:
            told = list(self._told.get(job_id, ()))
        for tell in told:
            tell()
