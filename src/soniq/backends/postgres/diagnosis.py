"""The health of a Postgres database and of Soniq's tables in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from soniq.backends.diagnosis import (
    Backlog,
    Burials,
    ClaimPlan,
    Connections,
    FileState,
    IndexFault,
    OpenTransaction,
    PresentWorker,
    SchemaState,
    Sessions,
    TableState,
)
from soniq.backends.made_indexes import MadeIndex, made_indexes
from soniq.backends.postgres import migrate
from soniq.backends.postgres.connection import CONNECT_TIMEOUT, Database, Rows
from soniq.backends.postgres.errors import MISSING
from soniq.backends.postgres.session import PLAN_CLAIMS
from soniq.backends.postgres.session_probe import try_out
from soniq.backends.postgres.sql import migration_files, qualified, quoted

_CLAIM_INDEX: Final = "soniq_jobs_claim"
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
# What a claim of one lane is asked with, see claim.sql.
_A_CLAIM: Final[tuple[Any, ...]] = (["default"], [100], [_LONG_AGO], [_NOBODY], [1], 1, _NOBODY, [])


class PostgresDiagnosis:
    """See `Diagnosis`. Each question has a connection of its own: a full pool is no reason to fail.

    Args:
        database: who is examined.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def address(self) -> str | None:
        return self._database.address

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        with self._database.translated():
            connection = await self._database.connect()
            try:
                yield connection
            finally:
                await connection.close(timeout=CONNECT_TIMEOUT)

    async def _fetch(self, statement: str, *args: Any) -> Rows:
        async with self._connected() as connection:
            return await self._database.fetch(connection, statement, *args)

    # --- the tables ----------------------------------------------------------------------------

    async def clock(self) -> datetime:
        now: datetime = (await self._fetch("tell_time"))[0][0]
        return now

    async def schema(self) -> SchemaState:
        known = migrate.known()
        done = await self._applied()
        newer = tuple(version for version in done if version not in known)
        return SchemaState(
            found=bool(done),
            pending=tuple(name for version, name in sorted(known.items()) if version not in done),
            newer=newer,
            usable=all(done[version] <= max(known) for version in newer),
        )

    async def _applied(self) -> dict[int, int]:
        with self._database.translated():
            try:
                connection = await self._database.connect()
            except asyncpg.InvalidCatalogNameError:
                return {}
            try:
                return await migrate.applied(self._database, connection)
            except MISSING:
                return {}
            finally:
                await connection.close(timeout=CONNECT_TIMEOUT)

    async def workers(self) -> list[PresentWorker]:
        return [
            PresentWorker(
                id=row["id"],
                hostname=row["hostname"],
                pid=row["pid"],
                queues=None if row["queues"] is None else tuple(row["queues"]),
                job_names=frozenset(row["job_names"]),
                address=row["address"],
                connections=row["connections"],
                silent_for=row["silent_for"],
                heartbeat_interval=row["heartbeat_interval"],
            )
            for row in await self._fetch("present_workers")
        ]

    async def backlog(self) -> list[Backlog]:
        return [Backlog(*row) for row in await self._fetch("backlog")]

    async def burials(self) -> Burials:
        total = (await self._fetch("count_all_dead_letters"))[0][0]
        kinds = await self._fetch("burials")
        last_hour = sum(row[2] for row in kinds)
        return Burials(total, last_hour, (*kinds[0],) if kinds else None)

    async def tables(self, also: Sequence[str] = ()) -> list[TableState]:
        schema = self._database.schema
        beside = "" if schema is None else f"{quoted(schema)}."
        names = [name if "." in name else f"{beside}{name}" for name in also]
        return [TableState(**dict(row)) for row in await self._fetch("table_states", names)]

    async def index_faults(self) -> list[IndexFault] | None:
        files = migration_files()
        names = migrate.known()
        texts = [files[names[version]] for version in await self._applied() if version in names]
        made = made_indexes(qualified(text, self._database.schema) for text in texts)
        async with self._connected() as connection:
            states: dict[str, bool] = {}
            for table in sorted({index.table for index in made}):
                rows = await self._database.fetch(connection, "table_indexes", table)
                states |= {row["name"]: row["valid"] for row in rows}
        return [_fault(index, states) for index in made if not states.get(index.name)]

    # --- the server ----------------------------------------------------------------------------

    async def sessions(self) -> Sessions | None:
        with self._database.translated():
            return await try_out(self._database)

    async def connections(self) -> Connections | None:
        return Connections(*(await self._fetch("connection_room"))[0])

    async def open_transactions(self, *, longer_than: float) -> list[OpenTransaction] | None:
        return [
            OpenTransaction(*row) for row in await self._fetch("open_transactions", longer_than)
        ]

    async def claim_plan(self) -> ClaimPlan | None:
        async with self._connected() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(PLAN_CLAIMS)
                statement = self._database.sql["claim"]
                told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *_A_CLAIM)
            finally:
                await transaction.rollback()
        scans = [node for node in _nodes(json.loads(told)[0]["Plan"]) if _reads_jobs(node)]
        used = any(node.get("Index Name") == _CLAIM_INDEX for node in scans)
        return ClaimPlan(
            _CLAIM_INDEX if used else None, _CLAIM_INDEX, ", ".join(map(_worded, scans))
        )

    async def file(self) -> FileState | None:
        return None


def _fault(index: MadeIndex, states: dict[str, bool]) -> IndexFault:
    if index.name in states:
        schema, dot, _ = index.table.rpartition(".")
        mending = (f"REINDEX INDEX CONCURRENTLY {schema}{dot}{index.name}",)
        return IndexFault(index.name, index.table, "is invalid", mending)
    mending = (index.statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1),)
    return IndexFault(index.name, index.table, "is missing", mending)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _reads_jobs(node: dict[str, Any]) -> bool:
    return "Scan" in node["Node Type"] and node.get("Relation Name") == "soniq_jobs"


def _worded(node: dict[str, Any]) -> str:
    return f"{node['Node Type']} on {node.get('Index Name', node['Relation Name'])}"
