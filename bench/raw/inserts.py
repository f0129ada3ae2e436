"""Plain inserts: many rows in one statement, and one row a statement over a pool."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import asyncpg
import uuid_utils

from bench.server import connected

COLUMNS = """
(id, job_name, args, queue, priority, max_attempts, producer_id,
 scheduled_at, created_at, updated_at)
"""

BULK = f"""
INSERT INTO soniq_jobs {COLUMNS}
SELECT id, job_name, args, queue, priority, 4, $6, now(), now(), now()
FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[], $5::int[])
     AS new (id, job_name, args, queue, priority)
"""

SINGLE = f"""
INSERT INTO soniq_jobs {COLUMNS}
VALUES ($1, $2, $3, $4, $5, 4, $6, now(), now(), now())
"""

CONNECTIONS = 10
PRODUCER = "raw"


def _row(x: int) -> tuple[Any, ...]:
    new = uuid.UUID(bytes=uuid_utils.uuid7().bytes)
    return new, "bench.noop", f'{{"x": {x}}}', "default", 100


async def bulk(url: str, jobs: int) -> float:
    """Insert `jobs` rows in one statement; return rows a second. The arrays are made beforehand."""
    columns = [list(column) for column in zip(*map(_row, range(jobs)), strict=True)]
    async with connected(url) as connection:
        insert = await connection.prepare(BULK)
        await insert.fetch(*(column[:0] for column in columns), PRODUCER)
        started = time.monotonic_ns()
        await insert.fetch(*columns, PRODUCER)
        return jobs / ((time.monotonic_ns() - started) / 1e9)


async def singles(url: str, jobs: int, producers: int) -> float:
    """Insert `jobs` rows one statement a call, by `producers` coroutines over a pool of 10."""
    pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    try:
        await asyncio.gather(*[_insert(pool, 0, 5) for _ in range(CONNECTIONS)])
        share = jobs // producers
        started = time.monotonic_ns()
        await asyncio.gather(*[_insert(pool, k * share, share) for k in range(producers)])
        return share * producers / ((time.monotonic_ns() - started) / 1e9)
    finally:
        await pool.close()


async def _insert(pool: asyncpg.Pool, first: int, count: int) -> None:
    for x in range(first, first + count):
        await pool.execute(SINGLE, *_row(x), PRODUCER)
