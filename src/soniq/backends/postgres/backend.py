"""The Postgres backend: opening, enqueueing, queries and what is done by hand."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import asyncpg

from soniq.backends.base import InsertJobs, Unavailable, Unstorable, Wake, WorkerSession
from soniq.backends.dead_letters import DeadLetterStore
from soniq.backends.diagnosis import Diagnosis
from soniq.backends.metric_points import MetricStore
from soniq.backends.overview import Overview
from soniq.backends.plugin_tables import PluginTables
from soniq.backends.postgres import migrate
from soniq.backends.postgres.address import check_url
from soniq.backends.postgres.callers import callers_connection
from soniq.backends.postgres.connection import (
    POOL_SIZE,
    Borrow,
    Connection,
    Database,
    transaction,
)
from soniq.backends.postgres.dead_letters import PostgresDeadLetters
from soniq.backends.postgres.diagnosis import PostgresDiagnosis
from soniq.backends.postgres.insert import Insert
from soniq.backends.postgres.metric_points import PostgresMetrics
from soniq.backends.postgres.notify import Notifier
from soniq.backends.postgres.overview import PostgresOverview
from soniq.backends.postgres.plugin_tables import PostgresPluginTables
from soniq.backends.postgres.pool import ConnectionPool, KeptConnection
from soniq.backends.postgres.rows import is_id, job_dict
from soniq.backends.postgres.schedules import Payload, PostgresSchedules
from soniq.backends.postgres.session import PostgresSession
from soniq.backends.postgres.upkeep import LIMITS
from soniq.backends.postgres.wakeups import Announcement, Arrival, announcement, arrivals
from soniq.backends.schedules import ScheduleStore
from soniq.records import JobDict, JobState, JobStatus, NewJob, NewWorker
from soniq.settings import SoniqSettings

_CLOSE_TIMEOUT: Final = 5.0
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)

_log = logging.getLogger("soniq.postgres")


class PostgresBackend:
    """Jobs in a Postgres database (15 or newer), shared by any number of processes and hosts.

    Args:
        database_url: ``postgresql://user:password@host:port/database?...``, as libpq takes it.

    Raises:
        ValueError: the URL cannot be taken apart.
    """

    def __init__(self, database_url: str) -> None:
        check_url(database_url)
        self._url = database_url
        self._database = Database(database_url)
        self._settings = SoniqSettings.model_construct()
        self._pool: ConnectionPool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._schema: str | None = None
        self._awaits_setup = False
        """The database did not exist when it was opened, so nothing is known of the way to it."""
        self._origin = uuid.uuid4().hex
        self._notifier: Notifier | None = None
        self._sessions: set[PostgresSession] = set()
        self._prune_from = _LONG_AGO

    @property
    def name(self) -> str:
        return "postgres"

    @property
    def location(self) -> str:
        return self._database.location

    # --- opening -------------------------------------------------------------------------------

    async def open(self, settings: SoniqSettings) -> None:
        if self._pool is not None and self._loop is asyncio.get_running_loop():
            return
        self._settings = settings
        self._schema = self._notifier = None
        self._sessions = set()
        self._database = Database(self._url, settings.schema)
        with self._database.translated():
            try:
                await self._database.notice_pooler()
                self._awaits_setup = False
            except asyncpg.InvalidCatalogNameError:
                self._awaits_setup = True
        self._loop = asyncio.get_running_loop()
        self._pool = await ConnectionPool.open(self._database, settings.pool_max_size or POOL_SIZE)

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if self._loop is not asyncio.get_running_loop():
            pool.abandon()
            return
        try:
            for session in list(self._sessions):
                await session.leave()
            self._pool = pool
            if self._notifier is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_TIMEOUT):
                        await self._notifier.close()
        finally:
            self._pool = None
            await pool.close()

    def sibling(self) -> PostgresBackend:
        return PostgresBackend(self._url)

    async def setup(self) -> list[str]:
        with self._database.translated():
            applied = await migrate.migrate(self._database)
        if self._awaits_setup:
            await self.close()
            await self.open(self._settings)
        return applied

    async def migrations(self) -> list[tuple[str, bool]]:
        with self._database.translated():
            return await migrate.listing(self._database)

    async def ping(self) -> None:
        async with self._borrowed() as connection:
            await migrate.check(self._database, connection)

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Connection]:
        """A connection of the pool, to tables that are known to fit."""
        if self._pool is None:
            raise Unavailable(f"{self.location}: the backend is not open")
        with self._database.translated():
            async with self._pool.borrowed() as connection:
                if self._schema is None:
                    self._schema = await migrate.check(self._database, connection)
                yield connection

    async def _doubt_connections(self, patience: float) -> None:
        if self._pool is not None:
            await self._pool.doubt(patience)

    async def _fetch(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        async with self._borrowed() as connection:
            return await self._database.fetch(connection, statement, *args)

    # --- waking --------------------------------------------------------------------------------

    async def _notifying(self) -> Notifier:
        if self._notifier is None:
            if self._schema is None:
                await self.ping()
            self._notifier = Notifier(
                self._notify,
                schema=await self._schema_name(),
                origin=self._origin,
                enabled=self._settings.notify,
            )
        return self._notifier

    async def _schema_name(self) -> str:
        """The schema that the tables are in, whether it was given or found by the search path."""
        if self._schema is None:
            async with self._borrowed():
                pass
        assert self._schema is not None
        return self._schema

    async def _notify(self, payload: str) -> None:
        await self._fetch("notify", payload)

    def _announce(self, told: Announcement) -> None:
        for session in list(self._sessions):
            session.announce(told)

    # --- jobs in -------------------------------------------------------------------------------

    async def insert(self, jobs: Sequence[NewJob], *, repeated: bool = False) -> list[str]:
        return await self._insert(self._borrowed, jobs, repeated=repeated)

    @asynccontextmanager
    async def inserting(self) -> AsyncIterator[InsertJobs]:
        if self._pool is None:
            yield self.insert
            return
        async with KeptConnection(self._pool, self._borrowed) as kept:
            yield partial(self._insert, kept.lent)

    async def _insert(
        self, borrow: Borrow, jobs: Sequence[NewJob], *, repeated: bool = False
    ) -> list[str]:
        if not jobs:
            return []
        notifier = await self._notifying()
        telling = notifier.begin(arrivals(job for job in jobs if job.dedup_key is None))
        insert = Insert(self._database, jobs, telling.payload, notifier.payload)
        try:
            async with borrow() as connection:
                ids = await insert.alone(connection, repeated=repeated)
        except BaseException:
            # It may have been stored all the same, and this process hears nothing of itself.
            for session in list(self._sessions):
                session.forget()
            raise
        if insert.arrived:
            self._announce(announcement(insert.arrived, insert.now))
            notifier.stored(telling, insert.now)
        return ids

    async def insert_on(self, connection: object, jobs: Sequence[NewJob]) -> list[str]:
        callers = await callers_connection(connection)
        if not jobs:
            return []
        notifier = await self._notifying()
        free = arrivals(job for job in jobs if job.dedup_key is None)
        insert = Insert(
            self._database,
            jobs,
            notifier.payload(free, ours=False),
            lambda arrived: notifier.payload(arrived, ours=False),
        )
        return await insert.within(callers)

    # --- jobs out ------------------------------------------------------------------------------

    async def get_job(self, job_id: str) -> JobDict | None:
        if not is_id(job_id):
            return None
        rows = await self._fetch("get_job", job_id)
        return job_dict(rows[0]) if rows else None

    async def job_states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        rows = await self._fetch("job_states", [job_id for job_id in job_ids if is_id(job_id)])
        return {row[0]: JobState._make(row[1:]) for row in rows}

    async def list_jobs(
        self, *, queue: str | None, status: str | None, limit: int, offset: int
    ) -> list[JobDict]:
        try:
            if status == JobStatus.DEAD_LETTER:
                rows = await self._fetch("list_dead_letters", queue, limit, offset)
            else:
                rows = await self._fetch("list_jobs", queue, status, limit, offset)
        except Unstorable:
            # What the database cannot hold, no job has.
            return []
        return [job_dict(row) for row in rows]

    async def queue_stats(self) -> dict[str, dict[str, int]]:
        stats: dict[str, dict[str, int]] = {}
        for row in await self._fetch("queue_stats"):
            counts = stats.setdefault(row["queue"], {status.value: 0 for status in JobStatus})
            counts[row["status"]] = row["jobs"]
        return stats

    async def list_workers(self, *, stale_after: float) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._fetch("list_workers", stale_after)]

    # --- jobs changed by hand ------------------------------------------------------------------

    async def cancel_job(self, job_id: str) -> bool:
        return is_id(job_id) and bool(await self._fetch("cancel_job", job_id))

    async def delete_job(self, job_id: str) -> bool:
        return is_id(job_id) and bool(await self._fetch("delete_job", job_id))

    # --- dead letters --------------------------------------------------------------------------

    @property
    def dead_letters(self) -> DeadLetterStore:
        return PostgresDeadLetters(
            self._database, self._borrowed, self._tell, self._announce_arrivals
        )

    async def _tell(self, connection: Connection, arrived: Sequence[Arrival]) -> None:
        """Notify of `arrived` in the open transaction; this process too: its answer may be lost."""
        payload = (await self._notifying()).payload(arrived, ours=False)
        if payload is not None:
            await self._database.fetch(connection, "notify", payload)

    def _announce_arrivals(self, arrived: Sequence[Arrival], now: datetime) -> None:
        self._announce(announcement(arrived, now))

    # --- schedules -----------------------------------------------------------------------------

    @property
    def schedules(self) -> ScheduleStore:
        return PostgresSchedules(
            self._database,
            self._borrowed,
            self._payload,
            self._announce_arrivals,
            notify=self._settings.notify,
        )

    async def _payload(self) -> Payload:
        notifier = await self._notifying()
        return lambda arrived: notifier.payload(arrived, ours=False)

    # --- plugins -------------------------------------------------------------------------------

    @property
    def plugin_tables(self) -> PluginTables:
        return PostgresPluginTables(self._database, self._borrowed)

    # --- time series ---------------------------------------------------------------------------

    @property
    def metric_points(self) -> MetricStore:
        return PostgresMetrics(self._database, self._borrowed)

    # --- for those who look --------------------------------------------------------------------

    @property
    def overview(self) -> Overview:
        return PostgresOverview(self._database, self._borrowed)

    # --- health --------------------------------------------------------------------------------

    @property
    def diagnosis(self) -> Diagnosis:
        return PostgresDiagnosis(self._database)

    # --- workers -------------------------------------------------------------------------------

    async def join(self, worker: NewWorker, wake: Wake) -> WorkerSession:
        notifier = await self._notifying()
        session = PostgresSession(
            self._database,
            self._settings,
            worker,
            wake,
            schema=await self._schema_name(),
            origin=self._origin,
            borrow=self._borrowed,
            announce=self._announce,
            payload=notifier.payload,
            notifies=notifier.enabled,
            left=self._sessions.discard,
            rerouted=self._doubt_connections,
        )
        try:
            await session.join()
        except BaseException:
            await session.leave()
            raise
        self._sessions.add(session)
        return session

    # --- upkeep --------------------------------------------------------------------------------

    async def prune(self, *, result_ttl: float, dead_letter_ttl: float | None, limit: int) -> int:
        async with self._borrowed() as connection:
            pruned = await self._prune_jobs(connection, result_ttl, limit)
            if dead_letter_ttl is not None:
                pruned += await self._prune(
                    connection, "prune_dead_letters", dead_letter_ttl, limit - pruned
                )
            return pruned + await self._prune(connection, "prune_workers", limit - pruned)

    async def _prune_jobs(self, connection: Connection, ttl: float, limit: int) -> int:
        """The batches of a sweep begin where the one before ended, past its dead entries."""
        async with transaction(connection, **LIMITS):
            rows = await self._database.fetch(
                connection, "prune_jobs", ttl, limit, self._prune_from
            )
        more = len(rows) == limit
        self._prune_from = max(row[0] for row in rows) if rows and more else _LONG_AGO
        return len(rows)

    async def _prune(self, connection: Connection, statement: str, *args: Any) -> int:
        async with transaction(connection, **LIMITS):
            return len(await self._database.fetch(connection, statement, *args))

    async def lease(self, name: str, holder: str, life: float) -> bool:
        return bool(await self._fetch("lease", name, holder, life))

    async def resign(self, name: str, holder: str) -> None:
        await self._fetch("resign", name, holder)
