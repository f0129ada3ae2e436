"""The write-ahead log that a job costs from enqueue to done.

The first change of a page after a checkpoint logs the whole page, which says how long ago the
checkpoint was and not what a job costs. So some jobs go through first: they touch the pages that
all jobs share, and the jobs counted afterwards only add pages of their own.
"""

from __future__ import annotations

import asyncpg

from bench import backlogs
from bench.drains import wait_until_done
from bench.driver.probe import BEHIND
from bench.errors import require_equal
from bench.measurement import Bench, Figures, Measure
from bench.processes import workers
from bench.queue import SONIQ, TUNED
from bench.server import connected
from bench.stores import open_store

PRODUCERS = 10
POSITION = "SELECT pg_current_wal_insert_lsn() - '0/0'"
WHOLE_PAGES = "SELECT wal_fpi FROM pg_stat_wal"


async def _bytes_per_job(bench: Bench) -> Figures:
    jobs = bench.sizes.drain
    async with (
        bench.databases.fresh(await backlogs.empty(bench)) as url,
        connected(url) as connection,
    ):
        await SONIQ.program.produce("fill", url, count=jobs // 4, first=BEHIND)
        await _work_off(url, jobs // 4)
        position, pages = await _log(connection)
        made = await SONIQ.program.produce(
            "singles", url, count=jobs, producers=PRODUCERS, options=TUNED
        )
        await _work_off(url, jobs // 4 + made["rows"])
        end, pages_then = await _log(connection)
    return {"bytes": (end - position) / made["rows"], "whole-pages": pages_then - pages}


async def _work_off(url: str, jobs: int) -> None:
    async with open_store(url) as store:
        async with workers(SONIQ.program, url, TUNED) as [worker]:
            await wait_until_done(worker, store, SONIQ.done, jobs)
        require_equal("write-ahead log", jobs=jobs, done=await store.count(SONIQ.done))


async def _log(connection: asyncpg.Connection) -> tuple[int, int]:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    position = int(await connection.fetchval(POSITION))
    return position, int(await connection.fetchval(WHOLE_PAGES))


MEASUREMENTS: dict[str, Measure] = {"wal": _bytes_per_job}
