"""The lifeline between a supervisor and one of its worker processes.

It is a pair of sockets. The worker process says through it that it works; the supervisor says
"stop" by closing its end. The kernel closes that end too when the supervisor dies in whatever way,
so no worker process outlives its supervisor, on any system.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from typing import Final

_READY: Final = b"r"


class Lifeline:
    """The worker process's end.

    Until `when_cut` names something gentler, a cut lifeline ends the process at once: it has
    claimed nothing yet.

    Args:
        descriptor: the inherited socket.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)
        self._socket.setblocking(True)
        self._on_cut: Callable[[], None] = _exit
        threading.Thread(target=self._watch, name="soniq-lifeline", daemon=True).start()

    def when_cut(self, callback: Callable[[], None]) -> None:
        """Have `callback` called, from another thread, when the supervisor wants a stop or dies."""
        self._on_cut = callback

    def ready(self) -> None:
        """Tell the supervisor that this process does its work."""
        with contextlib.suppress(OSError):
            self._socket.send(_READY)

    def _watch(self) -> None:
        with contextlib.suppress(OSError):
            while self._socket.recv(64):
                pass
        self._on_cut()


class HeldLifeline:
    """The supervisor's end."""

    def __init__(self) -> None:
        self._socket, self._theirs = socket.socketpair()
        self._socket.setblocking(False)
        self._ready = False

    @property
    def descriptor(self) -> int:
        """What the worker process is to inherit."""
        return self._theirs.fileno()

    def handed_over(self) -> None:
        """Close the copy of the worker process's end, once it has been inherited."""
        self._theirs.close()

    @property
    def ready(self) -> bool:
        """Whether the worker process has said that it works."""
        if not self._ready:
            with contextlib.suppress(OSError):
                self._ready = self._socket.recv(1) == _READY
        return self._ready

    def cut(self) -> None:
        """Ask the worker process to drain and end. Safe to call twice, or when it is gone."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
        self._theirs.close()


def _exit() -> None:
    os._exit(0)
