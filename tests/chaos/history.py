"""What happened, written down by every process as it happens, out of reach of any fault.

The history is a file of JSON lines that all processes append to. An append is one system call: it
is whole or not there, a writer that is killed or stopped leaves neither half a line nor a lock
behind, and the order of the lines is the order in which things happened, whatever the clocks of the
processes say.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

PATIENCE = 60.0


class Kind(StrEnum):
    """What an event tells of, and which details come with it."""

    ASKED = "asked"
    """An enqueue begins: key, name; dedup_key where it has one."""
    ACCEPTED = "accepted"
    """It returned: key, job."""
    RAISED = "raised"
    """It raised: key, error. Whether the job is stored is open."""
    ROLLED_BACK = "rolled_back"
    """The transaction it was made in will never be committed: key, and job where that was told."""
    START = "start"
    """A handler begins: job, run, name, attempt, worker, due."""
    EFFECT = "effect"
    """A handler has done what it is for: job, run."""
    WARNED = "warned"
    """A handler has seen `should_stop`: job, run."""
    END = "end"
    """A handler is over: job, run, how (returned, raised or cancelled), should_stop."""
    PROCESS_STARTED = "process_started"
    """The harness started a process: target, role."""
    KILLED = "killed"
    """The harness killed a process, which lived: target."""
    SIGNALLED = "signalled"
    """The harness sent another signal: target, signal."""
    PROCESS_ENDED = "process_ended"
    """The harness saw a process's end: target, code."""
    FAULT_BEGAN = "fault_began"
    """name, and what else there is to tell."""
    FAULT_ENDED = "fault_ended"
    """name, and what else there is to tell."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history.

    Attributes:
        at: seconds on the machine's monotonic clock, the same for all its processes.
        wall: seconds since 1970 on the clock of the process that wrote it, perhaps a wrong one.
        pid: of the process that wrote it.
        job: id of the job it is about.
        detail: what its kind says.
    """

    kind: Kind
    at: float
    wall: float = 0.0
    pid: int = 0
    job: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.detail[name]


class History:
    """The history in the file at `path`; any processes write and read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._read = 0
        self._events: list[Event] = []

    def note(self, kind: Kind, *, job: str | None = None, **detail: Any) -> Event:
        """Write down that this happens now; safe in threads."""
        event = Event(kind, time.monotonic(), time.time(), os.getpid(), job, detail)
        line = json.dumps([kind, event.at, event.wall, event.pid, job, detail], default=str)
        os.write(self._file, line.encode() + b"\n")
        return event

    def events(self) -> Sequence[Event]:
        """Everything so far, in the order in which it happened."""
        while block := os.pread(self._file, 1 << 20, self._read):
            whole = block.rfind(b"\n") + 1
            self._read += whole
            for line in block[:whole].splitlines():
                kind, at, wall, pid, job, detail = json.loads(line)
                self._events.append(Event(Kind(kind), at, wall, pid, job, detail))
        return self._events

    def of(self, kind: Kind, **wanted: Any) -> list[Event]:
        """The events of one kind whose details are as wanted; `job` and `pid` count as details."""
        return [
            event
            for event in self.events()
            if event.kind is kind
            and all(_detail(event, name) == value for name, value in wanted.items())
        ]

    async def until(
        self, condition: Callable[[], Any], what: str, *, patience: float = PATIENCE
    ) -> None:
        """Wait until `condition`, a question about this history, is answered with yes.

        Args:
            what: names what is waited for, in the error.
            patience: seconds.

        Raises:
            TimeoutError: it did not come about.
        """
        try:
            async with asyncio.timeout(patience):
                while not condition():  # noqa: ASYNC110 - other processes tell us nothing
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"{what} did not happen within {patience:g} s") from None

    def close(self) -> None:
        os.close(self._file)


def _detail(event: Event, name: str) -> Any:
    if name in {"job", "pid"}:
        return getattr(event, name)
    return event.detail.get(name)
