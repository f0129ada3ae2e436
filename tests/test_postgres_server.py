from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import SharedPostgres
from tests.postgres_server import PostgresServer, with_database

REPOSITORY = Path(__file__).parent.parent

OWNER = """
import time
from tests.postgres_server import PostgresServer
server = PostgresServer().start()
print(server.port, server.home, flush=True)
time.sleep(60)
"""


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def accepts_connections(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_each_test_gets_an_empty_database_of_its_own(
    pg_url: str, pg_server: SharedPostgres
) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await value(pg_url, tables) == 0
    assert await value(pg_url, "SELECT current_database()") != await value(
        pg_server.url, "SELECT current_database()"
    )


async def test_a_restart_keeps_what_was_committed_and_the_port(
    private_pg_server: PostgresServer,
) -> None:
    connection = await asyncpg.connect(private_pg_server.url)
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    port = private_pg_server.port

    await asyncio.to_thread(private_pg_server.restart, "immediate")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("SELECT 1")
    connection.terminate()
    assert private_pg_server.port == port
    assert await value(private_pg_server.url, "SELECT answer FROM kept") == 42


async def test_a_stopped_server_refuses_connections(private_pg_server: PostgresServer) -> None:
    private_pg_server.stop()
    assert private_pg_server.pid is None
    with pytest.raises(OSError):
        await asyncpg.connect(private_pg_server.url)


def test_a_server_that_cannot_start_shows_its_log() -> None:
    server = PostgresServer({"shared_buffers": "nonsense"})
    try:
        with pytest.raises(RuntimeError, match="shared_buffers"):
            server.start()
    finally:
        server.close()
    assert not server.home.exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_server_goes_with_its_owner(end: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert owner.stdout is not None
    with owner, owner.stdout:
        port, home = owner.stdout.readline().split()
        assert accepts_connections(int(port))
        owner.send_signal(end)
    assert eventually(lambda: not accepts_connections(int(port)))
    assert eventually(lambda: not Path(home).exists())


def test_another_database_keeps_the_rest_of_the_url() -> None:
    url = "postgresql://me:pw@db:5433/postgres?sslmode=disable"
    assert with_database(url, "jobs") == "postgresql://me:pw@db:5433/jobs?sslmode=disable"
