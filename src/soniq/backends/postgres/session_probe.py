"""Trying out what a session keeps between transactions, through whatever stands in the way.

Poolers that are hardly used give a client the same server session again and again, so nothing
seems amiss. Hence the second connection: it takes that session away at the decisive moment.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeAlias

import asyncpg

from soniq.backends.diagnosis import Sessions
from soniq.backends.postgres.connection import Database

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_HEARD_WITHIN: Final = 1.0
_UNLOCK_TRIES: Final = 50


async def try_out(database: Database) -> Sessions:
    """What works on connections to this database. The driver's errors pass through."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(_connected(database))
        other = await stack.enter_async_context(_connected(database))
        return Sessions(
            notifications=await _notifies(one, other),
            locks=await _locks(one, other),
            prepared_statements=await _prepares(one, other),
        )


@asynccontextmanager
async def _connected(database: Database) -> AsyncIterator[Connection]:
    options = database.options() | {"statement_cache_size": 0}
    connection = await database.dial(**options)
    try:
        yield connection
    finally:
        connection.terminate()


async def _notifies(one: Connection, other: Connection) -> bool:
    channel = f"soniq_doctor_{secrets.token_hex(8)}"
    heard = asyncio.Event()
    try:
        await one.add_listener(channel, lambda *_: heard.set())
    except (asyncpg.FeatureNotSupportedError, asyncpg.PostgresSyntaxError):
        return False
    await other.execute(f"NOTIFY {channel}")
    try:
        async with asyncio.timeout(_HEARD_WITHIN):
            await heard.wait()
    except TimeoutError:
        return False
    return True


async def _locks(one: Connection, other: Connection) -> bool:
    key = secrets.randbits(62)
    await one.execute(f"SELECT pg_advisory_lock({key})")
    async with other.transaction():
        await other.execute("SELECT 1")
        kept = await _unlock(one, key)
    tries = _UNLOCK_TRIES
    while not kept and tries and not await _unlock(one, key):
        # Some session of the pooler's has it, and would keep it: a later try may meet that one.
        tries -= 1
    return kept


async def _unlock(connection: Connection, key: int) -> bool:
    async with connection.transaction():
        return bool(await connection.fetchval(f"SELECT pg_advisory_unlock({key})"))


async def _prepares(one: Connection, other: Connection) -> bool:
    name = f"soniq_doctor_{secrets.token_hex(8)}"
    await one.execute(f"PREPARE {name} AS SELECT 1")
    try:
        async with other.transaction():
            await other.execute("SELECT 1")
            await one.execute(f"EXECUTE {name}")
    except asyncpg.InvalidSQLStatementNameError:
        return False
    return True
