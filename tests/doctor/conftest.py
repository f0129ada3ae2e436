"""A store to make ill, and a doctor who is told how patient to be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from soniq.doctor import Examination, Finding, Level, Limits
from soniq.doctor.examine import run_checks
from tests.backends.conftest import unopened_store
from tests.backends.stores import PostgresStore, SQLiteStore, Store, settings

__all__ = ["unopened_store"]


class Patient:
    """A store under examination."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def examined(
        self, *, limits: Limits | None = None, **known: Any
    ) -> dict[str, list[Finding]]:
        """The findings of every check that made any."""
        found: dict[str, list[Finding]] = {}
        examination = Examination(
            backend=self.store.backend,
            location=self.store.backend.location,
            settings=known.pop("settings", settings()),
            limits=limits or Limits(),
            **{"now": self.store.now, **known},
        )
        for name, finding in await run_checks(examination):
            found.setdefault(name, []).append(finding)
        return found

    async def complaint(self, check: str, **known: Any) -> Finding:
        """The only finding of this check, which is no good news and says what to do."""
        (finding,) = (await self.examined(**known))[check]
        assert finding.level is not Level.OK, finding
        assert finding.remedy
        return finding

    async def says_ok(self, check: str, **known: Any) -> None:
        (finding,) = (await self.examined(**known))[check]
        assert finding.level is Level.OK, finding


@pytest.fixture
async def patient(unopened_store: Store) -> AsyncIterator[Patient]:
    """An empty store of each kind."""
    async for opened in _opened(unopened_store):
        yield opened


@pytest.fixture
async def on_postgres(pg_url: str) -> AsyncIterator[Patient]:
    """An empty database on a server."""
    async for opened in _opened(PostgresStore(pg_url)):
        yield opened


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Patient]:
    """An empty file."""
    async for opened in _opened(SQLiteStore(tmp_path)):
        yield opened


async def _opened(store: Store) -> AsyncIterator[Patient]:
    try:
        store.backend = await store.open()
        yield Patient(store)
    finally:
        await store.close()


@pytest.fixture
async def sql(pg_url: str) -> AsyncIterator[Any]:
    """A connection of somebody else's to the same server."""
    connection = await asyncpg.connect(pg_url)
    try:
        yield connection
    finally:
        await connection.close()
