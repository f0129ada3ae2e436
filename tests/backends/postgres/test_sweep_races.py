"""What happens between the look of a sweep and its locks is not overruled by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from soniq.backends.postgres.sql import statements
from tests.backends.stores import PATIENCE, PostgresStore
from tests.factories import new_job

_GATE: Final = 5150


def gated(statement: str, found: str) -> str:
    """The statement with a gate between its look, which ends in `found`, and its locks."""
    text, look = statements(None)[statement], f"ARRAY(SELECT id FROM {found})"
    assert text.count(look) == 1
    return text.replace(look, f"{look[:-1]} CROSS JOIN pg_advisory_xact_lock({_GATE}))")


@asynccontextmanager
async def held_at_gate(sql: Any, pg_url: str, text: str, *args: Any) -> AsyncIterator[Any]:
    """Run a gated statement, held at the gate during the block; gives its task."""
    connection = await asyncpg.connect(pg_url)
    try:
        await sql.fetch("SELECT pg_advisory_lock($1)", _GATE)
        task = asyncio.create_task(connection.fetch(text, *args))
        async with asyncio.timeout(PATIENCE):
            while not await sql.fetch(
                "SELECT FROM pg_locks WHERE objid = $1::bigint AND NOT granted", _GATE
            ):
                assert not task.done()
        yield task
        await sql.fetch("SELECT pg_advisory_unlock($1)", _GATE)
        await asyncio.wait_for(task, PATIENCE)
    finally:
        await connection.close()


async def test_a_worker_whose_heartbeat_comes_during_the_look_is_not_declared_dead(
    store: PostgresStore, sql: Any, pg_url: str
) -> None:
    watching, slow = await store.join(), await store.join()
    await sql.execute(
        "UPDATE soniq_workers SET last_heartbeat = now() - interval '1 hour' WHERE id = $1", slow.id
    )
    text = gated("declare_dead", "dead")
    async with held_at_gate(sql, pg_url, text, watching.id, 60.0, [], True) as sweep:
        assert await slow.session.heartbeat()
    assert [row["id"] for row in sweep.result()] == [None]
    assert await slow.session.heartbeat()


async def test_a_job_that_a_new_worker_claimed_during_the_look_is_not_taken_from_it(
    store: PostgresStore, sql: Any, pg_url: str
) -> None:
    await store.backend.insert([job := new_job()])
    gone, other = await store.join(), await store.join()
    await gone.claim_one()
    await sql.execute("UPDATE soniq_workers SET status = 'stopped' WHERE id = $1", gone.id)
    text = gated("recover", "orphan")
    async with held_at_gate(sql, pg_url, text, 3, 1000) as sweep:
        assert (await other.session.recover(max_crashes=3)).requeued == [job.id]
        claimed = await (newcomer := await store.join()).claim_one()
    assert sweep.result() == []
    assert (await store.job(job.id))["worker_id"] == newcomer.id
    assert claimed.id == job.id
