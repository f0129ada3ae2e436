"""The slots of a worker: starts what waits when a slot is free, and frees it at the end."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator

from soniq.logs import running_job
from soniq.records import ClaimedJob, Outcome
from soniq.registry import JobDefinition, JobRegistry
from soniq.worker.buffer import Buffer, Buffered
from soniq.worker.executor import Executor
from soniq.worker.pace import AHEAD
from soniq.worker.quarantine import PROCESS
from soniq.worker.run import Run
from soniq.worker.threads import HandlerThreads

Over = Callable[[Run, Outcome | None, float], None]
"""Told of each run that is over: the run, its outcome and how many seconds it took."""


class Slots:
    """At most `concurrency` runs at a time.

    Args:
        over: told when a run is over, before the next one starts.
        unknown: told of a job nobody here has a handler for; it takes no slot.
    """

    def __init__(
        self,
        concurrency: int,
        registry: JobRegistry,
        buffer: Buffer,
        executor: Executor,
        threads: HandlerThreads,
        over: Over,
        unknown: Callable[[ClaimedJob], None],
    ) -> None:
        self.concurrency = concurrency
        self.running: dict[Run, None] = {}
        self.thread_line = Buffer()
        """Sync jobs that wait for a thread; they hold no slot."""
        self._registry = registry
        self._buffer = buffer
        self._executor = executor
        self._threads = threads
        self._over = over
        self._unknown = unknown
        self._suspect: ClaimedJob | None = None
        self._open = True
        self._loop = asyncio.get_running_loop()
        # Every run gets a copy of the context the worker was started in, and never another run's.
        self._context = contextvars.copy_context()

    @property
    def free(self) -> int:
        return self.concurrency - len(self.running)

    @property
    def room(self) -> int:
        """How many more jobs may come: who waits for a thread holds no slot, and yet is enough."""
        return max(0, min(self.free, self.concurrency - len(self.thread_line)))

    @property
    def crowded(self) -> bool:
        """Whether more jobs wait for a thread than may do so for long."""
        return len(self.thread_line) > self.concurrency

    def blocked(self) -> int:
        """Slots held by runs that take longer than the time looked ahead."""
        since = self._loop.time() - AHEAD
        count = 0
        for run in self.running:
            if run.started > since:
                break
            count += 1
        return count

    def waiting(self) -> Iterator[ClaimedJob]:
        """Jobs that are claimed and wait here for a slot or a thread."""
        for item in self.thread_line:
            yield item.job
        if self._suspect is not None:
            yield self._suspect
        for item in self._buffer:
            yield item.job

    def fill(self) -> None:
        """Start what can start now."""
        while self._open and len(self.running) < self.concurrency:
            if self._suspect is not None:
                self._start_suspect()
                continue
            item = None if PROCESS.closed else self._next()
            if item is None:
                return
            definition = self._registry.get(item.job.job_name)
            if definition is None:
                self._unknown(item.job)
            elif not definition.is_async and self._threads.free <= 0:
                self.thread_line.add([item.job], item.since)
            else:
                self._start(item.job, definition)

    def _next(self) -> Buffered | None:
        if self.thread_line and self._threads.free > 0:
            return self.thread_line.pop()
        return self._buffer.pop() if self._buffer else None

    def suspect(self, job: ClaimedJob) -> None:
        """Start this suspect before anything else."""
        self._suspect = job
        self.fill()

    def shut(self) -> list[ClaimedJob]:
        """Start nothing any more, and return what had not begun."""
        self._open = False
        jobs = self.thread_line.clear() + self._buffer.clear()
        if self._suspect is not None:
            jobs.append(self._suspect)
        self._suspect = None
        return jobs

    def remove(self, ids: set[str]) -> list[ClaimedJob]:
        """Take out jobs that have not begun, if they are here, and return them."""
        removed = self._buffer.remove(ids) + self.thread_line.remove(ids)
        if self._suspect is not None and self._suspect.id in ids:
            removed.append(self._suspect)
            self._suspect = None
        return removed

    def _start_suspect(self) -> None:
        job, self._suspect = self._suspect, None
        assert job is not None
        definition = self._registry.get(job.job_name)
        if definition is None:
            self._unknown(job)
        else:
            self._start(job, definition, suspect=True)

    def _start(self, job: ClaimedJob, definition: JobDefinition, suspect: bool = False) -> None:
        run = Run(job, definition, self._loop.time())
        run.suspect = suspect
        if not definition.is_async:
            self._threads.reserve()
            run.thread_reserved = True
        self.running[run] = None
        run.context = self._context.copy()
        run.task = self._loop.create_task(self._run(run), context=run.context)

    async def _run(self, run: Run) -> None:
        running_job.set(run.job)
        outcome = await self._executor.execute(run)
        if run.thread_reserved:
            self._threads.release()
        del self.running[run]
        self._over(run, outcome, self._loop.time() - run.started)
        self.fill()
