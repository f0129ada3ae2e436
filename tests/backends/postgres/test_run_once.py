"""Running until nothing is left, on a database that others use too."""

from __future__ import annotations

from typing import Any

from soniq import Soniq
from tests.backends.stores import PostgresStore


async def test_what_lies_behind_many_lanes_that_others_hold_is_run(
    store: PostgresStore, pg_url: str, sql: Any
) -> None:
    async with Soniq(pg_url) as app:
        await app.setup()

        @app.job(name="job")
        async def job() -> None: ...

        for priority in range(1, 13):
            for queue in ("a", "b"):
                await app.enqueue(job, queue=queue, priority=priority)
        async with sql.transaction():
            await sql.fetch("SELECT FROM soniq_jobs FOR UPDATE")
            await app.enqueue(job, queue="a", priority=50)
            await app.run_worker(run_once=True, concurrency=2)
            stats = await app.get_queue_stats()
    assert (stats["done"], stats["queued"]) == (1, 24)
