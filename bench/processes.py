"""The processes that are measured: producers, whose answer is waited for, and workers."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from bench.driver.probe import Probe
from bench.driver.subject import Options
from bench.errors import BenchError

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 30.0
STOP_TIMEOUT = 15.0
PRODUCER_TIMEOUT = 300.0
LOG_TAIL = 1_500


@dataclass(frozen=True, slots=True)
class Program:
    """How to start the processes of one measured queue.

    Attributes:
        python: the interpreter of the environment it is installed in.
        module: its module of ``bench.driver.subject`` names.
        own: it is this checkout; another's process must not see what leads to this one.
    """

    python: Path
    module: str
    own: bool = True

    def command(self, action: str, url: str, **arguments: object) -> list[str]:
        command = [str(self.python), "-m", "bench.driver", self.module, action, "--url", url]
        for name, value in arguments.items():
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            command += [f"--{name}", text]
        return command

    def environment(self) -> dict[str, str]:
        hidden = "SONIQ_" if self.own else ("SONIQ_", "PYTHONPATH")
        return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}

    async def produce(self, action: str, url: str, **arguments: object) -> Any:
        """Run a producer (or ``setup``) to its end and return what it printed."""
        return await run_json(
            self.command(action, url, **arguments), environment=self.environment()
        )


async def run_json(command: Sequence[str], *, environment: dict[str, str] | None = None) -> Any:
    """Run `command` to its end and return its last line, read as JSON."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=-1, stderr=-1
    )
    try:
        async with asyncio.timeout(PRODUCER_TIMEOUT):
            out, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise BenchError(f"{_said(command)} did not end in {PRODUCER_TIMEOUT:.0f} s") from None
    if process.returncode != 0:
        raise BenchError(f"{_said(command)} failed:\n{errors.decode()[-LOG_TAIL:]}")
    return json.loads(out.decode().strip().splitlines()[-1])


def _said(command: Sequence[str]) -> str:
    return " ".join(command[1:5])


class Worker:
    """A running worker process and its probe."""

    def __init__(self, process: asyncio.subprocess.Process, probe: Probe, log: IO[bytes]) -> None:
        self.probe = probe
        self._process = process
        self._log = log

    async def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.probe.ready:
            self.require_alive()
            if time.monotonic() > deadline:
                raise BenchError(f"the worker did not start: {self.log_tail()}")
            await asyncio.sleep(0.005)

    def require_alive(self) -> None:
        """Raise BenchError if the process has ended."""
        if self._process.returncode is not None:
            raise BenchError(f"the worker ended by itself: {self.log_tail()}")

    def peak_memory(self) -> float:
        """The most resident memory it has had so far, in megabytes of 10^6 bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6

    async def stop(self) -> bool:
        """End it with SIGTERM, so that what it has claimed is stored or given back.

        Returns:
            False if it had to be killed, since it had not ended after 15 s.
        """
        if self._process.returncode is not None:
            return True
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            return False
        return True

    def log_tail(self) -> str:
        """The end of what it printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-LOG_TAIL:]


@asynccontextmanager
async def workers(
    program: Program, url: str, options: Options, *, count: int = 1
) -> AsyncIterator[list[Worker]]:
    """Start `count` workers, all let go at the same moment, and stop them after the block."""
    async with AsyncExitStack() as stack:
        started = [
            await stack.enter_async_context(_worker(program, url, options)) for _ in range(count)
        ]
        for worker in started:
            await worker.wait_until_ready()
        for worker in started:
            worker.probe.open_gate()
        yield started


@asynccontextmanager
async def _worker(program: Program, url: str, options: Options) -> AsyncIterator[Worker]:
    with NamedTemporaryFile(prefix="soniq-probe-") as file, NamedTemporaryFile() as log:
        command = program.command("work", url, options=dict(options), probe=file.name)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=program.environment(), stdout=log, stderr=log
        )
        worker = Worker(process, Probe(Path(file.name)), log)
        try:
            yield worker
        finally:
            stopped = await worker.stop()
        if program.own and not stopped:
            tail = worker.log_tail()
            raise BenchError(f"the worker did not stop within {STOP_TIMEOUT:.0f} s: {tail}")
