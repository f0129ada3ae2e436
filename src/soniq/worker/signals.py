"""Stopping on signals: the first asks, a second SIGTERM or SIGINT exits at once.

A SIGHUP asks too, but is neither a first nor a second one: terminals send it along with others.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

logger = logging.getLogger("soniq.worker")

_ASKING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)
_INSISTING = (signal.SIGTERM, signal.SIGINT)

_asked: set[asyncio.Event] = set()
_waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
_former: dict[int, Any] = {}


@contextmanager
def stop_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` when the process is asked to end, for as long as the block lasts.

    Several workers of a process share the handlers. Outside the main thread, where signals cannot
    be had, nothing is installed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _waiting:
        _install()
    _waiting[stop] = asyncio.get_running_loop()
    try:
        yield
    finally:
        del _waiting[stop]
        _asked.discard(stop)
        if not _waiting:
            _restore()


def _install() -> None:
    # Not the loop's own handlers: those wait for the loop, and a handler that never gives it back
    # would make the process immune to a second signal.
    for number in _ASKING:
        _former[number] = signal.signal(number, _received)


def _restore() -> None:
    for number, handler in _former.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
    _former.clear()


def _forget() -> None:
    """In a forked process: it is no worker, and must end on a signal as it would have without one.

    A handler's `multiprocessing.Pool` ends its processes by SIGTERM and waits for them.
    """
    _waiting.clear()
    _asked.clear()
    _restore()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _received(number: int, _: FrameType | None) -> None:
    insists = number in _INSISTING
    if insists and _asked.issuperset(_waiting):
        _exit_at_once(number)
    for stop, loop in _waiting.items():
        if insists:
            _asked.add(stop)
        loop.call_soon_threadsafe(_ask, stop, number)


def _ask(stop: asyncio.Event, number: int) -> None:
    if not stop.is_set():
        stop.set()
        logger.info("Received %s, stopping", signal.Signals(number).name)


def _exit_at_once(number: int) -> None:
    # Neither logging nor buffered output: whoever was interrupted may hold their locks.
    name = signal.Signals(number).name
    text = f"Received {name} again, exiting at once; others queue the running jobs again\n"
    os.write(2, text.encode())
    os._exit(1)
