"""A row that somebody has locked is told of at once, and stays whose it is."""

from __future__ import annotations

import asyncpg
import pytest

from soniq.backends.base import Contended
from soniq.records import Done
from tests.backends.stores import PostgresStore
from tests.factories import new_jobs


async def test_an_end_does_not_wait_for_a_locked_row(pg_url: str) -> None:
    store = PostgresStore(pg_url)
    store.backend = await store.open()
    worker = await store.join()
    await store.backend.insert(new_jobs(2))
    locked, free = await worker.claim(2)
    somebody = await asyncpg.connect(pg_url)
    async with somebody.transaction():
        await somebody.execute("SELECT FROM soniq_jobs WHERE id = $1 FOR UPDATE", locked.id)
        with pytest.raises(Contended):
            await worker.finish(locked, Done("1"))
        assert await worker.finish(free, Done("2"))
    await somebody.close()
    assert await worker.finish(locked, Done("1"))
    await store.close()
