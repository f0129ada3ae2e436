"""Timeouts of running jobs, with one timer for all of them.

Runs with the same timeout fall due in the order they began, so each distinct timeout keeps its runs
in a dict, oldest first: adding and removing cost one dict operation, and a run that ends in time,
which is nearly every one, never touches a timer.
"""

from __future__ import annotations

import asyncio

from soniq.worker.run import Interruption, Run

INSIST_EVERY = 10.0
"""Seconds a cancelled handler gets to clean up before it is cancelled again."""


class Deadlines:
    """Interrupts runs that take longer than they may."""

    def __init__(self) -> None:
        self._by_timeout: dict[float, dict[Run, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def add(self, run: Run, timeout: float, now: float) -> None:
        """Interrupt `run` `timeout` seconds after `now` unless it is removed before."""
        runs = self._by_timeout.get(timeout)
        if runs is None:
            runs = self._by_timeout[timeout] = {}
        runs[run] = due = now + timeout
        if len(runs) == 1:
            self._arm(due)

    def remove(self, run: Run, timeout: float) -> None:
        self._by_timeout[timeout].pop(run, None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due: float) -> None:
        if self._timer is None or due < self._timer.when():
            self.close()
            self._timer = self._loop.call_at(due, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time()
        for runs in self._by_timeout.values():
            while runs:
                run, due = next(iter(runs.items()))
                if due > now:
                    self._arm(due)
                    break
                del runs[run]
                insist(run, Interruption.TIMEOUT)


def insist(run: Run, why: Interruption) -> None:
    """Interrupt `run`, again and again until it ends: a handler may swallow a cancellation."""
    if run.task is None or run.task.done():
        return
    run.interrupt(why)
    asyncio.get_running_loop().call_later(INSIST_EVERY, insist, run, why)
