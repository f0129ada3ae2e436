"""Under a transaction that stays open, what has ended costs those that come after it nothing.

Nothing that has changed since it began can be cleared away: the indexes fill with entries of rows
as they were. Whoever walks over them does more work with every job that ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import pytest

from soniq.backends.base import WorkerSession
from soniq.backends.postgres import PostgresBackend
from soniq.records import Done
from tests.backends.stores import PATIENCE, PostgresStore
from tests.factories import ending, new_jobs

JOBS: Final = 2_000
BATCH: Final = 20


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "deleted"])
async def test_no_statement_walks_over_what_has_ended(
    store: PostgresStore, backend: PostgresBackend, sql: asyncpg.Connection[Any], keep: bool
) -> None:
    old = await asyncpg.connect(store.url)
    async with old.transaction(isolation="repeatable_read"):
        await old.fetch("SELECT count(*) FROM soniq_jobs")
        before = await entries_read(sql)
        worker = await store.join()
        await backend.insert(new_jobs(JOBS))
        for _ in range(JOBS // BATCH):
            await run_a_batch(worker.session, Done(keep=keep))
        await worker.session.leave()
        await backend.close()
        await all_have_left(sql, but=[old, sql])
        read = await entries_read(sql) - before
    await old.close()
    assert JOBS <= read <= 20 * JOBS, f"{read / JOBS:.1f} entries of indexes were read for each job"


async def run_a_batch(session: WorkerSession, outcome: Done) -> None:
    """As a worker does: claim, store the ends, and look after the dead now and then."""
    claimed = await session.claim(BATCH)
    assert len(claimed.jobs) == BATCH
    assert len(await session.finish([ending(job, outcome) for job in claimed.jobs])) == BATCH
    await session.recover(max_crashes=3)


async def all_have_left(
    sql: asyncpg.Connection[Any], but: Sequence[asyncpg.Connection[Any]]
) -> None:
    """Wait until no other session is left: at its end at the latest, what it did is counted."""
    pids = [connection.get_server_pid() for connection in but]
    async with asyncio.timeout(PATIENCE):
        while await sql.fetchval(  # noqa: ASYNC110 - a server tells nobody who leaves it
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> ALL ($1::int[])",
            pids,
        ):
            await asyncio.sleep(0.02)


async def entries_read(sql: asyncpg.Connection[Any]) -> int:
    """Entries that scans of the jobs' indexes have come by, of live rows and of others."""
    read: int = await sql.fetchval(
        "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'soniq_jobs'"
    )
    return read
