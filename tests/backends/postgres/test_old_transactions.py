"""Under a transaction that stays open, what has ended costs those that come after it nothing.

Nothing that has changed since it began can be cleared away: the indexes fill with entries of rows
as they were. Whoever walks over them does more work with every job that ends.
"""

from __future__ import annotations

from typing import Any, Final

import asyncpg
import pytest

from soniq.backends.base import WorkerSession
from soniq.backends.postgres import PostgresBackend
from soniq.records import Done
from tests.backends.stores import PostgresStore
from tests.factories import ending, new_jobs
from tests.sessions import until_sessions

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
        # At the end of a session, at the latest, what it did is counted.
        await until_sessions(store.url, 2)
        read = await entries_read(sql) - before
    await old.close()
    assert JOBS <= read <= 20 * JOBS, f"{read / JOBS:.1f} entries of indexes were read for each job"


async def run_a_batch(session: WorkerSession, outcome: Done) -> None:
    """As a worker does: claim, store the ends, and look after the dead now and then."""
    claimed = await session.claim(BATCH)
    assert len(claimed.jobs) == BATCH
    assert len(await session.finish([ending(job, outcome) for job in claimed.jobs])) == BATCH
    await session.recover(max_crashes=3)


async def entries_read(sql: asyncpg.Connection[Any]) -> int:
    """Entries that scans of the jobs' indexes have come by, of live rows and of others."""
    read: int = await sql.fetchval(
        "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'soniq_jobs'"
    )
    return read
