"""The connections that a backend lends to whoever has none of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from soniq.backends.postgres.connection import (
    STATEMENT_TIMEOUT,
    Connection,
    Database,
    kept_if_sound,
)
from soniq.backends.postgres.dialling import PoolConnection
from soniq.backends.postgres.errors import answered

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Lent = PoolConnectionProxy[asyncpg.Record]

_CLOSE_TIMEOUT: Final = 5.0
_SILENCE: Final = 1.0
"""Seconds without an answer after which a connection was not merely interrupted."""


class ConnectionPool:
    """Opens connections as they are used, and makes them anew when their way is lost.

    Args:
        pool: the driver's.
    """

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool
        self._lent: dict[Lent, float] = {}

    @classmethod
    async def open(cls, database: Database, size: int) -> ConnectionPool:
        """A pool of at most `size` connections; it connects to nothing yet."""
        pool = await asyncpg.create_pool(
            database.url,
            connect=database.dial,
            connection_class=PoolConnection,
            min_size=0,
            max_size=size,
            init=database.prepare,
            reset=_keep_settings,
            **database.options(),
        )
        return cls(pool)

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        """A connection; the driver's errors pass through."""
        async with self._pool.acquire(timeout=STATEMENT_TIMEOUT) as connection:
            began = self._lent[connection] = _now()
            try:
                with kept_if_sound(connection):
                    yield connection
            except BaseException as error:
                if _tells_of_others(error, since=began):
                    await self._pool.expire_connections()
                raise
            finally:
                del self._lent[connection]

    async def doubt(self, patience: float) -> None:
        """The way to the server may be lost: whoever has waited for `patience` seconds has lost it.

        What is not lent now is made anew when it is.
        """
        for connection, since in self._lent.items():
            if _now() - since > patience:
                with suppress(asyncpg.InterfaceError):  # it was cut off already
                    connection.terminate()
        await self._pool.expire_connections()

    async def close(self) -> None:
        """Take leave of the server; one that does not answer is left without."""
        try:
            await asyncio.wait_for(self._pool.close(), _CLOSE_TIMEOUT)
        except TimeoutError:
            self._pool.terminate()

    def abandon(self) -> None:
        """Close without a word: the loop of the connections runs no more, and may be closed."""
        with suppress(RuntimeError):
            self._pool.terminate()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _tells_of_others(error: BaseException, since: float) -> bool:
    """Whether what made one connection useless has made them all, so that each must be made anew.

    It was the primary once, or the way to it is lost.
    """
    silent = not answered(error) and _now() - since > _SILENCE
    return silent or isinstance(error, asyncpg.ReadOnlySQLTransactionError)


async def _keep_settings(_: Any) -> None:
    """A connection goes back as it is: what asyncpg would reset are the settings it was given."""
