"""Keeps N worker processes running, replaces each that dies, and drains all when told to stop.

It starts, waits and starts again; it never touches the database, and what happens to the jobs of a
dead process is the business of its replacement, which is told the dead process's id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from soniq.worker.process import Command, WorkerProcess, way_of_ending

logger = logging.getLogger("soniq.supervisor")

# How a worker process ends when it is wrongly configured: failure, or wrong usage.
_REFUSALS: Final = {1, 2}
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# A process manager may signal the worker processes too. One that had not yet learned to drain had
# not yet claimed anything either.
_CLEAN_ENDS: Final = {0, *(-number for number in _STOP_SIGNALS)}


@dataclass(frozen=True, slots=True)
class RestartPauses:
    """How long the place of a dead process stays empty.

    The first death in a row costs no pause, the second `shortest` seconds, and each further one
    twice as many, up to `longest`. A process that lived `forgiven_after` seconds begins a new row.
    """

    shortest: float = 0.5
    longest: float = 30.0
    forgiven_after: float = 60.0

    def before_restart(self, deaths: int) -> float:
        """Seconds to wait after so many deaths in a row."""
        if deaths <= 1:
            return 0.0
        return min(self.longest, self.shortest * 2.0 ** min(deaths - 2, 32))


@dataclass(slots=True)
class _Place:
    """One of the N places for a worker process, and the history of those who held it."""

    process: WorkerProcess | None = None
    unreported: set[int] = field(default_factory=set)
    """Dead processes that no working replacement has been told of yet."""
    deaths: int = 0
    refused: bool = False
    """The last one to end had not begun to work, and said that it cannot."""


class Supervisor:
    """Keeps `processes` worker processes running until it is told to stop.

    Args:
        command: gives the command line of a worker process.
        processes: how many to keep.
        run_once: a process that ends by itself with code 0 has done its work: it is not replaced.
        pauses: how long to wait before a restart.
        environment: variables of the worker processes on top of this process's own.
        on_end: told the process id of each that has ended.
    """

    def __init__(
        self,
        command: Command,
        processes: int,
        *,
        run_once: bool = False,
        pauses: RestartPauses | None = None,
        environment: Mapping[str, str] | None = None,
        on_end: Callable[[int], None] | None = None,
    ) -> None:
        self._command = command
        self._places = [_Place() for _ in range(processes)]
        self._run_once = run_once
        self._pauses = pauses or RestartPauses()
        self._environment = environment or {}
        self._on_end = on_end
        self.stopping = asyncio.Event()
        """Set once it lets the processes end."""
        self._insisted = 0
        self._ever_ready = False
        self._exit_code = 0

    @property
    def ready(self) -> bool:
        """Whether each of the processes does its work."""
        return all(place.process is not None and place.process.ready for place in self._places)

    async def run(self) -> int:
        """Run until all processes have ended for good; returns the exit code.

        SIGTERM, SIGINT and SIGHUP drain the processes: 0. A second SIGTERM or SIGINT kills them: 1.
        When every process refuses to start and none ever worked: 1.
        """
        with self._signals():
            async with asyncio.TaskGroup() as group:
                for place in self._places:
                    group.create_task(self._keep(place))
        return self._exit_code

    async def _keep(self, place: _Place) -> None:
        while not self.stopping.is_set():
            code = await self._live(place)
            if code == 0 and self._run_once:
                return
            if self.stopping.is_set():
                self._exit_code |= code not in _CLEAN_ENDS
                return
            self._give_up_if_all_refuse()
            await self._pause(self._pauses.before_restart(place.deaths + place.refused))

    async def _live(self, place: _Place) -> int:
        try:
            process = await WorkerProcess.start(self._command, place.unreported, self._environment)
        except OSError as error:
            logger.error("No worker process could be started: %s", error)  # noqa: TRY400
            place.deaths += 1
            return 1
        place.process = process
        logger.info("Worker process %d started", process.pid)
        self._tell_what_it_missed(process)
        code = await process.ended()
        place.process = None
        self._note_end(place, process, code)
        return code

    def _tell_what_it_missed(self, process: WorkerProcess) -> None:
        if self._insisted > 1:
            process.kill()
        elif self.stopping.is_set():
            process.stop()

    def _note_end(self, place: _Place, process: WorkerProcess, code: int) -> None:
        level = logging.INFO if code == 0 else logging.WARNING
        logger.log(level, "Worker process %d %s", process.pid, way_of_ending(code))
        if self._on_end is not None:
            self._on_end(process.pid)
        if process.ready:
            self._ever_ready = True
            place.unreported.clear()
        place.unreported.add(process.pid)
        place.refused = code in _REFUSALS and not process.ready
        place.deaths = 1 if process.lived >= self._pauses.forgiven_after else place.deaths + 1

    def _give_up_if_all_refuse(self) -> None:
        working = any(place.process is not None and place.process.ready for place in self._places)
        if working or self._ever_ready or not all(place.refused for place in self._places):
            return
        logger.error("No worker process could start: mend what each of them reported, then retry")
        self._exit_code = 1
        self._stop()

    async def _pause(self, seconds: float) -> None:
        if seconds:
            logger.warning("The next worker process starts in %.1f s", seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), max(seconds, 0.001))

    def _told(self, number: signal.Signals) -> None:
        if number is not signal.SIGHUP:
            self._insisted += 1
        if self._insisted > 1:
            self._force()
        else:
            logger.info("%s: waiting for the worker processes to drain", number.name)
            self._stop()

    def _stop(self) -> None:
        self.stopping.set()
        for process in self._running():
            process.stop()

    def _force(self) -> None:
        self._exit_code = 1
        self.stopping.set()
        for process in self._running():
            process.kill()

    def _running(self) -> Iterator[WorkerProcess]:
        return (place.process for place in self._places if place.process is not None)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        # Under nohup a hangup is to be ignored, and stays so.
        ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
        heard = [number for number in _STOP_SIGNALS if number not in ignored]
        for number in heard:
            loop.add_signal_handler(number, self._told, number)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)
