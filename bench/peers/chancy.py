"""chancy with its asyncio executor and default plugins. Option: ``concurrency``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from chancy import Chancy, Queue, Worker, job

from bench.driver.subject import Hit, Options, Producer

UVLOOP = False
QUEUE = "bench"
_hits: list[Hit] = []
_log = logging.getLogger("bench.chancy")
_log.setLevel(logging.WARNING)


async def _call(*, x: int) -> None:
    _hits[0](x)


noop = job(queue=QUEUE)(_call)


async def setup(url: str) -> None:
    async with Chancy(url, log=_log) as app:
        await app.migrate()
        await app.declare(_queue(10))


def _queue(concurrency: int) -> Queue:
    return Queue(QUEUE, executor=Chancy.Executor.Async, concurrency=concurrency, eager_polling=True)


class _Producer:
    def __init__(self, app: Any) -> None:
        self._app = app

    async def one(self, x: int) -> None:
        await self._app.push(noop.job.with_kwargs(x=x))

    async def many(self, xs: Sequence[int]) -> None:
        jobs = [noop.job.with_kwargs(x=x) for x in xs]
        async for _ in self._app.push_many(jobs, batch_size=len(jobs)):
            pass

    async def close(self) -> None:
        await self._app.__aexit__(None, None, None)


async def producer(url: str, options: Options) -> Producer:
    app = Chancy(url, log=_log)
    await app.__aenter__()
    return _Producer(app)


async def work(url: str, options: Options, hit: Hit) -> None:
    _hits.append(hit)
    async with Chancy(url, log=_log) as app:
        await app.declare(_queue(options["concurrency"]), upsert=True)
        async with Worker(app) as worker:
            await worker.wait_for_shutdown()
