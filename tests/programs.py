"""Programs that tests start, watch line by line, signal, and never leave behind."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

_PATIENCE: Final = 30.0


class Program:
    """A running program; use it as a context manager.

    Its stderr goes where its stdout goes. It leads a session of its own, as under a terminal, and
    whatever is left of it is killed at the end of the block.

    Args:
        command: the program and its arguments.
        env: variables on top of this process's; a None removes one.
        cwd: where it runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(env or {}),
            cwd=cwd,
            start_new_session=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._seen: list[str] = []
        assert self._process.stdout is not None
        reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What has been read of its output so far."""
        return "\n".join(self._seen)

    def line(self, pattern: str, *, within: float = _PATIENCE) -> re.Match[str]:
        """Wait, for so many seconds at most, for the next line in which `pattern` is found."""
        until = time.monotonic() + within
        while (line := self._next(until)) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"no line with {pattern!r} in:\n{self.output}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def send_to_group(self, number: signal.Signals) -> None:
        """Send a signal to its whole process group, as a terminal does."""
        os.killpg(self.pid, number)

    def exit_code(self) -> int:
        """Wait for its end."""
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            while not self._lines.empty():
                self._next(time.monotonic())
            raise AssertionError(f"still running after:\n{self.output}") from None

    def all_output(self) -> str:
        """Wait for the end of its output: when every process that holds the stream has ended."""
        until = time.monotonic() + _PATIENCE
        while self._next(until) is not None:
            pass
        return self.output

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(_PATIENCE)

    def _next(self, until: float) -> str | None:
        try:
            line = self._lines.get(timeout=max(until - time.monotonic(), 0.01))
        except queue.Empty:
            return None
        if line is not None:
            self._seen.append(line)
        return line

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


def environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """This process's environment without Soniq's variables, and with `changes`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SONIQ_") and name not in {"NO_COLOR", "FORCE_COLOR"}
    }
    wanted = inherited | {name: value for name, value in changes.items() if value is not None}
    return {name: value for name, value in wanted.items() if changes.get(name, value) is not None}
