"""Who is connected to a database."""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

_PATIENCE: Final = 15.0
_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def until_sessions(url: str, number: int) -> None:
    """Wait until the server knows of so many connections to this database."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(_PATIENCE):
            while await connection.fetchval(_OTHERS) != number:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
    finally:
        await connection.close()
