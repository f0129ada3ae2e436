"""What attends a worker, as the pipeline sees it. Its methods outlive whatever plugins do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from soniq.events import Events
from soniq.job import JobMetrics
from soniq.records import Outcome
from soniq.services.leader import Leadership
from soniq.worker.acker import Ended
from soniq.worker.run import Run


class Attendance(Protocol):
    """The plugins of one worker, under one id.

    What is None nobody asked for: then the pipeline makes no call at all.
    """

    @property
    def metrics(self) -> JobMetrics:
        """What handlers record their own numbers with."""
        ...

    @property
    def starting(self) -> Callable[[Run], Awaitable[BaseException | None]] | None:
        """Called before the handler; what it gives is the failure of the attempt."""
        ...

    @property
    def completed(self) -> Callable[[Run, Outcome, float], Awaitable[Outcome]] | None:
        """Called with outcome and seconds of a run; gives the outcome to store."""
        ...

    @property
    def updated(self) -> Callable[[Sequence[Ended]], None] | None:
        """Told of runs whose ends are stored."""
        ...

    @property
    def cleanup(self) -> Callable[[], Awaitable[int]] | None:
        """Removes what is past its age; how many rows went."""
        ...

    async def begin(self) -> None:
        """The worker has joined and claims nothing yet."""
        ...

    async def end(self) -> None:
        """The worker has drained, and has not left."""
        ...


Attend = Callable[[str, tuple[str, ...] | None, int, Leadership, Events], Attendance]
"""Attends a worker: its id, the queues it serves, jobs at a time, its standing, its events."""
