"""One connection that claims a batch and finishes it, in turn, until nothing is queued."""

from __future__ import annotations

import time
import uuid

import asyncpg

from bench.errors import BenchError, require_equal
from bench.server import connected

CLAIM = """
UPDATE soniq_jobs
SET status = 'processing', worker_id = $4, started_at = now(), updated_at = now(),
    attempts = attempts + 1, claim = claim + 1
WHERE id = ANY (ARRAY (
    SELECT id FROM soniq_jobs
    WHERE status = 'queued' AND queue = $1 AND priority = $2 AND crashes = 0
      AND scheduled_at <= now()
    ORDER BY scheduled_at, id
    LIMIT $3
    FOR UPDATE SKIP LOCKED))
RETURNING id, job_name, args, attempts, max_attempts, claim, scheduled_at, created_at
"""

FINISH = """
UPDATE soniq_jobs
SET status = 'done', finished_at = now(), updated_at = now()
WHERE id = ANY ($1::uuid[]) AND status = 'processing' AND worker_id = $2
"""

LANE = ("default", 100)

# On a table of a few hundred jobs reading all of it is right, and no plan to compare with.
SETTINGS = "SET plan_cache_mode = force_custom_plan; SET enable_seqscan = off"


async def drain(url: str, batch: int, jobs: int) -> float:
    """Claim and finish the `jobs` queued at `url`, `batch` at a time; return jobs a second.

    Raises:
        BenchError: a plan reads the whole table, so this would be no limit to compare with.
        CountMismatch: not every job is done afterwards.
    """
    worker = str(uuid.uuid4())
    async with connected(url) as connection:
        await connection.execute(SETTINGS)
        await _require_indexes(connection, batch, worker)
        started = time.monotonic_ns()
        await _loop(connection, batch, worker)
        seconds = (time.monotonic_ns() - started) / 1e9
        done = await connection.fetchval("SELECT count(*) FROM soniq_jobs WHERE status = 'done'")
    require_equal(f"raw drain by {batch}", jobs=jobs, done=done)
    return jobs / seconds


async def _loop(connection: asyncpg.Connection, batch: int, worker: str) -> None:
    claim = await connection.prepare(CLAIM)
    finish = await connection.prepare(FINISH)
    while rows := await claim.fetch(*LANE, batch, worker):
        await finish.fetch([row["id"] for row in rows], worker)


async def _require_indexes(connection: asyncpg.Connection, batch: int, worker: str) -> None:
    first = await connection.fetch("SELECT id FROM soniq_jobs ORDER BY id LIMIT $1", batch)
    plans = [
        await connection.fetch(f"EXPLAIN {CLAIM}", *LANE, batch, worker),
        await connection.fetch(f"EXPLAIN {FINISH}", [row["id"] for row in first], worker),
    ]
    for plan in plans:
        text = "\n".join(line[0] for line in plan)
        if "Seq Scan" in text:
            raise BenchError(f"the raw loop by {batch} reads the whole table:\n{text}")
