"""An event loop in a thread of its own, for callers that have none.

It begins with the first call and ends with the process, or with its owner. A forked process begins
another: threads do not survive a fork.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_FAREWELL: Final = 6.0
"""Seconds in which connections are to be given back."""

_starting = threading.Lock()
if hasattr(os, "register_at_fork"):
    # Nobody forks in the middle of a start: the child would wait for it for ever.
    os.register_at_fork(
        before=_starting.acquire,
        after_in_parent=_starting.release,
        after_in_child=_starting.release,
    )


class BackgroundLoop:
    """Runs coroutines for callers in any thread."""

    def __init__(self) -> None:
        self._serving: _Serving | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the coroutine that `work` makes, and return what it returns."""
        loop = self._loop()
        answer = asyncio.run_coroutine_threadsafe(work(), loop)
        try:
            return answer.result()
        finally:
            # An interrupted caller (Ctrl+C) is not waited for any more.
            answer.cancel()

    def _loop(self) -> asyncio.AbstractEventLoop:
        serving = self._serving
        if serving is None or serving.pid != os.getpid():
            serving = self._begin()
        return serving.loop

    def _begin(self) -> _Serving:
        with _starting:
            if self._serving is None or self._serving.pid != os.getpid():
                self._serving = _Serving()
                weakref.finalize(self, self._serving.retire).atexit = False
            return self._serving


class _Serving:
    """A thread that runs an event loop until it is stopped."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=_serve, args=(self.loop,), name="soniq-sync", daemon=True
        )
        self._thread.start()
        atexit.register(self._stop)

    def _stop(self) -> None:
        """End the loop, with all that is open on it; a forked process leaves it to its parent."""
        if self.pid == os.getpid():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(_FAREWELL)

    def retire(self) -> None:
        """End the loop a while after its owner was collected, which may happen in any thread.

        What is collected with the owner takes leave of its servers on this loop.
        """
        atexit.unregister(self._stop)
        if self.pid == os.getpid():
            self.loop.call_soon_threadsafe(self.loop.call_later, _FAREWELL, self.loop.stop)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    # Not `asyncio.Runner`: it may start a thread here, which an ending interpreter does not allow.
    loop.run_until_complete(_cancel_all())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
