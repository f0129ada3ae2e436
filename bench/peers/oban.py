"""oban-py with its default pool. Option: ``concurrency``, the queue's limit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from oban import Oban, worker
from oban.schema import install

from bench.driver.subject import Hit, Options, Producer

UVLOOP = True
QUEUE = "bench"
_hits: list[Hit] = []


class _Process:
    async def process(self, job: Any) -> None:
        _hits[0](job.args["x"])


Noop = worker(queue=QUEUE)(_Process)


async def setup(url: str) -> None:
    pool = await Oban.create_pool(url)
    await install(pool)
    await pool.close()


class _Producer:
    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._oban = Oban(pool=pool)

    async def one(self, x: int) -> None:
        await self._oban.enqueue(Noop.new({"x": x}))

    async def many(self, xs: Sequence[int]) -> None:
        await self._oban.enqueue_many([Noop.new({"x": x}) for x in xs])

    async def close(self) -> None:
        await self._pool.close()


async def producer(url: str, options: Options) -> Producer:
    return _Producer(await Oban.create_pool(url))


async def work(url: str, options: Options, hit: Hit) -> None:
    _hits.append(hit)
    pool = await Oban.create_pool(url)
    async with Oban(pool=pool, queues={QUEUE: options["concurrency"]}):
        await asyncio.Event().wait()
