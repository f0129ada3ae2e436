"""Programs under a terminal of their own, typed at and read like by a person."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.programs import environment

CTRL_C: Final = "\x03"
_PATIENCE: Final = 30.0
# Without a terminal of its own no Ctrl+C would reach it.
_ON_ITS_TERMINAL: Final = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
_STYLES: Final = re.compile(r"\x1b\[[0-9;]*m")
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program whose stdin, stdout and stderr are a terminal; use it as a context manager.

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
        self._screen, end = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ON_ITS_TERMINAL, *command],
            stdin=end,
            stdout=end,
            stderr=end,
            env=environment({"TERM": "xterm-256color", "COLUMNS": "100"} | dict(env or {})),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(end)
        self.raw = ""
        """All it has shown so far, with the codes for colours and movements."""

    @property
    def text(self) -> str:
        """The same as a person would read it, over and over."""
        return _CONTROLS.sub("", self.raw)

    @property
    def colourful(self) -> bool:
        """Whether anything was coloured; bold and the like are no colours."""
        codes = (code for style in _STYLES.findall(self.raw) for code in style[2:-1].split(";"))
        return any(code[:1] in "349" and len(code) == 2 for code in codes if code)

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until it has shown `pattern`."""
        deadline = time.monotonic() + _PATIENCE
        while not (found := re.search(pattern, self.text)):
            if not self._read(deadline):
                raise AssertionError(f"no {pattern!r} in:\n{self.text}")
        return found

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._screen, keys.encode())

    def exit_code(self) -> int:
        """Wait for its end."""
        deadline = time.monotonic() + _PATIENCE
        while self._read(deadline):
            pass
        try:
            return self._process.wait(max(deadline - time.monotonic(), 1.0))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after:\n{self.text}") from None

    def _read(self, deadline: float) -> bool:
        """Read what there is; False when it has ended or the time is over."""
        ready, _, _ = select.select([self._screen], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._screen, 65536)
        except OSError:
            # Linux says so when nobody holds the other end any more.
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_PATIENCE)
        os.close(self._screen)
