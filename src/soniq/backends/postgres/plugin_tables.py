"""The tables of plugins in Postgres."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from soniq.backends.diagnosis import SchemaState
from soniq.backends.plugin_tables import MigrationPackage, Migrations, Recorded, load
from soniq.backends.postgres.connection import (
    CONNECT_TIMEOUT,
    Borrow,
    Connection,
    Database,
    transaction,
)
from soniq.backends.postgres.errors import MISSING
from soniq.backends.postgres.migrate import LOCK_TIMEOUT, named, serialise
from soniq.backends.postgres.sql import quoted


class PostgresPluginTables:
    """See `PluginTables`.

    Args:
        database: whose tables.
        borrow: a connection of the backend's pool, to Soniq's own tables.
    """

    def __init__(self, database: Database, borrow: Borrow) -> None:
        self._database = database
        self._borrow = borrow

    async def check(self, packages: Sequence[MigrationPackage]) -> None:
        async with self._borrow() as connection:
            if packages:
                recorded = await self._recorded(connection)
                for package in packages:
                    load(package, "postgres").see_applied(recorded, self._database.location)

    async def apply(self, packages: Sequence[MigrationPackage]) -> list[str]:
        with self._database.translated():
            connection = await self._database.connect()
            try:
                applied: list[str] = []
                for package in packages:
                    applied += await self._apply(connection, load(package, "postgres"))
                return applied
            finally:
                await connection.close(timeout=CONNECT_TIMEOUT)

    async def _apply(self, connection: Connection, migrations: Migrations) -> list[str]:
        async with transaction(connection):
            await serialise(connection)
            pending = migrations.pending(await self._recorded(connection))
            if pending:
                await self._prepare(connection)
            for step in pending:
                with named(step.name, self._database):
                    await connection.execute(step.text)
                    await self._database.fetch(
                        connection,
                        "record_plugin_migration",
                        step.name,
                        step.checksum,
                        step.compatible_with,
                    )
            return [step.name for step in pending]

    async def _prepare(self, connection: Connection) -> None:
        """A plugin names no schema: its tables are to lie beside Soniq's."""
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        if self._database.schema is not None:
            path = await connection.fetchval("SHOW search_path")
            schema = quoted(self._database.schema)
            await connection.execute(f"SET LOCAL search_path = {schema}, {path}")

    async def migrations(self, packages: Sequence[MigrationPackage]) -> list[tuple[str, bool]]:
        done = {each.name for each in await self._found(packages)}
        return [
            (step.name, step.name in done)
            for package in packages
            for step in load(package, "postgres").steps
        ]

    async def states(self, packages: Sequence[MigrationPackage]) -> dict[str, SchemaState]:
        recorded = await self._found(packages)
        return {package.key: load(package, "postgres").state(recorded) for package in packages}

    async def _found(self, packages: Sequence[MigrationPackage]) -> list[Recorded]:
        """What is recorded, also where there are no tables yet, or there is no database."""
        if not packages:
            return []
        with self._database.translated():
            try:
                connection = await self._database.connect()
            except asyncpg.InvalidCatalogNameError:
                return []
            try:
                return await self._recorded(connection)
            except MISSING:
                return []
            finally:
                await connection.close(timeout=CONNECT_TIMEOUT)

    async def _recorded(self, connection: Connection) -> list[Recorded]:
        rows = await self._database.fetch(connection, "list_plugin_migrations")
        return [Recorded(*row) for row in rows]
