"""A database with Soniq's tables in it, and a connection beside the backend's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from soniq.backends.postgres import PostgresBackend
from tests.backends.stores import PostgresStore


@pytest.fixture
async def store(pg_url: str) -> AsyncIterator[PostgresStore]:
    """An empty store, opened once as `store.backend`."""
    store = PostgresStore(pg_url)
    try:
        store.backend = await store.open()
        yield store
    finally:
        await store.close()


@pytest.fixture
def backend(store: PostgresStore) -> PostgresBackend:
    assert isinstance(store.backend, PostgresBackend)
    return store.backend


@pytest.fixture
async def sql(store: PostgresStore, pg_url: str) -> AsyncIterator[Any]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(pg_url)
    try:
        yield connection
    finally:
        await connection.close()
