"""Fixtures for tests that need a Postgres server.

One server serves a whole test run. Under xdist the controller owns it and hands its address to the
workers; otherwise the session's own fixture does. SONIQ_TEST_DATABASE_URL names another server to
use instead, SONIQ_TEST_POSTGRES_BIN a folder with the binaries of another version.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from soniq import Soniq
from tests.postgres_server import PostgresServer, with_database

_POSTGRES_FIXTURES: Final = {"pg_server", "pg_url", "private_pg_server"}
_CONTROLLER_SERVER: Final = pytest.StashKey[PostgresServer]()
_WORKER_INPUT: Final = "postgres_url"

# No property promises a time, and any example may meet a machine that is busy with others.
settings.register_profile(
    "patient", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
)
settings.load_profile("patient")


@dataclass(frozen=True, slots=True)
class SharedPostgres:
    """The server of the whole test run, not to be stopped by any single test.

    Attributes:
        url: URL of its maintenance database, as a role that may create databases.
    """

    url: str

    def database_url(self, database: str) -> str:
        """Give the URL of one of its databases, existing or not."""
        return with_database(self.url, database)


def _new_server() -> PostgresServer:
    binaries = os.environ.get("SONIQ_TEST_POSTGRES_BIN")
    return PostgresServer(binaries=Path(binaries) if binaries else None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _POSTGRES_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.postgres)


def pytest_configure() -> None:
    """Take signals as a shell in the foreground hands them on.

    Under ``nohup``, or in the background of a script, they are ignored, and so they would be in
    every process that a test starts and sends them to.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start the shared server in the xdist controller, before its first worker."""
    stash = node.config.stash
    if os.environ.get("SONIQ_TEST_DATABASE_URL"):
        return
    if _CONTROLLER_SERVER not in stash:
        stash[_CONTROLLER_SERVER] = _new_server().__enter__()
    node.workerinput[_WORKER_INPUT] = stash[_CONTROLLER_SERVER].url


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(_CONTROLLER_SERVER, None)
    if server is not None:
        server.close()


@pytest.fixture(scope="session")
def pg_server(request: pytest.FixtureRequest) -> Iterator[SharedPostgres]:
    """The server that all tests of the run share."""
    given = os.environ.get("SONIQ_TEST_DATABASE_URL")
    from_controller = getattr(request.config, "workerinput", {}).get(_WORKER_INPUT)
    if url := given or from_controller:
        yield SharedPostgres(url)
        return
    with _new_server() as server:
        yield SharedPostgres(server.url)


@pytest.fixture
async def pg_url(pg_server: SharedPostgres) -> AsyncIterator[str]:
    """URL of an empty database that is dropped after the test."""
    name = f"soniq_test_{uuid.uuid4().hex}"
    await _on_server(pg_server, f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
    try:
        yield pg_server.database_url(name)
    finally:
        await _on_server(pg_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def private_pg_server() -> Iterator[PostgresServer]:
    """A running server of the test's own, for tests that stop or restart it."""
    with _new_server() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def unopened_app(request: pytest.FixtureRequest, tmp_path: Path) -> Soniq:
    """An application on an empty store of each kind, which nobody has set up or opened."""
    match request.param:
        case "memory":
            return Soniq(backend="memory")
        case "sqlite":
            return Soniq(tmp_path / "jobs.db")
        case _:
            return Soniq(request.getfixturevalue("pg_url"))


async def _on_server(server: SharedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
