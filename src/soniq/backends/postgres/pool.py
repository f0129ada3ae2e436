"""The connections that a backend lends to whoever has none of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final, NamedTuple, Self

import asyncpg

from soniq.backends.base import BackendError
from soniq.backends.postgres.connection import (
    STATEMENT_TIMEOUT,
    Borrow,
    Connection,
    Database,
    kept_if_sound,
)
from soniq.backends.postgres.dialling import PoolConnection
from soniq.backends.postgres.errors import answered

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
        self._lent: dict[Connection, float] = {}

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
            self._lent[connection] = _now()
            try:
                with kept_if_sound(connection):
                    yield connection
            except BaseException as error:
                if _tells_of_others(error, since=self._lent[connection]):
                    await self._pool.expire_connections()
                raise
            finally:
                del self._lent[connection]

    @property
    def has_room(self) -> bool:
        """Whether the next to borrow need not wait for somebody to give back."""
        return self._pool.get_idle_size() > 0 or self._pool.get_size() < self._pool.get_max_size()

    def used_again(self, connection: Connection) -> None:
        """Whoever has borrowed it begins something new with it."""
        self._lent[connection] = _now()

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


class _Loan(NamedTuple):
    connection: Connection
    back: AsyncExitStack


class KeptConnection:
    """Lends a connection of the pool again and again, without giving it back in between.

    To give one back and to take it again costs an insert a quarter of its time. It goes back at the
    end of the block, after a failure, and whenever the next to borrow would have to wait for it.

    Args:
        pool: whose connection it is.
        borrow: borrows it.
    """

    def __init__(self, pool: ConnectionPool, borrow: Borrow) -> None:
        self._pool = pool
        self._borrow = borrow
        self._loan: _Loan | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._give_back()

    async def _give_back(self) -> None:
        """What goes wrong with a connection that has done its work concerns nobody."""
        loan, self._loan = self._loan, None
        if loan is not None:
            with suppress(BackendError):
                await loan.back.aclose()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Connection]:
        """The connection, for one user at a time."""
        loan = self._loan = self._loan or await self._borrowed()
        self._pool.used_again(loan.connection)
        try:
            yield loan.connection
        except BaseException:
            self._loan = None
            await loan.back.__aexit__(*sys.exc_info())
            raise
        if not self._pool.has_room:
            await self._give_back()

    async def _borrowed(self) -> _Loan:
        back = AsyncExitStack()
        return _Loan(await back.enter_async_context(self._borrow()), back)


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
