"""The SQLite backend: queries, enqueue, and what is done by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

from soniq.backends.base import InsertJobs, Unavailable, Wake, WorkerSession
from soniq.backends.dead_letters import DeadLetterStore
from soniq.backends.diagnosis import Diagnosis
from soniq.backends.metric_points import MetricStore
from soniq.backends.overview import Overview
from soniq.backends.plugin_tables import PluginTables
from soniq.backends.schedules import ScheduleStore
from soniq.backends.sqlite import insert, queries, schema, upkeep
from soniq.backends.sqlite.connection import Connection
from soniq.backends.sqlite.database import PATIENCE, Database
from soniq.backends.sqlite.dead_letters import SQLiteDeadLetters
from soniq.backends.sqlite.diagnosis import SQLiteDiagnosis
from soniq.backends.sqlite.liveness import folder_of
from soniq.backends.sqlite.metric_points import SQLiteMetrics
from soniq.backends.sqlite.overview import SQLiteOverview
from soniq.backends.sqlite.plugin_tables import SQLitePluginTables
from soniq.backends.sqlite.rows import canonical_id
from soniq.backends.sqlite.schedules import SQLiteSchedules
from soniq.backends.sqlite.session import SQLiteSession
from soniq.backends.sqlite.times import Clock, stamp, system_clock
from soniq.backends.sqlite.turn import Turn
from soniq.errors import SONIQ_INIT_ERROR, SoniqError
from soniq.records import JobDict, JobState, NewJob, NewWorker
from soniq.settings import SoniqSettings

T = TypeVar("T")

OLDEST_SQLITE: Final = (3, 33, 0)
"""The first with UPDATE ... FROM."""
_KEYED_PATIENCE: Final = 0.1
"""Seconds: whoever holds the lock may hold the key, and be waiting for this very call."""


def check_version(version: tuple[int, ...]) -> None:
    """See that Python's SQLite is new enough; some systems' is not.

    Raises:
        SoniqError: it is older than `OLDEST_SQLITE`.
    """
    if version < OLDEST_SQLITE:
        found, needed = (".".join(map(str, each)) for each in (version, OLDEST_SQLITE))
        raise SoniqError(
            f"This Python's SQLite is version {found}; Soniq needs {needed} or later.",
            SONIQ_INIT_ERROR,
            {"found": found, "needed": needed},
            ["Use a Python with a newer SQLite, or a Postgres database."],
        )


def _exists(path: str) -> bool:
    return Path(path).exists()


class SQLiteBackend:
    """Jobs in a SQLite file, shared by the processes of one machine.

    File and tables are created by their first use.

    Args:
        path: the file; a relative one is taken from the current directory, once.
        clock: gives the time as an aware datetime; None means the system's clock.
    """

    def __init__(self, path: str = "soniq.db", clock: Clock | None = None) -> None:
        # Resolved: the locks of the workers lie beside the real file.
        self._path = str(Path(path).resolve())
        self._clock = clock or system_clock
        self._turn = Turn(folder_of(self._path) / "turn.lock")
        self._settings = SoniqSettings.model_construct()
        self._reader: Connection | None = None
        self._writer: Connection | None = None
        self._is_ready = False
        self._sessions: list[SQLiteSession] = []

    @property
    def name(self) -> str:
        return "sqlite"

    @property
    def location(self) -> str:
        return self._path

    # --- opening -------------------------------------------------------------------------------

    async def open(self, settings: SoniqSettings) -> None:
        await self.close()
        check_version(sqlite3.sqlite_version_info)
        if not Path(self._path).parent.is_dir():
            raise Unavailable(
                f"SQLite file {self._path} cannot be created: there is no directory"
                f" {Path(self._path).parent}"
            )
        self._settings = settings
        self._reader = Connection(self._path, self._clock, self._turn, "read", for_show=True)
        self._writer = Connection(self._path, self._clock, self._turn, "write")

    async def close(self) -> None:
        for session in self._sessions:
            await session.leave()
        self._sessions.clear()
        for connection in (self._reader, self._writer):
            if connection is not None:
                await connection.close()
        self._reader = self._writer = None
        self._turn.close()
        self._is_ready = False

    def sibling(self) -> SQLiteBackend:
        return SQLiteBackend(self._path, self._clock)

    async def setup(self) -> list[str]:
        return await self._on(self._writer, schema.migrate)

    async def migrations(self) -> list[tuple[str, bool]]:
        applied: dict[int, int] = {}
        if _exists(self._path):
            applied = await self._on(self._reader, schema.applied_versions)
        return [(each.name, each.version in applied) for each in schema.MIGRATIONS]

    async def ping(self) -> None:
        self._is_ready = False
        await self._read(lambda db: db.execute("SELECT 1").fetchall())

    async def _on(
        self,
        connection: Connection | None,
        work: Callable[[Database], T],
        patience: float = PATIENCE,
    ) -> T:
        if connection is None:
            raise Unavailable(f"SQLite file {self._path} has not been opened")
        return await connection.run(work, patience=patience)

    async def _make_ready(self) -> None:
        """Create the tables on first use, or see that they fit."""
        if not self._is_ready:
            await self._on(self._writer, schema.migrate)
            self._is_ready = True

    async def _read(self, work: Callable[[Database], T]) -> T:
        # On a connection of its own: a look never waits behind a change that waits for the lock.
        await self._make_ready()
        return await self._on(self._reader, work)

    async def _write(self, work: Callable[[Database], T], patience: float = PATIENCE) -> T:
        await self._make_ready()
        return await self._on(self._writer, work, patience)

    # --- jobs in -------------------------------------------------------------------------------

    async def insert(self, jobs: Sequence[NewJob], *, repeated: bool = False) -> list[str]:
        insert.check_storable(jobs)
        keyed = any(job.dedup_key is not None for job in jobs)
        return await self._write(
            lambda db: insert.insert(db, jobs, repeated=repeated),
            _KEYED_PATIENCE if keyed else PATIENCE,
        )

    def inserting(self) -> AbstractAsyncContextManager[InsertJobs]:
        return nullcontext(self.insert)

    async def insert_on(self, connection: object, jobs: Sequence[NewJob]) -> list[str]:
        transaction = insert.CallersTransaction(connection, self._path, self._clock)
        insert.check_storable(jobs)
        return await transaction.insert(jobs)

    # --- jobs out ------------------------------------------------------------------------------

    async def get_job(self, job_id: str) -> JobDict | None:
        return await self._read(lambda db: queries.get_job(db, job_id))

    async def job_states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        return await self._read(lambda db: queries.job_states(db, job_ids))

    async def list_jobs(
        self, *, queue: str | None, status: str | None, limit: int, offset: int
    ) -> list[JobDict]:
        return await self._read(
            lambda db: queries.list_jobs(db, queue=queue, status=status, limit=limit, offset=offset)
        )

    async def queue_stats(self) -> dict[str, dict[str, int]]:
        return await self._read(queries.queue_stats)

    async def list_workers(self, *, stale_after: float) -> list[dict[str, Any]]:
        return await self._read(lambda db: queries.list_workers(db, stale_after))

    # --- jobs changed by hand ------------------------------------------------------------------

    async def cancel_job(self, job_id: str) -> bool:
        return await self._change_job("cancel_job", job_id)

    async def delete_job(self, job_id: str) -> bool:
        return await self._change_job("delete_job", job_id)

    async def _change_job(self, statement: str, job_id: str) -> bool:
        wanted = canonical_id(job_id)

        def change(database: Database) -> bool:
            with database.writing() as now:
                return database.change(statement, id=wanted, now=stamp(now)) == 1

        return await self._write(change)

    # --- dead letters --------------------------------------------------------------------------

    @property
    def dead_letters(self) -> DeadLetterStore:
        return SQLiteDeadLetters(self._read, self._write)

    # --- schedules -----------------------------------------------------------------------------

    @property
    def schedules(self) -> ScheduleStore:
        return SQLiteSchedules(
            self._clock,
            self._read,
            self._write,
            lambda: Connection(self._path, self._clock, self._turn, "schedules"),
        )

    # --- plugins -------------------------------------------------------------------------------

    @property
    def plugin_tables(self) -> PluginTables:
        return SQLitePluginTables(
            lambda look: self._on(self._reader, look), self._write, lambda: _exists(self._path)
        )

    # --- time series ---------------------------------------------------------------------------

    @property
    def metric_points(self) -> MetricStore:
        return SQLiteMetrics(self._clock, self._read, self._write)

    # --- for those who look --------------------------------------------------------------------

    @property
    def overview(self) -> Overview:
        return SQLiteOverview(self._read, self._write)

    # --- health --------------------------------------------------------------------------------

    @property
    def diagnosis(self) -> Diagnosis:
        return SQLiteDiagnosis(self._path, self._clock, lambda look: self._on(self._reader, look))

    # --- workers -------------------------------------------------------------------------------

    async def join(self, worker: NewWorker, wake: Wake) -> WorkerSession:
        await self._make_ready()
        session = SQLiteSession(self._path, self._clock, self._turn, worker)
        try:
            await session.join(self._settings, wake)
        except BaseException:
            await session.leave()
            raise
        self._sessions.append(session)
        return session

    # --- upkeep --------------------------------------------------------------------------------

    async def prune(self, *, result_ttl: float, dead_letter_ttl: float | None, limit: int) -> int:
        return await self._write(
            lambda db: upkeep.prune(
                db, result_ttl=result_ttl, dead_letter_ttl=dead_letter_ttl, limit=limit
            )
        )

    async def lease(self, name: str, holder: str, life: float) -> bool:
        return await self._write(lambda db: upkeep.lease(db, name, holder, life))

    async def resign(self, name: str, holder: str) -> None:
        await self._write(lambda db: upkeep.resign(db, name, holder))
