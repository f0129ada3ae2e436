"""Telling systemd, or whoever speaks its protocol, how a service is doing.

The protocol is a datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names
(sd_notify(3)): ``READY=1`` once, ``STOPPING=1`` at the end, and ``WATCHDOG=1`` again and again
where ``WATCHDOG_USEC`` asks for it (sd_watchdog_enabled(3)). These come from the event loop, so
that one which is stuck is noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from soniq.cli.beside import beside

_LOOK_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Who started this service, if it wants to be told.

    Attributes:
        address: of its socket; None where nobody listens.
        watchdog: seconds within which it wants to hear of the service; None for never.
    """

    address: str | None
    watchdog: float | None

    @classmethod
    def from_environment(cls) -> ServiceManager:
        """The one that the environment names; it is named to no child process."""
        address = os.environ.pop("NOTIFY_SOCKET", None)
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        meant = os.environ.pop("WATCHDOG_PID", str(os.getpid()))
        watched = microseconds.isdecimal() and int(microseconds) > 0 and meant == str(os.getpid())
        return cls(address or None, int(microseconds) / 1e6 if watched else None)

    def tell(self, *lines: str) -> None:
        """Send `lines`; a manager that cannot be reached is no reason to stop."""
        if self.address is None:
            return
        # "@" stands for the NUL byte of an abstract address.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), address)


@contextlib.asynccontextmanager
async def kept_informed(
    ready: Callable[[], Awaitable[bool]], stop: asyncio.Event
) -> AsyncIterator[None]:
    """Around a service: say when it is ready, that it lives, and that it stops.

    Args:
        ready: whether it does its work yet.
        stop: set when it begins to stop.
    """
    manager = ServiceManager.from_environment()
    if manager.address is None:
        yield
        return
    async with beside(_inform(manager, ready, stop)):
        yield


async def _inform(
    manager: ServiceManager, ready: Callable[[], Awaitable[bool]], stop: asyncio.Event
) -> None:
    while not stop.is_set() and not await ready():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(_LOOK_PAUSE)
    if not stop.is_set():
        manager.tell("READY=1", "STATUS=At work")
    await _live(manager, stop)
    manager.tell("STOPPING=1", "STATUS=Letting what runs come to its end")
    # A drain may take longer than the watchdog waits.
    await _live(manager, asyncio.Event())


async def _live(manager: ServiceManager, end: asyncio.Event) -> None:
    """Say that the service lives, twice as often as is asked, until `end`."""
    pause = None if manager.watchdog is None else manager.watchdog / 2
    while not end.is_set():
        if pause is not None:
            manager.tell("WATCHDOG=1")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await end.wait()
