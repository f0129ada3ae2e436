"""The tables of plugins in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

from soniq.backends.diagnosis import SchemaState
from soniq.backends.plugin_tables import (
    MigrationPackage,
    Migrations,
    PluginMigration,
    Recorded,
    load,
)
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.schema import HAS_LEDGER, statements
from soniq.backends.sqlite.times import stamp
from soniq.errors import MigrationError

T = TypeVar("T")

_READ: Final = "SELECT name, compatible_with FROM soniq_migrations WHERE version < 0"
# The versions of plugins only keep their rows apart, from each other's and from Soniq's own.
_WRITE: Final = """
INSERT INTO soniq_migrations (version, name, applied_at, checksum, compatible_with)
SELECT min(min(version), 0) - 1, ?, ?, ?, ? FROM soniq_migrations"""


class Run(Protocol):
    """Runs a function over the database, in the thread of a connection."""

    def __call__(self, work: Callable[[Database], T]) -> Awaitable[T]: ...


class SQLitePluginTables:
    """See `PluginTables`.

    Args:
        look: runs what only looks, also at a file without tables.
        write: runs what may change something, once Soniq's own tables are there.
        exists: whether there is a file.
    """

    def __init__(self, look: Run, write: Run, exists: Callable[[], bool]) -> None:
        self._look = look
        self._write = write
        self._exists = exists

    async def check(self, packages: Sequence[MigrationPackage]) -> None:
        await self.apply(packages)

    async def apply(self, packages: Sequence[MigrationPackage]) -> list[str]:
        sets = [load(package, "sqlite") for package in packages]

        def migrate(database: Database) -> list[str]:
            return [name for each in sets for name in _migrate(database, each)]

        return await self._write(migrate)

    async def migrations(self, packages: Sequence[MigrationPackage]) -> list[tuple[str, bool]]:
        done = {each.name for each in await self._found(packages)}
        return [
            (step.name, step.name in done)
            for package in packages
            for step in load(package, "sqlite").steps
        ]

    async def states(self, packages: Sequence[MigrationPackage]) -> dict[str, SchemaState]:
        recorded = await self._found(packages)
        return {package.key: load(package, "sqlite").state(recorded) for package in packages}

    async def _found(self, packages: Sequence[MigrationPackage]) -> list[Recorded]:
        return await self._look(_recorded) if packages and self._exists() else []


def _recorded(database: Database) -> list[Recorded]:
    if not database.execute(HAS_LEDGER).fetchall():
        return []
    return [Recorded(*row) for row in database.execute(_READ).fetchall()]


def _migrate(database: Database, migrations: Migrations) -> list[str]:
    if not migrations.pending(_recorded(database)):
        return []
    with database.writing() as now:
        pending = migrations.pending(_recorded(database))
        for step in pending:
            _apply(database, step, stamp(now))
        return [step.name for step in pending]


def _apply(database: Database, step: PluginMigration, now: str) -> None:
    try:
        for statement in statements(step.text):
            database.execute(statement)
        database.record(_WRITE, (step.name, now, step.checksum, step.compatible_with))
    except sqlite3.Error as error:
        raise MigrationError(step.name, str(error), {"database": database.path}) from error
