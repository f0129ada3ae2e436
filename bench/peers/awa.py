"""awa, whose core is written in Rust. Options: ``concurrency`` and ``pool``, its connections."""

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


class _Producer:
    def __init__(self, client: Any) -> None:
        self._client = client

    async def one(self, x: int) -> None:
        await self._client.insert(Noop(x=x), queue=QUEUE)

    async def many(self, xs: Sequence[int]) -> None:
        await self._client.enqueue_many_copy([Noop(x=x) for x in xs], queue=QUEUE)

    async def close(self) -> None:
        await self._client.close()


async def producer(url: str, options: Options) -> Producer:
    return _Producer(awa.AsyncClient(url))


async def work(url: str, options: Options, hit: Hit) -> None:
    client = awa.AsyncClient(url, options["pool"])

    async def noop(job: Any) -> None:
        hit(job.args.x)

    client.task(Noop, queue=QUEUE)(noop)
    await client.start([(QUEUE, options["concurrency"])])
    await asyncio.Event().wait()
