"""Every test of this folder that asks for `store` runs on memory, SQLite and Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from soniq.backends.base import Backend
from soniq.backends.postgres import discovery, listener
from tests.backends.stores import PATIENCE, MemoryStore, PostgresStore, SQLiteStore, Store

_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
_KINDS = ["memory", "sqlite", _POSTGRES]

DATABASES = pytest.mark.parametrize("unopened_store", ["sqlite", _POSTGRES], indirect=True)
"""For promises that take a database of the user's own."""
POSTGRES = pytest.mark.parametrize("unopened_store", [_POSTGRES], indirect=True)
"""For promises that take a server with several writers at once."""


@pytest.fixture(autouse=True)
def looks_at_will(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose look at a server was held up may look again at once, not after a rest."""
    monkeypatch.setattr(discovery, "_SHARE", 1.0)


@pytest.fixture(autouse=True)
def patient_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker waits for the notification that tells it whether it hears any, however long."""
    monkeypatch.setattr(listener, "_PROBE_TIMEOUT", PATIENCE)


@pytest.fixture(params=_KINDS)
def unopened_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store nobody has opened yet."""
    match request.param:
        case "memory":
            return MemoryStore()
        case "sqlite":
            return SQLiteStore(tmp_path)
        case _:
            return PostgresStore(request.getfixturevalue("pg_url"))


@pytest.fixture
async def store(unopened_store: Store) -> AsyncIterator[Store]:
    """An empty store, opened once as `store.backend`."""
    store = unopened_store
    try:
        store.backend = await store.open()
        yield store
    finally:
        await store.close()


@pytest.fixture
def backend(store: Store) -> Backend:
    """The first backend on the store."""
    return store.backend
