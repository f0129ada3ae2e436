"""Keeps jobs that have crashed a worker apart, for the whole process.

A job that was running when a worker died is only a suspect. At most one suspect runs in a process
at a time, and one whose next crash would be its last runs with nothing beside it, so that the crash
that ends a job is its own.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Member(Protocol):
    """A worker of this process."""

    def busy(self) -> int:
        """How many handlers it runs now; read from other threads."""
        ...

    def poke(self) -> None:
        """Look again whether something may start; called from other threads."""
        ...


class Quarantine:
    """The rules, shared by all workers of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: set[Member] = set()
        self._suspect_of: Member | None = None
        self.closed = False
        """While True nobody starts an ordinary job: a suspect runs alone, or waits for quiet."""

    def enter(self, member: Member) -> None:
        with self._lock:
            self._members.add(member)

    def leave(self, member: Member) -> None:
        with self._lock:
            self._members.discard(member)
        self.dismiss(member)

    def admit(self, member: Member) -> bool:
        """Whether `member` may take a suspect now; it must `dismiss` it afterwards."""
        with self._lock:
            if self._suspect_of is None:
                self._suspect_of = member
            return self._suspect_of is member

    def close(self) -> None:
        """Let nothing ordinary start in this process until the suspect is dismissed."""
        self.closed = True

    def quiet(self) -> bool:
        """Whether no handler runs in this process."""
        with self._lock:
            return not any(member.busy() for member in self._members)

    def dismiss(self, member: Member) -> None:
        """The suspect of `member` is gone; others may go on."""
        with self._lock:
            if self._suspect_of is not member:
                return
            self._suspect_of = None
            self.closed = False
            members = list(self._members)
        for other in members:
            other.poke()


PROCESS = Quarantine()
