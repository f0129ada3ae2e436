"""PgQueuer on asyncpg. Options: ``batch_size``, and ``max_concurrent_tasks`` as a bound."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from bench.driver.subject import Hit, Options, Producer

UVLOOP = True
ENTRYPOINT = "noop"


async def setup(url: str) -> None:
    connection = await asyncpg.connect(url)
    await Queries(AsyncpgDriver(connection)).install()
    await connection.close()


class _Producer:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries = Queries(AsyncpgPoolDriver(pool))

    async def one(self, x: int) -> None:
        await self._queries.enqueue(ENTRYPOINT, b"%d" % x)

    async def many(self, xs: Sequence[int]) -> None:
        names, priorities = [ENTRYPOINT] * len(xs), [0] * len(xs)
        await self._queries.enqueue(names, [b"%d" % x for x in xs], priorities)

    async def close(self) -> None:
        await self._pool.close()


async def producer(url: str, options: Options) -> Producer:
    return _Producer(await asyncpg.create_pool(url, min_size=10, max_size=10))


async def work(url: str, options: Options, hit: Hit) -> None:
    app = PgQueuer(AsyncpgDriver(await asyncpg.connect(url)))

    async def noop(job: Job) -> None:
        hit(int(job.payload or b"0"))

    app.entrypoint(ENTRYPOINT)(noop)
    await app.run(**options)
