"""The probe: a small file shared between the measured process and the bench.

The handler writes it, the bench reads it while the handler runs. An argument says what its job is
for: up to ``TIMED`` it is counted, from there up to ``BEHIND`` the start of its handler is noted,
and beyond that the job only stands behind the measured ones.
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

TIMED = 5_000_000
BEHIND = 10_000_000
MOST_TIMED = 4_000

READY, GATE, CALLS, SUM, FIRST, TIMED_CALLS, OTHERS, STARTS = range(8)
SIZE = 8 * (STARTS + MOST_TIMED)


class Probe:
    """The numbers a measured process shares with the bench, in the file at ``path``.

    The file is made when it is missing. Times are nanoseconds of ``CLOCK_MONOTONIC``, which all
    processes of one machine share.
    """

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, SIZE)
            self.slots = memoryview(mmap.mmap(descriptor, SIZE)).cast("q")
        finally:
            os.close(descriptor)

    @property
    def ready(self) -> bool:
        return bool(self.slots[READY])

    @property
    def calls(self) -> int:
        return self.slots[CALLS]

    @property
    def argument_sum(self) -> int:
        return self.slots[SUM]

    @property
    def first_call(self) -> int:
        return self.slots[FIRST]

    @property
    def timed_calls(self) -> int:
        return self.slots[TIMED_CALLS]

    @property
    def other_calls(self) -> int:
        return self.slots[OTHERS]

    def started_at(self, number: int) -> int:
        """When the handler of the timed job ``number`` began, 0 if it has not."""
        return self.slots[STARTS + number]

    def open_gate(self) -> None:
        self.slots[GATE] = 1

    def wait_for_gate(self) -> None:
        """Say that everything is imported, then wait until the bench lets this process go."""
        self.slots[READY] = 1
        while not self.slots[GATE]:
            time.sleep(0.001)

    def hit(self, x: int) -> None:
        """What every handler does, and all it does."""
        now = time.monotonic_ns()
        slots = self.slots
        if x < TIMED:
            slots[CALLS] += 1
            slots[SUM] += x
            if not slots[FIRST]:
                slots[FIRST] = now
        elif x < BEHIND:
            slots[STARTS + x - TIMED] = now
            slots[TIMED_CALLS] += 1
        else:
            slots[OTHERS] += 1
