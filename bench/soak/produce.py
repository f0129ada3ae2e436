"""A producer: enqueues at a steady rate, whatever the store does, until its input ends.

Ten times a second it prints how many jobs were accepted so far, and how many calls failed.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bench.soak.jobs import app, dies, in_thread, short, stumbles

TICK: Final = 0.02
MOST_WAITING: Final = 2_000
"""Calls that may be under way: past that the producer falls behind, and says so by its count."""

Call = Callable[[], Coroutine[Any, Any, str]]

# Most jobs are short ones; what fails, waits or is unique costs more and is rarer.
_MIX: Final[tuple[tuple[float, Call], ...]] = (
    (0.90, lambda: short.enqueue(called=time.time())),
    (0.04, lambda: in_thread.enqueue(called=time.time())),
    (0.02, lambda: short.options(delay=1.0).enqueue(called=time.time() + 1.0)),
    (0.02, lambda: short.options(dedup_key=_key()).enqueue(called=time.time())),
    (0.01, stumbles.enqueue),
    (0.01, dies.enqueue),
)


def _key() -> str:
    return f"key.{random.randrange(10**9)}"


class Producer:
    """Enqueues `rate` jobs a second; 0 keeps `MOST_WAITING` calls under way all the time."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._calls: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.failed = 0

    async def run(self, stop: asyncio.Event) -> None:
        reporter = asyncio.create_task(self._report())
        begun, sent = time.monotonic(), 0
        while not stop.is_set():
            wanted = (time.monotonic() - begun) * self._rate
            while sent < wanted and len(self._calls) < MOST_WAITING:
                self._send()
                sent += 1
            await asyncio.sleep(TICK)
        reporter.cancel()
        if self._calls:
            await asyncio.wait(self._calls)
        self._print()

    def _send(self) -> None:
        chances, calls = zip(*_MIX, strict=True)
        task = asyncio.get_running_loop().create_task(self._one(random.choices(calls, chances)[0]))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _one(self, call: Call) -> None:
        try:
            await call()
            self.accepted += 1
        except Exception as error:  # noqa: BLE001 - counted, and judged by the soak
            self.failed += 1
            print(f"enqueue failed: {error!r}", file=sys.stderr, flush=True)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self._print()

    def _print(self) -> None:
        print(self.accepted, self.failed, flush=True)


async def main(rate: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stop.set)
    async with app:
        await Producer(rate).run(stop)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
