"""saq on Postgres. Option: ``concurrency``.

It has no bulk call: ``many``, which only fills databases, is 20 single calls at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from saq import Queue, Worker

from bench.driver.subject import Hit, Options, Producer

UVLOOP = False
AT_A_TIME = 20


async def _connect(url: str) -> Queue:
    queue = Queue.from_url(url, max_size=AT_A_TIME)
    await queue.connect()
    return queue


async def setup(url: str) -> None:
    queue = await _connect(url)
    await queue.disconnect()


class _Producer:
    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def one(self, x: int) -> None:
        await self._queue.enqueue("noop", x=x)

    async def many(self, xs: Sequence[int]) -> None:
        remaining = iter(xs)
        await asyncio.gather(*[self._rest(remaining) for _ in range(AT_A_TIME)])

    async def _rest(self, remaining: Iterator[int]) -> None:
        for x in remaining:
            await self.one(x)

    async def close(self) -> None:
        await self._queue.disconnect()


async def producer(url: str, options: Options) -> Producer:
    return _Producer(await _connect(url))


async def work(url: str, options: Options, hit: Hit) -> None:
    async def noop(context: Any, *, x: int) -> None:
        hit(x)

    queue = await _connect(url)
    worker = Worker(queue, functions=[("noop", noop)], concurrency=options["concurrency"])
    await worker.start()
