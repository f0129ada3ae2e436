"""Somebody else holds the file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from soniq.backends.base import Contended
from soniq.backends.sqlite import SQLiteBackend
from tests.backends.sqlite.conftest import PATIENCE, Opener
from tests.factories import new_job


@contextmanager
def somebody_writing(path: str) -> Iterator[sqlite3.Connection]:
    """A user's connection with an open write transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


async def test_a_keyed_enqueue_gives_up_soon_for_the_key_may_be_the_holders(
    backend: SQLiteBackend, path: str
) -> None:
    await backend.ping()
    with somebody_writing(path):
        begun = time.monotonic()
        with pytest.raises(Contended):
            await backend.insert([new_job(dedup_key="key")])

    assert time.monotonic() - begun < PATIENCE


async def test_an_enqueue_waits_for_the_commit_and_reads_the_clock_after_it(
    backend: SQLiteBackend, path: str
) -> None:
    await backend.ping()
    with somebody_writing(path) as connection:
        waiting = asyncio.ensure_future(backend.insert([job := new_job()]))
        # Looking goes on meanwhile.
        assert await backend.get_job(job.id) is None
        assert not waiting.done()
        released = time.time()
        connection.execute("COMMIT")
        async with asyncio.timeout(PATIENCE):
            await waiting

    stored = await backend.get_job(job.id)
    assert stored is not None
    assert stored["created_at"].timestamp() >= released - 0.000_001


async def test_a_caller_that_gives_up_leaves_nothing_behind(
    backend: SQLiteBackend, path: str
) -> None:
    await backend.ping()
    with somebody_writing(path), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await backend.insert([given_up := new_job()])

    await backend.insert([other := new_job()])
    assert await backend.get_job(given_up.id) is None
    assert await backend.get_job(other.id) is not None


async def test_looking_for_work_in_vain_asks_for_no_lock(opener: Opener, path: str) -> None:
    session = await opener.session()
    with somebody_writing(path):
        async with asyncio.timeout(PATIENCE):
            assert (await session.claim(10)).jobs == []
            assert (await session.recover(max_crashes=3)).requeued == []


async def test_an_open_read_of_somebody_else_holds_up_no_write(
    backend: SQLiteBackend, path: str
) -> None:
    await backend.ping()
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM soniq_jobs").fetchone() == (0,)
        async with asyncio.timeout(PATIENCE):
            await backend.insert([job := new_job()])
        assert reader.execute("SELECT count(*) FROM soniq_jobs").fetchone() == (0,)

    assert await backend.get_job(job.id) is not None
