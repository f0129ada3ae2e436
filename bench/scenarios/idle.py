"""What a worker that has nothing to do asks of the database."""

from __future__ import annotations

import asyncio

import asyncpg

from bench import backlogs
from bench.measurement import Bench, Figures, Measure
from bench.processes import workers
from bench.queue import DEFAULTS, SONIQ
from bench.server import connected

SETTLE = 3.0

# Each statement outside a transaction block is a transaction of its own.
TRANSACTIONS = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""


async def _queries(bench: Bench) -> Figures:
    seconds = bench.sizes.idle
    async with (
        bench.databases.fresh(await backlogs.empty(bench)) as url,
        workers(SONIQ.program, url, DEFAULTS),
        connected(url) as connection,
    ):
        await asyncio.sleep(SETTLE)
        before = await _transactions(connection)
        await asyncio.sleep(seconds)
        own = 2
        return {"queries": (await _transactions(connection) - before - own) / seconds}


async def _transactions(connection: asyncpg.Connection) -> int:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    return int(await connection.fetchval(TRANSACTIONS))


MEASUREMENTS: dict[str, Measure] = {"idle": _queries}
