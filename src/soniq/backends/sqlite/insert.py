"""Storing jobs, in a transaction of our own or in a caller's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import aiosqlite

from soniq.backends.sqlite import schema
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.failures import check_text
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.statements import SQL
from soniq.backends.sqlite.times import Clock, ahead, stamp
from soniq.records import NewJob


def check_storable(jobs: Iterable[NewJob]) -> None:
    """Refuse values that cannot be stored.

    Raises:
        Unstorable: a text holds a NUL character or a lone surrogate.
    """
    for job in jobs:
        check_text(job.job_name, job.args, job.queue, job.dedup_key, job.producer_id, job.trace)


def _row(job: NewJob, now: datetime, stamped: str) -> tuple[Any, ...]:
    if job.scheduled_at is not None:
        due = stamp(job.scheduled_at)
    else:
        due = ahead(now, job.delay) if job.delay else stamped
    return (
        job.id,
        job.job_name,
        job.queue,
        job.priority,
        job.max_attempts,
        job.dedup_key,
        due,
        stamped,
        stamped,
        job.producer_id,
        job.trace,
        job.args,
    )


def _rows(jobs: Iterable[NewJob], now: datetime) -> list[tuple[Any, ...]]:
    stamped = stamp(now)
    return [_row(job, now, stamped) for job in jobs]


def insert(database: Database, jobs: Sequence[NewJob], *, repeated: bool = False) -> list[str]:
    """Store `jobs` and return their ids; see `Backend.insert`."""
    with database.writing() as now:
        dead = _dead_among(database, jobs) if repeated else set()
        if not dead:
            return insert_within(database, jobs, now)
        others = [job for job in jobs if job.id not in dead]
        stored = dict(zip(others, insert_within(database, others, now), strict=True))
        return [stored.get(job, job.id) for job in jobs]


def _dead_among(database: Database, jobs: Sequence[NewJob]) -> set[str]:
    return {row[0] for row in database.rows("dead_among", ids=text_of([job.id for job in jobs]))}


def insert_within(database: Database, jobs: Sequence[NewJob], now: datetime) -> list[str]:
    """The same in the transaction that is open since `now`."""
    if database.change_many("insert", _rows(jobs, now)) == len(jobs):
        return [job.id for job in jobs]
    return [
        job.id
        if job.dedup_key is None
        else database.value("stored_as", id=job.id, dedup_key=job.dedup_key)
        for job in jobs
    ]


def _is_same_file(path: str, other: str) -> bool:
    try:
        return bool(path) and Path(path).samefile(other)
    except FileNotFoundError:
        return False


class CallersTransaction:
    """A user's aiosqlite connection to the same file, on which jobs are stored.

    Raises:
        ValueError: it is another kind of connection, or none to this file.
    """

    def __init__(self, connection: object, path: str, clock: Clock) -> None:
        if not isinstance(connection, aiosqlite.Connection):
            raise ValueError(  # noqa: TRY004 - one error for every connection of no use
                "Transactional enqueue on SQLite needs an aiosqlite connection,"
                f" got {type(connection).__module__}.{type(connection).__qualname__}"
            )
        self._connection = connection
        self._path = path
        self._clock = clock

    async def insert(self, jobs: Sequence[NewJob]) -> list[str]:
        await self._check_file()
        begun = await self._begin()
        try:
            ids = await self._insert_or_nothing(jobs)
        except BaseException:
            if begun:
                await self._connection.rollback()
            raise
        if begun and self._connection.isolation_level is None:
            await self._connection.commit()
        return ids

    async def _check_file(self) -> None:
        try:
            rows = await self._fetch("PRAGMA database_list")
        except (ValueError, sqlite3.ProgrammingError) as error:
            raise ValueError(f"Transactional enqueue needs an open connection: {error}") from error
        path = next((row[2] for row in rows if row[1] == "main"), "")
        if not _is_same_file(path, self._path):
            raise ValueError(
                f"Transactional enqueue needs a connection to {self._path}, this one is open on"
                f" {path or 'a database in memory'}"
            )

    async def _begin(self) -> bool:
        """Begin what the driver would begin with the first change; whether that was needed.

        The savepoint would otherwise be the transaction, and end with its release.
        """
        if self._connection.in_transaction:
            return False
        await self._execute("BEGIN IMMEDIATE")
        return True

    async def _insert_or_nothing(self, jobs: Sequence[NewJob]) -> list[str]:
        await self._execute("SAVEPOINT soniq_insert")
        try:
            await self._create_tables()
            # The clock is read once the transaction holds the write lock.
            await self._execute(SQL["take_lock"])
            ids = await self._insert(jobs)
        except BaseException:
            # A full disk ends the whole transaction by itself.
            if self._connection.in_transaction:
                await self._execute("ROLLBACK TO soniq_insert")
                await self._execute("RELEASE soniq_insert")
            raise
        await self._execute("RELEASE soniq_insert")
        return ids

    async def _create_tables(self) -> None:
        """On a new file too: nobody else could create them while this transaction lasts."""
        applied: dict[int, int] = {}
        if await self._fetch(schema.HAS_LEDGER):
            applied = dict(await self._fetch(schema.READ_LEDGER))
        for migration in schema.pending(applied):
            await self._execute(schema.CREATE_LEDGER)
            for statement in schema.statements(migration.text):
                await self._execute(statement)
            await self._execute(schema.WRITE_LEDGER, migration.ledger_row(stamp(self._clock())))

    async def _insert(self, jobs: Sequence[NewJob]) -> list[str]:
        before = self._connection.total_changes
        async with self._connection.executemany(SQL["insert"], _rows(jobs, self._clock())):
            pass
        if self._connection.total_changes - before == len(jobs):
            return [job.id for job in jobs]
        return [await self._stored_as(job) for job in jobs]

    async def _stored_as(self, job: NewJob) -> str:
        if job.dedup_key is None:
            return job.id
        rows = await self._fetch(SQL["stored_as"], {"id": job.id, "dedup_key": job.dedup_key})
        return str(rows[0][0])

    async def _execute(self, sql: str, parameters: Any = None) -> None:
        async with self._connection.execute(sql, parameters):
            return

    async def _fetch(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        async with self._connection.execute(sql, parameters) as cursor:
            # The caller may have set a row factory.
            return [tuple(row) for row in await cursor.fetchall()]
