"""One run of one job in this worker, from its start to the moment its end is stored."""

from __future__ import annotations

import asyncio
import contextvars
from enum import Enum
from typing import Any

from soniq.job import JobContext, StopFlag
from soniq.records import ClaimedJob
from soniq.registry import JobDefinition


class Interruption(Enum):
    """Why a run was ended from outside."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LOST = "lost"
    SHUTDOWN = "shutdown"


class Run:
    """A job that has begun. `interruption` is set before its task is cancelled, never unset."""

    __slots__ = (
        "context",
        "ctx",
        "definition",
        "error",
        "flag",
        "interruptible",
        "interruption",
        "job",
        "result",
        "started",
        "suspect",
        "task",
        "thread_reserved",
    )

    def __init__(self, job: ClaimedJob, definition: JobDefinition, started: float) -> None:
        self.job = job
        self.definition = definition
        self.started = started
        self.flag: StopFlag | None = None
        self.interruption: Interruption | None = None
        self.task: asyncio.Task[None] | None = None
        self.ctx: JobContext | None = None
        self.context: contextvars.Context | None = None
        self.error: BaseException | None = None
        self.result: Any = None
        self.interruptible = False
        self.thread_reserved = False
        self.suspect = False

    @property
    def interrupted(self) -> bool:
        """Whether it is to end, or to go no further."""
        return self.interruption is not None

    def interrupt(self, why: Interruption) -> None:
        """End the run for this reason, unless another came first; may be called again to insist."""
        if self.interruption is None:
            self.interruption = why
        self.warn()
        # Only the handler is ever cancelled: not what comes before it, or its slot would never be
        # freed, nor the hooks and reports after it.
        if self.task is not None and self.interruptible:
            self.task.cancel()

    def warn(self) -> None:
        """Let the handler know that its run has lost its point."""
        # The handler may not have its context yet: it gets this flag with it.
        if self.flag is None:
            self.flag = StopFlag()
        self.flag.raised = True
