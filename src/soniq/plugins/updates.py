"""Telling plugins of stored ends, beside the pipeline.

Each plugin has a line and one task that awaits its calls one after another: a call that never
suspends costs a coroutine and no task, no timer and no switch, so that thousands a second are
cheap, and one that hangs holds up no other plugin. A single timer watches the line, for only a call
that has suspended can hang.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from soniq.events import Events, PluginBehind, PluginFailed
from soniq.plugins.overriding import overriding
from soniq.plugins.plugin import Plugin
from soniq.plugins.run_calls import epoch
from soniq.plugins.views import PluginJob, PluginWorker
from soniq.records import Released
from soniq.services.service import cancelled
from soniq.worker.acker import Ended

ONE: Final = "on_job_updated"
TOGETHER: Final = "on_jobs_updated"
BACKLOG: Final = 10_000
BACKLOG_BYTES: Final = 16 * 1024 * 1024
"""Updates that may wait for one plugin; further ones are lost to it, and that is told."""
_TOLD_EVERY: Final = 10.0
_AT_A_STRETCH: Final = 100
"""Calls after which other tasks get a turn."""
_LOOKS: Final = 4
"""Looks at a call before it counts as hanging: to note its beginning would cost each call."""


def wants_updates(plugin: Plugin) -> bool:
    """Whether it has a method of its own that is told of stored ends."""
    return any(overriding(method, [plugin]) for method in (ONE, TOGETHER))


def _method_of(plugin: Plugin) -> str:
    """The one that is nearest to it: who refines the other of a class that has both means that."""
    for names in (vars(plugin), *map(vars, type(plugin).__mro__)):
        if TOGETHER in names:
            return TOGETHER
        if ONE in names:
            break
    return ONE


class UpdateLine:
    """The updates of one plugin.

    Args:
        plugin: to be told.
        worker: whose runs ended.
        limit: seconds that each call may take.
        events: told of calls that fail, and of updates that were lost.
    """

    def __init__(self, plugin: Plugin, worker: PluginWorker, limit: float, events: Events) -> None:
        self._plugin = plugin
        self._method = _method_of(plugin)
        self._worker = worker
        self._limit = limit
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[PluginJob] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._steps = 0
        """Calls begun and ended: odd during one."""
        self._seen = -1
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._overdue = False
        self._bytes: int | None = None
        self._lost = 0
        self._told_at = -_TOLD_EVERY
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = self._loop.create_task(
            self._work(), name=f"soniq-updates-{self._plugin.get_identifier()}"
        )

    def put(self, jobs: Sequence[PluginJob]) -> None:
        """Tell the plugin of these, soon. Returns at once."""
        if self._task is None:
            return
        taken = jobs[: self._room()]
        self._waiting.extend(taken)
        if self._bytes is not None:
            self._bytes += sum(job.size for job in taken)
        self._lose(len(jobs) - len(taken))
        self._idle.clear()
        self._arrived.set()
        if self._timer is None:
            self._watch()

    def _room(self) -> int:
        """How many may join those who wait; none while these take too much memory."""
        if not self._waiting:
            self._bytes = None
            return BACKLOG
        if self._bytes is None or self._bytes > BACKLOG_BYTES:
            # A line that keeps up is never measured; what was told since is still in the sum.
            self._bytes = sum(job.size for job in self._waiting)
        return BACKLOG - len(self._waiting) if self._bytes <= BACKLOG_BYTES else 0

    async def stop(self) -> None:
        """End the line: give what waits the time that one call may take, count the rest as lost."""
        if self._task is None:
            return
        try:
            async with asyncio.timeout(self._limit * (1 + 2 / _LOOKS)):
                await self._idle.wait()
        except TimeoutError:
            self._told_at = -_TOLD_EVERY
            self._lose(len(self._waiting))
        self._stopping = True
        task, self._task = self._task, None
        await cancelled(task)
        if self._timer is not None:
            self._timer.cancel()

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._tell_some()
                await asyncio.sleep(0)
            self._idle.set()

    async def _tell_some(self) -> None:
        waiting = self._waiting
        stretch = range(min(len(waiting), _AT_A_STRETCH))
        if self._method == TOGETHER:
            jobs = [waiting.popleft() for _ in stretch]
            await self._call(self._plugin.on_jobs_updated, jobs=jobs)
            return
        tell = self._plugin.on_job_updated
        for _ in stretch:
            await self._call(tell, job=waiting.popleft())

    async def _call(self, tell: Callable[..., Awaitable[None]], **told: Any) -> None:
        self._steps += 1
        try:
            await tell(worker=self._worker, **told)
        except GeneratorExit:
            raise  # the loop is being torn down: nothing may be awaited any more
        except BaseException as error:  # told; the line goes on
            if self._stopping:
                raise
            self._failed(error)
        else:
            if self._overdue:
                self._failed(TimeoutError())  # it has swallowed its cancellation
        self._steps += 1

    def _failed(self, error: BaseException) -> None:
        if self._overdue and self._task is not None:
            self._overdue = False
            self._task.uncancel()
            error = TimeoutError(f"no end within {self._limit:g} s (hook_timeout)")
        self._events.emit(PluginFailed(self._plugin.get_identifier(), self._method, error))

    def _watch(self) -> None:
        """Cancel a call that hangs; goes on for as long as there is one."""
        self._timer = None
        if self._idle.is_set() or self._task is None:
            return
        now = self._loop.time()
        if self._steps != self._seen:
            self._seen, self._since = self._steps, now
        elif self._steps % 2 and now - self._since >= self._limit:
            self._overdue = True
            self._task.cancel()
        self._timer = self._loop.call_later(self._limit / _LOOKS, self._watch)

    def _lose(self, count: int) -> None:
        self._lost += max(count, 0)
        now = self._loop.time()
        if self._lost and now - self._told_at >= _TOLD_EVERY:
            self._told_at = now
            self._events.emit(PluginBehind(self._plugin.get_identifier(), self._lost))
            self._lost = 0


class Updates:
    """Tells several plugins of the same ends."""

    def __init__(self, lines: Sequence[UpdateLine], worker_id: str) -> None:
        self._lines = lines
        self._worker_id = worker_id

    def tell(self, batch: Sequence[Ended]) -> None:
        """Tell of runs whose ends are stored."""
        began = epoch()
        worker_id = self._worker_id
        jobs = [
            PluginJob(job, worker_id, run.started + began, outcome, seconds)
            for job, outcome, seconds, run in batch
            # What was interrupted goes back as if it had not begun.
            if run is not None and type(outcome) is not Released
        ]
        for line in self._lines:
            line.put(jobs)

    def start(self) -> None:
        for line in self._lines:
            line.start()

    async def stop(self) -> None:
        await asyncio.gather(*(line.stop() for line in self._lines))
