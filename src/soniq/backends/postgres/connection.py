"""Connecting to the database, and the sessions that result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any, Final, NamedTuple, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from soniq.backends.postgres.address import address_of, shown
from soniq.backends.postgres.callers import CallersConnection
from soniq.backends.postgres.dialling import Dial
from soniq.backends.postgres.errors import answered, translated
from soniq.backends.postgres.sql import statements
from soniq.logs import soniq_logger

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Rows: TypeAlias = "list[asyncpg.Record]"
Borrow = Callable[[], AbstractAsyncContextManager[Connection]]
"""Lends a connection for a block."""

STATEMENT_TIMEOUT: Final = 30.0
CONNECT_TIMEOUT: Final = 10.0
_OWN: Final = (asyncpg.Connection, PoolConnectionProxy)

POOL_SIZE: Final = 7
"""Connections of a pool that is sized to fit, at most."""

_log = soniq_logger("soniq.postgres")

# Plans made once for all values go wrong here: one made while the table was empty scans it when
# it is full; and to compile a statement takes longer than to run it. Set after connecting, for
# poolers refuse startup parameters they do not know.
_PLANNING: Final = "SET plan_cache_mode = force_custom_plan; SET jit = off"

# The server notices within half a minute that a host has vanished, and within seconds that the
# client of a statement that still runs has given it up. Not every system can do each of these.
# Whoever vanishes amid a transaction keeps its rows locked for less than `database_timeout`, so
# that calls which need them succeed. Ours rest for as long only where the event loop is blocked,
# and are repeated then; ends of runs are single statements, which never rest.
_KEEPALIVE: Final = (
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    "SET tcp_user_timeout = 25000",
    "SET client_connection_check_interval = 5000",
    "SET idle_in_transaction_session_timeout = 8000",
)


class ServerSession(NamedTuple):
    """A server process; a later one with the same number has another start."""

    pid: int
    started: Any


class Database:
    """Where the tables are, and how to get there.

    Args:
        url: a Postgres URL, as libpq takes it.
        schema: the schema of the tables, None for the connection's search path.
    """

    def __init__(self, url: str, schema: str | None = None) -> None:
        self.url = url
        self.location = shown(url)
        self.address = address_of(url)
        self.schema = schema
        self.pooled = False
        """A transaction pooler stands in between: nothing of a session outlives a transaction."""
        self.listens = True
        """Whether it is worth trying to LISTEN."""
        self.sql: Mapping[str, str] = statements(schema)
        self.dial = Dial(url)

    def translated(self) -> Any:
        """Errors of the seam for those of the driver."""
        return translated(self.location)

    def options(self) -> dict[str, Any]:
        """How to connect."""
        options: dict[str, Any] = {
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": STATEMENT_TIMEOUT,
        }
        return options | ({"statement_cache_size": 0} if self.pooled else {})

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A new connection, prepared. The driver's errors pass through."""
        connection = await self.dial(**self.options())
        await self.prepare(connection)
        return connection

    async def prepare(self, connection: Connection) -> None:
        """Give a new session the settings that every session of Soniq has."""
        if self.pooled:
            return
        try:
            await self._give_settings(connection)
        except BaseException:
            connection.terminate()
            raise

    async def _give_settings(self, connection: Connection) -> None:
        try:
            await connection.execute("; ".join((_PLANNING, *_KEEPALIVE)))
            return
        except (asyncpg.FeatureNotSupportedError, asyncpg.DataError) as error:
            _log.debug("The server does not take all keepalive settings: %s", error)
        await connection.execute(_PLANNING)
        for setting in _KEEPALIVE:
            with suppress(asyncpg.FeatureNotSupportedError, asyncpg.DataError):
                await connection.execute(setting)

    async def notice_pooler(self) -> None:
        """Find out whether the server process answering is the one that was connected to.

        A pooler makes up the number that a client is told, since it gives the client now this
        process, now that. Then no statement is prepared under a name, and each stands in a
        transaction, so that one process sees all of it.
        """
        options = self.options() | {"statement_cache_size": 0}
        connection = await self.dial(**options)
        try:
            async with transaction(connection):
                pid = await connection.fetchval("SELECT pg_backend_pid()")
            self.pooled = pid != connection.get_server_pid()
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT)

    async def fetch(self, connection: CallersConnection, statement: str, *args: Any) -> Rows:
        """Run one of the named statements."""
        text = self.sql[statement]
        if not self.pooled or not isinstance(connection, _OWN) or connection.is_in_transaction():
            return await connection.fetch(text, *args)
        async with transaction(connection):
            return await connection.fetch(text, *args)


@asynccontextmanager
async def transaction(connection: Connection, **settings: str) -> AsyncIterator[None]:
    """A transaction with settings of its own; they go with it.

    It is rolled back when the server has refused something. After anything else the connection is
    cut off, which comes to the same: a server that does not answer would not answer that either.
    """
    block = connection.transaction()
    with kept_if_sound(connection):
        with _cut_off_if_refused(connection):
            await block.start()
        try:
            if settings:
                assignments = (f"SET LOCAL {name} = '{value}'" for name, value in settings.items())
                await connection.execute("; ".join(assignments))
            yield
        except asyncpg.PostgresError as error:
            if answered(error):
                with _cut_off_if_refused(connection):
                    await block.rollback()
            raise
        await block.commit()


@contextmanager
def _cut_off_if_refused(connection: Connection) -> Iterator[None]:
    """To begin and to roll back may be refused for lack of time, and server and driver then differ.

    The driver takes the transaction for begun, or the server goes on with it: whatever came next on
    this connection would fail.
    """
    try:
        yield
    except asyncpg.PostgresError:
        connection.terminate()
        raise


@contextmanager
def kept_if_sound(connection: Connection) -> Iterator[None]:
    """Cut `connection` off if the block ends by anything but an answer from the server.

    Nobody can say then what the session is still doing, and to take leave of it may take for ever.
    """
    try:
        yield
    except BaseException as error:
        if not answered(error):
            with suppress(asyncpg.InterfaceError):  # the pool has been given it already
                connection.terminate()
        raise


class Link:
    """A connection of one owner, made when it is first needed and again when it was lost.

    Args:
        database: where to connect.
        traced: remember which server sessions were lost while they may have been at work.
        planning: SQL that fixes how this owner's statements are planned.
    """

    def __init__(self, database: Database, *, traced: bool = False, planning: str = "") -> None:
        self._database = database
        self._traced = traced
        self._planning = planning
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._session: ServerSession | None = None
        self._used_at: float | None = None
        self.lost: list[ServerSession] = []

    @asynccontextmanager
    async def held(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """The connection, for one user at a time; errors are those of the seam.

        After anything but an answer from the server nobody can say what the session is still
        doing, so it is given up.
        """
        async with self._turn:
            with self._database.translated(), self._kept_if_sound():
                yield await self._connected()

    @contextmanager
    def _kept_if_sound(self) -> Iterator[None]:
        self._used_at = asyncio.get_running_loop().time()
        try:
            yield
        except BaseException as error:
            if not answered(error):
                self.drop()
            raise
        finally:
            self._used_at = None

    def doubt(self, patience: float) -> None:
        """Its way to the server may be lost: whoever has waited for `patience` seconds has lost it.

        The next use makes a new connection.
        """
        used_at = self._used_at
        if used_at is None or asyncio.get_running_loop().time() - used_at > patience:
            self.drop()

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        connection = self._connection
        if connection is None or connection.is_closed():
            self.drop()
            # Held here too: `doubt` may drop it meanwhile, and then its use is what fails.
            connection = self._connection = await self._database.connect()
            if self._planning and not self._database.pooled:
                await connection.execute(self._planning)
            if self._traced and not self._database.pooled:
                rows = await self._database.fetch(connection, "server_session")
                self._session = ServerSession(*rows[0])
        return connection

    async def fetch(self, statement: str, *args: Any) -> Rows:
        """Run one of the named statements."""
        async with self.held() as connection:
            return await self._database.fetch(connection, statement, *args)

    def drop(self) -> None:
        """Cut the connection off, whatever it is doing."""
        connection, self._connection = self._connection, None
        session, self._session = self._session, None
        if connection is not None:
            connection.terminate()
            if session is not None:
                self.lost.append(session)

    async def close(self, timeout: float) -> None:
        """Take leave of the server; one that does not answer is left without."""
        connection, self._connection = self._connection, None
        self._session = None
        if connection is not None:
            try:
                await connection.close(timeout=timeout)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.debug("A connection to %s was cut off: %r", self._database.location, error)
