"""The processes of a soak: workers under a supervisor, and a producer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import psutil

from bench.errors import BenchError
from bench.processes import ROOT

STOP_TIMEOUT: Final = 60.0


class Child:
    """A process of this soak, ended with it."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._started: set[int] = set()
        self.said: tuple[int, int] = (0, 0)
        """What a producer has told last: calls accepted, and failed."""

    def require_alive(self) -> None:
        """See that neither it nor a process it has started has ended by itself.

        A supervisor starts another worker where one died: that it did is seen by the process that
        is gone, and how in the log.
        """
        self._require_running()
        running = {process.pid for process in self.family()[1:]}
        gone = self._started - running
        self._started |= running
        if gone:
            raise BenchError(f"a worker ended by itself: {self._told_of(min(gone))}")

    def _require_running(self) -> None:
        code = self._process.returncode
        if code is not None:
            raise BenchError(
                f"a process of the soak ended by itself with code {code}: {self.log_tail()}"
            )

    def _told_of(self, pid: int) -> str:
        said = f"Worker process {pid} "
        with self._log.open(errors="replace") as lines:
            return next((line.strip() for line in lines if said in line), f"process {pid}")

    def log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-1500:]

    def family(self) -> list[psutil.Process]:
        """It and what it has started."""
        try:
            own = psutil.Process(self._process.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    async def ended(self) -> None:
        await self._process.wait()

    async def listen(self) -> None:
        """Take in what a producer tells, until it ends."""
        stream = self._process.stdout
        while stream is not None and (line := await stream.readline()):
            accepted, failed = line.split()
            self.said = (int(accepted), int(failed))

    async def end(self, *, by_input: bool = False) -> None:
        """Let it end in its own way; kill it after a minute."""
        self._require_running()
        if by_input and self._process.stdin is not None:
            self._process.stdin.close()
        else:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            for process in self.family():
                process.kill()
            await self._process.wait()
            raise BenchError(f"a process did not end in {STOP_TIMEOUT:.0f} s") from None
        if code := self._process.returncode:
            raise BenchError(f"a process of the soak ended with code {code}: {self.log_tail()}")


@asynccontextmanager
async def child(*command: str, environment: Mapping[str, str], log: Path) -> AsyncIterator[Child]:
    """``python -m COMMAND`` for the block; a Ctrl+C on the terminal is left to the soak."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("SONIQ_")}
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *command),
            cwd=ROOT,
            env={**inherited, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if command[0].endswith("produce") else file,
            stderr=file,
            start_new_session=True,
        )
    started = Child(process, log)
    listening = asyncio.create_task(started.listen())
    try:
        yield started
    finally:
        try:
            await started.end(by_input=command[0].endswith("produce"))
        finally:
            await listening
