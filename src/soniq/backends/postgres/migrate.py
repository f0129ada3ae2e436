"""The schema: creating it, and whether it fits this version of Soniq."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import asyncpg

from soniq.backends.postgres.address import database_name
from soniq.backends.postgres.connection import CONNECT_TIMEOUT, Connection, Database, transaction
from soniq.backends.postgres.errors import MISSING, missing
from soniq.backends.postgres.sql import migration_files, qualified, quoted
from soniq.errors import SONIQ_SCHEMA_TOO_NEW, MigrationError, SoniqError

_LOCK_KEY: Final = 0x736F6E6971
LOCK_TIMEOUT: Final = "5s"

# The oldest version of Soniq, by its last migration, that still works on tables with the
# migration; one that is not named here needs a Soniq that knows it.
_COMPATIBLE_WITH: Final[Mapping[int, int]] = {2: 1, 3: 1, 4: 1, 5: 1}

# What is there under the name of one of ours, or in the shape that ours would have, is not ours.
_NAME_TAKEN: Final = (
    asyncpg.DuplicateTableError,
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateFunctionError,
    asyncpg.UndefinedColumnError,
    asyncpg.WrongObjectTypeError,
)
_ANOTHER_PLACE: Final = (
    "If another program made what has this name, set SONIQ_SCHEMA (in code schema=) to a schema of "
    "Soniq's own, or use another database."
)

_log = logging.getLogger("soniq.postgres")


def known() -> dict[int, str]:
    """Every migration of this version by its number."""
    return {int(name.split("_", 1)[0]): name for name in migration_files()}


async def migrate(database: Database) -> list[str]:
    """Create what is missing, and return the names of the migrations applied."""
    connection = await _connect(database)
    try:
        await _bootstrap(database, connection)
        # One lock around all of them: of several setups at once, one applies everything.
        async with transaction(connection):
            await serialise(connection)
            return [
                name
                for version, name in sorted(known().items())
                if await _apply(database, connection, version)
            ]
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT)


async def _connect(database: Database) -> asyncpg.Connection[asyncpg.Record]:
    try:
        return await database.connect()
    except asyncpg.InvalidCatalogNameError:
        await _create_database(database)
        return await database.connect()


async def _create_database(database: Database) -> None:
    """Create the database of the URL through the server's own one."""
    name = database_name(database.url)
    with named("create the database", database):
        server = await database.dial(database="postgres", **database.options())
        try:
            await server.execute(f"CREATE DATABASE {quoted(name)}")
            _log.info("Created database %s", name)
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            _log.debug("Database %s was created by somebody else just now", name)
        finally:
            await server.close(timeout=CONNECT_TIMEOUT)


@contextmanager
def named(step: str, database: Database) -> Iterator[None]:
    """What the server refuses inside is the failure of this step."""
    try:
        yield
    except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
        raise
    except asyncpg.PostgresError as error:
        failure = MigrationError(step, str(error), {"database": database.location})
        if isinstance(error, _NAME_TAKEN):
            failure.suggestions.insert(0, _ANOTHER_PLACE)
        raise failure from error


async def _bootstrap(database: Database, connection: Connection) -> None:
    with named("create soniq_migrations", database):
        await _create_migrations(database, connection)


async def _create_migrations(database: Database, connection: Connection) -> None:
    async with transaction(connection):
        await serialise(connection)
        if database.schema is not None:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(database.schema)}")
        await connection.execute(database.sql["create_migrations"])


async def build(database: Database, connection: Connection) -> None:
    """Create everything in the open transaction, in a schema that nobody else knows of."""
    await connection.execute(database.sql["create_migrations"])
    for version in sorted(known()):
        await _apply(database, connection, version)


async def serialise(connection: Connection) -> None:
    """One at a time; the lock goes with the transaction, so it works behind poolers too."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


async def _apply(database: Database, connection: Connection, version: int) -> bool:
    """Apply one migration, unless somebody has."""
    name = known()[version]
    text = migration_files()[name]
    with named(name, database):
        async with transaction(connection):
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            if version in await applied(database, connection):
                return False
            await connection.execute(qualified(text, database.schema))
            checksum = hashlib.sha256(text.encode()).hexdigest()
            oldest = _COMPATIBLE_WITH.get(version, version)
            await database.fetch(connection, "record_migration", version, name, checksum, oldest)
    return True


async def applied(database: Database, connection: Connection) -> dict[int, int]:
    """The applied migrations by number, each with the oldest version that can live with it."""
    rows = await database.fetch(connection, "list_migrations")
    return {row["version"]: row["compatible_with"] for row in rows}


async def listing(database: Database) -> list[tuple[str, bool]]:
    """Every known migration by name, and whether it has been applied."""
    done: Mapping[int, Any] = {}
    try:
        connection = await database.connect()
    except asyncpg.InvalidCatalogNameError:
        connection = None
    if connection is not None:
        try:
            done = await applied(database, connection)
        except MISSING:
            done = {}
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT)
    return [(name, version in done) for version, name in sorted(known().items())]


async def check(database: Database, connection: Connection) -> str:
    """Return the schema of the tables if they fit this version of Soniq.

    Raises:
        SoniqError: SONIQ_SCHEMA_MISSING or SONIQ_SCHEMA_TOO_NEW.
    """
    done = await applied(database, connection)
    latest = max(known())
    for version, name in known().items():
        if version not in done:
            raise missing("soniq_jobs", database.location, f"lacks the migration {name}")
    for version, oldest in done.items():
        if version > latest and oldest > latest:
            raise _too_new(database, version, latest)
    rows = await database.fetch(connection, "find_schema")
    return str(rows[0][0])


def _too_new(database: Database, found: int, latest: int) -> SoniqError:
    return SoniqError(
        f"The tables of {database.location} are at version {found} and need a newer Soniq; "
        f"this one knows version {latest}",
        SONIQ_SCHEMA_TOO_NEW,
        {"found": found, "known": latest},
        ["Upgrade Soniq here to the version that was used for the last `soniq setup`."],
    )
