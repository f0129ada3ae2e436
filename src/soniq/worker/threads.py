"""The bounded pool of threads that sync handlers run on.

The threads are daemons on purpose: a handler that never returns must not keep a stopped process
from exiting, which the threads of `concurrent.futures` do.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]


class HandlerThreads:
    """At most `size` threads, started as they are needed.

    Args:
        size: how many sync handlers may run at a time.
        on_free: called on the loop whenever a thread becomes free.
    """

    def __init__(self, size: int, on_free: Callable[[], None]) -> None:
        self._size = size
        self._on_free = on_free
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[Call, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._threads = 0
        self._busy = 0

    @property
    def free(self) -> int:
        return self._size - self._busy

    @property
    def busy(self) -> int:
        """Threads in use, those of abandoned runs included."""
        return self._busy

    def reserve(self) -> None:
        """Set a thread aside for the next `submit`; beyond the last one, that call waits."""
        self._busy += 1

    def release(self) -> None:
        """Give back a reserved thread that nothing was submitted to."""
        self._busy -= 1

    def submit(self, call: Call) -> asyncio.Future[Any]:
        """Run `call` on a reserved thread, which is free again when the call ends.

        Cancelling the future abandons the call: it runs on, and keeps its thread.

        Raises:
            RuntimeError: the system gives no more threads; the reservation is given back.
        """
        if self._threads < min(self._busy, self._size):
            try:
                threading.Thread(target=self._serve, name="soniq-handler", daemon=True).start()
            except BaseException:
                self._busy -= 1
                raise
            self._threads += 1
        future: asyncio.Future[Any] = self._loop.create_future()
        self._work.put((call, future))
        return future

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        for _ in range(self._threads):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            call, future = work
            result: Any = None
            error: BaseException | None = None
            try:
                if not future.cancelled():
                    result = call()
            except BaseException as raised:  # noqa: BLE001 - everything a handler raises is its run's failure
                error = raised
            self._report(future, result, error)
            del work, call, future, result, error  # an idle thread must not keep a job alive

    def _report(
        self, future: asyncio.Future[Any], result: Any, error: BaseException | None
    ) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, future, result, error)
        except RuntimeError:
            return  # the loop has ended: the worker is gone, and nobody waits for this run

    def _settle(
        self, future: asyncio.Future[Any], result: Any, error: BaseException | None
    ) -> None:
        self._busy -= 1
        if not future.done():
            if error is None:
                future.set_result(result)
            elif issubclass(type(error), StopIteration):  # `isinstance` would ask the error itself
                # A future cannot carry StopIteration; a coroutine would have turned it into this.
                wrapped = RuntimeError("handler raised StopIteration")
                wrapped.__cause__ = error
                future.set_exception(wrapped)
            else:
                future.set_exception(error)
        self._on_free()
