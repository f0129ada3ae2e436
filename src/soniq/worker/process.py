"""One worker process, as its supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Collection, Mapping, Sequence

from soniq.worker.lifeline import HeldLifeline

Command = Callable[[int, Collection[int]], Sequence[str]]
"""Gives the command line of a worker process, from the descriptor of its lifeline and the ids of
the dead processes it stands in for."""


class WorkerProcess:
    """A fresh interpreter that runs a worker, in a session of its own.

    What a terminal sends to the supervisor's group (Ctrl+C, hangup) does not reach it: it hears of
    it once, through its lifeline.
    """

    def __init__(self, process: asyncio.subprocess.Process, lifeline: HeldLifeline) -> None:
        self._process = process
        self._lifeline = lifeline
        self._started = asyncio.get_running_loop().time()

    @classmethod
    async def start(
        cls, command: Command, replaces: Collection[int], environment: Mapping[str, str]
    ) -> WorkerProcess:
        """Start one that stands in for the dead processes `replaces`.

        Args:
            environment: variables on top of this process's own.
        """
        lifeline = HeldLifeline()
        try:
            process = await asyncio.create_subprocess_exec(
                *command(lifeline.descriptor, replaces),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(lifeline.descriptor,),
                env={**os.environ, **environment},
                start_new_session=True,
            )
        except BaseException:
            lifeline.close()
            raise
        lifeline.handed_over()
        return cls(process, lifeline)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ready(self) -> bool:
        """Whether it has said that it works; stays true after its end."""
        return self._lifeline.ready

    @property
    def lived(self) -> float:
        """Seconds since it was started."""
        return asyncio.get_running_loop().time() - self._started

    def stop(self) -> None:
        """Ask it to drain and end."""
        self._lifeline.cut()

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> int:
        """Wait for its end; returns the exit code, a negative signal number if one ended it."""
        code = await self._process.wait()
        # What it said last is still in the socket.
        _ = self.ready
        self._lifeline.close()
        return code


def way_of_ending(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
