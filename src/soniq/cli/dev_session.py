"""Keeps the processes of `soniq dev` running, and replaces them when the code changes.

This process never imports the project's code: what is broken there breaks the others, which say so,
and the next change is waited for here.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from watchfiles import PythonFilter, awatch

from soniq.cli import output
from soniq.worker.process import WorkerProcess, way_of_ending

_LOOK_PAUSE: Final = 0.05
_RESTART_PAUSE: Final = 1.0
_SHOWN: Final = 3
_PATIENCE: Final = 30.0
"""Seconds that a dashboard may take to answer."""


class PartCommand(Protocol):
    """Gives the command line of a part, on a lifeline, in the place of dead processes."""

    def __call__(self, part: str, lifeline: int, replaces: Collection[int]) -> Sequence[str]: ...


class DevSession:
    """A worker and a dashboard that follow the code.

    Args:
        folder: whose changes count.
        command: gives the command lines.
        environment: variables of the processes on top of this one's own.
        address: where the dashboard listens.
        link: printed once it answers.
    """

    def __init__(
        self,
        folder: Path,
        command: PartCommand,
        environment: Mapping[str, str],
        address: tuple[str, int],
        link: str,
    ) -> None:
        self._host, self._port = address
        self._folder = folder
        self._command = command
        self._environment = environment
        self._link: str | None = link
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._worker: WorkerProcess | None = None
        self._dashboard: WorkerProcess | None = None
        self._dead: set[int] = set()

    async def run(self) -> None:
        """Run until SIGINT or SIGTERM; a second one ends everything at once."""
        with self._signals():
            watching = asyncio.create_task(self._watch())
            try:
                while not self._stopping.is_set():
                    await self._live()
            finally:
                await self._end_dashboard()
                self._stopping.set()
                await watching

    # --- one life of the worker ----------------------------------------------------------------

    async def _live(self) -> None:
        self._changed.clear()
        command = partial(self._command, "worker")
        worker = self._worker = await WorkerProcess.start(command, self._dead, self._environment)
        ended = asyncio.create_task(worker.ended())
        try:
            if await self._becomes_ready(worker, ended):
                self._dead.clear()
                await self._renew_dashboard()
                await self._any_of(ended)
            if ended.done():
                await self._after_an_end(worker, ended.result())
        finally:
            worker.stop()
            await ended
            self._worker = None

    async def _becomes_ready(self, worker: WorkerProcess, ended: asyncio.Task[int]) -> bool:
        while not (worker.ready or ended.done() or self._interrupted()):
            await asyncio.wait([ended], timeout=_LOOK_PAUSE)
        return worker.ready and not self._interrupted()

    async def _after_an_end(self, worker: WorkerProcess, code: int) -> None:
        """A worker that had worked is replaced; one that could not begin waits for a change."""
        self._dead.add(worker.pid)
        if self._stopping.is_set():
            return
        if worker.ready:
            output.warning(f"The worker {way_of_ending(code)}; starting another")
            await self._pause(_RESTART_PAUSE)
            return
        output.warning(f"The worker could not start; waiting for a change in {self._folder}")
        await self._any_of()

    async def _any_of(self, *others: asyncio.Task[int]) -> None:
        """Return when there is a change, or this is to stop, or one of `others` is done."""
        waits = [asyncio.create_task(e.wait()) for e in (self._changed, self._stopping)]
        try:
            await asyncio.wait([*waits, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._any_of()

    def _interrupted(self) -> bool:
        return self._changed.is_set() or self._stopping.is_set()

    # --- the dashboard -------------------------------------------------------------------------

    async def _renew_dashboard(self) -> None:
        """With the code that the worker could import; until then the old one stays."""
        await self._end_dashboard()
        command = partial(self._command, "dashboard")
        dashboard = await WorkerProcess.start(command, (), self._environment)
        self._dashboard = dashboard
        if self._link is not None and await self._answers(dashboard):
            output.ok(f"Dashboard: {self._link}")
            self._link = None

    async def _answers(self, dashboard: WorkerProcess) -> bool:
        """Wait until the link can be followed; one that fails has said why."""
        while not self._interrupted() and dashboard.lived < _PATIENCE:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self._host, self._port)
                writer.close()
                return True
            await asyncio.sleep(_LOOK_PAUSE)
        return False

    async def _end_dashboard(self) -> None:
        dashboard, self._dashboard = self._dashboard, None
        if dashboard is not None:
            dashboard.stop()
            await dashboard.ended()

    # --- changes and signals -------------------------------------------------------------------

    async def _watch(self) -> None:
        changes = awatch(
            self._folder,
            watch_filter=PythonFilter(extra_extensions=(".env",)),
            stop_event=self._stopping,
            raise_interrupt=False,
        )
        async for found in changes:
            output.info(f"Reloading: {self._named({path for _, path in found})} changed")
            self._changed.set()

    def _named(self, paths: set[str]) -> str:
        names = sorted(str(Path(path).relative_to(self._folder)) for path in paths)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return ", ".join(names[:_SHOWN]) + more

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _told(self) -> None:
        processes = [each for each in (self._worker, self._dashboard) if each is not None]
        if self._stopping.is_set():
            for process in processes:
                process.kill()
        else:
            output.info("Stopping: running jobs end first; Ctrl+C again ends them at once")
            self._stopping.set()
            for process in processes:
                process.stop()
