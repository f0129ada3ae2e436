"""Stopping on signals: the first asks, a second SIGTERM or SIGINT exits at once."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger("soniq.worker")

_ASKING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)
_INSISTING = (signal.SIGTERM, signal.SIGINT)

_waiting: list[asyncio.Event] = []


@contextmanager
def stop_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` when the process is asked to end, for as long as the block lasts.

    Several workers of one loop share the handlers. Outside the main thread, where signals cannot be
    had, nothing is installed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    if not _waiting:
        for number in _ASKING:
            loop.add_signal_handler(number, _received, number)
    _waiting.append(stop)
    try:
        yield
    finally:
        _waiting.remove(stop)
        if not _waiting:
            for number in _ASKING:
                loop.remove_signal_handler(number)


def _received(number: signal.Signals) -> None:
    if all(stop.is_set() for stop in _waiting):
        if number in _INSISTING:
            _exit_at_once(number)
        return
    logger.info("Received %s, stopping", signal.Signals(number).name)
    for stop in _waiting:
        stop.set()


def _exit_at_once(number: signal.Signals) -> None:
    logger.warning(
        "Received %s again, exiting at once; running jobs are queued again by other workers",
        signal.Signals(number).name,
    )
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
