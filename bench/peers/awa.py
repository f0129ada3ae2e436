"""awa, whose core is written in Rust. Options: ``concurrency`` and ``pool``, its connections.

``partitions`` splits the queue, as its documentation advises for a single busy one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import awa

from bench.driver.subject import Hit, Options, Producer

UVLOOP = False
QUEUE = "default"
USE_CURRENT_STORAGE = "select awa.storage_auto_finalize_if_fresh('awa')"


@dataclass
class Noop:
    x: int


async def setup(url: str) -> None:
    """Create the tables, and move to the current storage before the first job is stored.

    Left alone a fresh install does that when its first worker starts, so that jobs stored before
    would lie in the tables of an older version.
    """
    client = awa.AsyncClient(url)
    await client.migrate()
    async with await client.transaction() as transaction:
        await transaction.execute(USE_CURRENT_STORAGE)
    await client.close()


def _partitions(options: Options) -> Any:
    number = options.get("partitions")
    return awa.PartitionedQueue(QUEUE, number) if number else None


class _Producer:
    def __init__(self, client: Any, partitions: Any) -> None:
        self._client = client
        self._partitions = partitions

    def _route(self, x: int) -> dict[str, Any]:
        return self._partitions.route_by_index(x) if self._partitions else {"queue": QUEUE}

    async def one(self, x: int) -> None:
        await self._client.insert(Noop(x=x), **self._route(x))

    async def many(self, xs: Sequence[int]) -> None:
        jobs = [Noop(x=x) for x in xs]
        if self._partitions:
            await self._client.enqueue_many_copy(jobs, opts=[self._route(x) for x in xs])
        else:
            await self._client.enqueue_many_copy(jobs, queue=QUEUE)

    async def close(self) -> None:
        await self._client.close()


async def producer(url: str, options: Options) -> Producer:
    return _Producer(awa.AsyncClient(url), _partitions(options))


async def work(url: str, options: Options, hit: Hit) -> None:
    client = awa.AsyncClient(url, options["pool"])

    async def noop(job: Any) -> None:
        hit(job.args.x)

    client.task(Noop, queue=QUEUE)(noop)
    concurrency, partitions = options["concurrency"], _partitions(options)
    if partitions:
        await client.start(partitions.queue_configs(concurrency // options["partitions"]))
    else:
        await client.start([(QUEUE, concurrency)])
    await asyncio.Event().wait()
