"""Worker processes whose starts, signals and ends are part of the history."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.chaos.history import History, Kind
from tests.processes.conftest import Processes

APP = "tests.chaos.jobs:app"


class Fleet:
    """Starts worker processes on the store at `url` and does to them what faults do.

    Args:
        folder: for the output of the workers.
    """

    def __init__(self, url: str, history: History, folder: Path) -> None:
        self.url = url
        self.all: list[subprocess.Popen[bytes]] = []
        self._history = history
        self._told: set[int] = set()
        self._processes = Processes(folder, app=APP, variables={"CHAOS_HISTORY": str(history.path)})

    @property
    def alive(self) -> list[subprocess.Popen[bytes]]:
        """The workers that have not ended."""
        return [process for process in self.all if process.poll() is None]

    def connections(self) -> dict[int, int]:
        """How many each living worker has not closed, by process; all are to the database."""
        found = {}
        for process in self.alive:
            with suppress(psutil.NoSuchProcess):
                sockets = psutil.Process(process.pid).net_connections("tcp")
                found[process.pid] = sum(bool(one.raddr) for one in sockets)
        return found

    def worker(
        self, *options: str, variables: Mapping[str, str] | None = None, **settings: Any
    ) -> subprocess.Popen[bytes]:
        """Start ``soniq worker`` with a scheduler beside it.

        Args:
            options: of the command line.
            variables: of the environment, beside the settings.
            settings: of Soniq. Done jobs are kept for the checker unless `result_ttl` is given.
        """
        process = self._processes.worker(
            self.url,
            "--scheduler",
            *options,
            variables=variables,
            **{"result_ttl": 86400, "log_format": "json", **settings},
        )
        self.all.append(process)
        self._history.note(Kind.PROCESS_STARTED, target=process.pid, role="worker")
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL, and reap it. One that was dead already has not been killed."""
        if process.poll() is None:
            process.kill()
            self._history.note(Kind.KILLED, target=process.pid)
            process.wait()
        if process.returncode != -signal.SIGKILL:
            self._tell_end(process)

    def signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Any other signal."""
        process.send_signal(number)
        self._history.note(Kind.SIGNALLED, target=process.pid, signal=number.name)

    async def ended(self, process: subprocess.Popen[bytes], *, within: float) -> int:
        """Wait for a process's end; its exit code.

        Raises:
            subprocess.TimeoutExpired: it goes on after so many seconds.
        """
        code = await asyncio.to_thread(process.wait, within)
        self._tell_end(process)
        return code

    async def leave(self, *, within: float = 60.0) -> list[int]:
        """Stop all workers as an operator does; their exit codes.

        One that does not go within so many seconds is ended, which its code shows. Those that had
        ended by themselves are part of the history from here on, too.
        """
        alive = self.alive
        for process in alive:
            self.signal(process, signal.SIGTERM)
        codes = [await self._left(process, within) for process in alive]
        killed = {event["target"] for event in self._history.of(Kind.KILLED)}
        for process in self.all:
            if process.pid not in killed:
                self._tell_end(process)
        return codes

    async def _left(self, process: subprocess.Popen[bytes], within: float) -> int:
        try:
            return await self.ended(process, within=within)
        except subprocess.TimeoutExpired:
            process.kill()
            return await self.ended(process, within=within)

    def _tell_end(self, process: subprocess.Popen[bytes]) -> None:
        if process.pid not in self._told:
            self._told.add(process.pid)
            self._history.note(Kind.PROCESS_ENDED, target=process.pid, code=process.returncode)

    def output(self) -> str:
        """What the workers wrote so far."""
        return self._processes.output()

    def close(self) -> None:
        """End whatever is left, also what is stopped."""
        for process in self.alive:
            process.send_signal(signal.SIGCONT)
        self._processes.close()
