"""A transaction that the server does not even begin, or end, spoils nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from soniq.backends.base import BackendError
from soniq.backends.postgres.connection import Database, Link, transaction

REFUSED = "canceling statement due to statement timeout"


@pytest.fixture
async def link(pg_url: str) -> AsyncIterator[Link]:
    made = Link(Database(pg_url))
    yield made
    await made.close(5)


def refuse(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """Have the next such statement answered as one that took too long."""
    execute = asyncpg.Connection.execute

    async def refusing(self: Any, query: str, *args: Any, **options: Any) -> str:
        if query == statement:
            monkeypatch.setattr(asyncpg.Connection, "execute", execute)
            raise asyncpg.QueryCanceledError(REFUSED)
        return await execute(self, query, *args, **options)

    monkeypatch.setattr(asyncpg.Connection, "execute", refusing)


async def test_after_a_begin_that_was_refused_the_next_transaction_is_one(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "BEGIN;")
    with pytest.raises(BackendError, match=REFUSED):
        async with link.held() as connection, transaction(connection):
            pytest.fail("it was refused")
    async with link.held() as connection, transaction(connection):
        assert await connection.fetchval("SELECT 1") == 1


async def test_after_a_rollback_that_was_refused_the_next_transaction_is_one(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "ROLLBACK;")
    with pytest.raises(BackendError, match=REFUSED):
        async with link.held() as connection, transaction(connection):
            await connection.execute("SELECT 1 / 0")
    async with link.held() as connection, transaction(connection):
        assert await connection.fetchval("SELECT 1") == 1
