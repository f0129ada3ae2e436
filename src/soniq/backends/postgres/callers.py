"""Connections of the caller's own, of other drivers than Soniq's, made to look like those.

Nothing here imports a driver: whoever hands over a psycopg or SQLAlchemy object has imported it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final, Protocol

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from soniq.errors import SONIQ_UNSUPPORTED_CONNECTION, SoniqError

_WANTED: Final = (
    "Transactional enqueue on Postgres takes a connection of asyncpg or psycopg 3, or an "
    "SQLAlchemy session or connection on one of these"
)


class CallersConnection(Protocol):
    """What an insert needs of a connection with the caller's transaction."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """The rows of one statement with parameters $1, $2, ..."""
        ...


async def callers_connection(given: object) -> CallersConnection:
    """Return `given`, or what stands for it.

    Args:
        given: a connection of asyncpg or psycopg 3, or an SQLAlchemy session or connection.

    Raises:
        ValueError: it is nothing of the kind.
        SoniqError: SONIQ_UNSUPPORTED_CONNECTION, an SQLAlchemy object on another driver.
    """
    driver = await driver_connection(given)
    if isinstance(driver, asyncpg.Connection | PoolConnectionProxy):
        return driver
    if _is_one_of(driver, "psycopg", "AsyncConnection"):
        return _Psycopg(driver)
    if _is_one_of(driver, "psycopg", "Connection"):
        return _BlockingPsycopg(driver)
    raise ValueError(f"{_WANTED}; it was given {_kind(given)}")


async def driver_connection(given: Any) -> Any:
    """The driver's connection under an SQLAlchemy object, with its transaction begun.

    Whatever SQLAlchemy has not made comes back as it is.

    Raises:
        SoniqError: SONIQ_UNSUPPORTED_CONNECTION.
    """
    if _is_one_of(given, "sqlalchemy.ext.asyncio", "async_scoped_session"):
        given = given()
    if _is_one_of(given, "sqlalchemy.ext.asyncio", "AsyncSession"):
        given = await given.connection()
    if _is_one_of(given, "sqlalchemy.ext.asyncio", "AsyncConnection"):
        return await _under_async(given)
    if _is_one_of(given, "sqlalchemy.orm", "Session", "scoped_session"):
        given = await asyncio.to_thread(given.connection)
    if _is_one_of(given, "sqlalchemy.engine", "Connection"):
        return _supported(given, given.connection.driver_connection)
    return given


async def _under_async(given: Any) -> Any:
    pooled = await given.get_raw_connection()
    driver = _supported(given, pooled.driver_connection)
    if isinstance(driver, asyncpg.Connection) and not driver.is_in_transaction():
        # SQLAlchemy begins it with the first statement it sends itself.
        await given.exec_driver_sql("SELECT 1")
    return driver


def _supported(given: Any, driver: Any) -> Any:
    if isinstance(driver, asyncpg.Connection) or _is_one_of(
        driver, "psycopg", "AsyncConnection", "Connection"
    ):
        return driver
    raise SoniqError(
        f"Transactional enqueue cannot use {_kind(given)} on the driver {given.dialect.driver}",
        SONIQ_UNSUPPORTED_CONNECTION,
        {"type": _kind(given), "driver": given.dialect.driver},
        ["Use a postgresql+asyncpg:// or postgresql+psycopg:// engine."],
    )


class _Psycopg:
    """A psycopg 3 AsyncConnection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        import psycopg
        from psycopg.rows import tuple_row

        cursor = psycopg.AsyncRawCursor(self._connection, row_factory=tuple_row)
        async with cursor:
            await cursor.execute(query, _listed(args))
            return await cursor.fetchall()


class _BlockingPsycopg:
    """A psycopg 3 Connection; while it works, the event loop goes on."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        return await asyncio.to_thread(self._fetch, query, args)

    def _fetch(self, query: str, args: tuple[Any, ...]) -> list[Any]:
        import psycopg
        from psycopg.rows import tuple_row

        with psycopg.RawCursor(self._connection, row_factory=tuple_row) as cursor:
            cursor.execute(query, _listed(args))
            return cursor.fetchall()


def _listed(args: tuple[Any, ...]) -> list[Any]:
    """Psycopg sends lists as arrays, and tuples as rows."""
    return [list(value) if isinstance(value, tuple) else value for value in args]


def _is_one_of(value: object, module: str, *names: str) -> bool:
    loaded = sys.modules.get(module)
    kinds = tuple(kind for name in names if (kind := getattr(loaded, name, None)) is not None)
    return isinstance(value, kinds)


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
