"""Enqueueing on the caller's own connection."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest

from soniq.backends.sqlite import SQLiteBackend
from tests.factories import new_job, new_jobs


async def test_the_drivers_own_transaction_is_the_callers_too(
    backend: SQLiteBackend, path: str
) -> None:
    """As aiosqlite is used by default: the driver begins with the first change."""
    await backend.setup()
    async with aiosqlite.connect(path) as connection:
        await backend.insert_on(connection, [undone := new_job()])
        assert await _status(backend, undone.id) is None
        await connection.rollback()
        await backend.insert_on(connection, [kept := new_job()])
        await connection.commit()

    assert await _status(backend, undone.id) is None
    assert await _status(backend, kept.id) == "queued"


async def test_without_a_transaction_the_job_is_stored_at_once(
    backend: SQLiteBackend, path: str
) -> None:
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await backend.insert_on(connection, [job := new_job()])
        assert not connection.in_transaction

    assert await _status(backend, job.id) == "queued"


async def test_the_first_enqueue_ever_may_be_inside_a_transaction(
    backend: SQLiteBackend, path: str
) -> None:
    """Nobody else could create the tables while it lasts."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute("BEGIN IMMEDIATE")
        await backend.insert_on(connection, jobs := new_jobs(3))
        await connection.execute("COMMIT")

    assert [await _status(backend, job.id) for job in jobs] == ["queued"] * 3


async def test_a_failure_takes_back_the_call_and_no_more(backend: SQLiteBackend, path: str) -> None:
    await backend.setup()
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        await connection.execute("CREATE TABLE mine (id)")
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO mine VALUES (1)")
        broken = new_job()._replace(priority=None)  # type: ignore[arg-type]
        with pytest.raises(sqlite3.Error):
            await backend.insert_on(connection, [good := new_job(), broken])
        await connection.execute("COMMIT")
        async with connection.execute("SELECT id FROM mine") as cursor:
            assert list(await cursor.fetchall()) == [(1,)]

    assert await _status(backend, good.id) is None


async def test_a_row_factory_of_the_caller_is_no_obstacle(
    backend: SQLiteBackend, path: str
) -> None:
    async with aiosqlite.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        await backend.insert_on(connection, [job := new_job(dedup_key="key")])
        assert await backend.insert_on(connection, [new_job(dedup_key="key")]) == [job.id]
        await connection.commit()

    assert await _status(backend, job.id) == "queued"


async def test_other_connections_are_refused(
    backend: SQLiteBackend, path: str, tmp_path: Path
) -> None:
    await backend.setup()
    refused = pytest.raises(ValueError, match=r"Transactional enqueue.*sqlite3")
    with closing(sqlite3.connect(path)) as blocking, refused:
        await backend.insert_on(blocking, [new_job()])
    for elsewhere in (":memory:", tmp_path / "other.db"):
        async with aiosqlite.connect(elsewhere) as connection:
            with pytest.raises(ValueError, match="Transactional enqueue"):
                await backend.insert_on(connection, [new_job()])
            assert not connection.in_transaction
    with pytest.raises(ValueError, match="Transactional enqueue"):
        await backend.insert_on(connection, [new_job()])


async def _status(backend: SQLiteBackend, job_id: str) -> str | None:
    job = await backend.get_job(job_id)
    return None if job is None else str(job["status"])
