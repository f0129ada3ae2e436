"""The faults are what they are called."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.chaos.infra.cluster import Cluster
from tests.chaos.infra.namespaces import Cable
from tests.chaos.infra.needs import need_program, need_root
from tests.chaos.infra.proxy import Proxy
from tests.chaos.infra.small_disk import SmallDisk
from tests.postgres_server import PostgresServer


async def one(url: str, timeout: float = 5.0) -> None:
    connection = await asyncpg.connect(url, timeout=timeout)
    try:
        assert await connection.fetchval("SELECT 1", timeout=timeout) == 1
    finally:
        connection.terminate()


async def test_a_proxy_passes_refuses_and_passes_again(pg_url: str) -> None:
    with Proxy(pg_url) as proxy:
        await one(proxy.url)
        proxy.refuse()
        with pytest.raises(OSError):
            await one(proxy.url)
        proxy.accept()
        await one(proxy.url)


async def test_a_black_hole_answers_nothing_and_loses_what_it_swallowed(pg_url: str) -> None:
    with Proxy(pg_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        proxy.black_hole()
        with pytest.raises(TimeoutError):
            await one(proxy.url, timeout=0.2)
        proxy.heal()
        await one(proxy.url)
        with pytest.raises(TimeoutError):
            await connection.fetchval("SELECT 1", timeout=0.2)
        connection.terminate()


async def test_a_reset_tells_both_sides(pg_url: str) -> None:
    with Proxy(pg_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        pid = connection.get_server_pid()
        proxy.reset()
        with pytest.raises((asyncpg.PostgresConnectionError, ConnectionResetError)):
            await connection.fetchval("SELECT 1")
        await _ended(pg_url, pid)


async def test_a_forgotten_client_keeps_its_session_on_the_server(pg_url: str) -> None:
    with Proxy(pg_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        pid = connection.get_server_pid()
        proxy.forget_clients()
        with pytest.raises((asyncpg.PostgresConnectionError, ConnectionResetError)):
            await connection.fetchval("SELECT 1")
        assert await _sessions(pg_url, pid) == 1
    await _ended(pg_url, pid)


async def test_a_forgotten_server_leaves_the_client_waiting(pg_url: str) -> None:
    with Proxy(pg_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        pid = connection.get_server_pid()
        proxy.forget_server()
        with pytest.raises(TimeoutError):
            await connection.fetchval("SELECT 1", timeout=0.2)
        await _ended(pg_url, pid)
        connection.terminate()


@pytest.mark.parametrize("sent", [b"", b"x" * 10_000_000])
def test_a_proxy_closes_what_it_has_taken_when_it_ends(sent: bytes) -> None:
    """Whether it has begun to serve it, and whether there is something left to hand on."""
    for clients in range(1, 11):
        with (
            ExitStack() as stack,
            socket.create_server(("127.0.0.1", 0)) as deaf,
            Proxy(f"postgresql://127.0.0.1:{deaf.getsockname()[1]}/x") as proxy,
        ):
            address = ("127.0.0.1", urlsplit(proxy.url).port)
            for _ in range(clients):
                client = stack.enter_context(socket.create_connection(address))
                client.setblocking(False)
                with suppress(BlockingIOError):
                    client.send(sent)
        gc.collect()  # which complains of what is still open


async def test_a_lost_answer_is_one_to_what_was_done_and_ends_the_connection(pg_url: str) -> None:
    watcher = await asyncpg.connect(pg_url)
    await watcher.execute("CREATE TABLE kept (one int)")
    with Proxy(pg_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        pid = connection.get_server_pid()
        proxy.loss = 1.0
        with pytest.raises((asyncpg.PostgresConnectionError, ConnectionResetError)):
            await connection.execute("INSERT INTO kept VALUES (1)")
        assert proxy.lost == 1
        assert await watcher.fetchval("SELECT one FROM kept") == 1
        await _ended(pg_url, pid)
        proxy.loss = 0.0
        await one(proxy.url)
    await watcher.close()


async def test_latency_is_added_to_each_way(pg_url: str) -> None:
    with Proxy(pg_url) as proxy:
        connection = await asyncpg.connect(proxy.url)
        proxy.latency = 0.1
        began = asyncio.get_running_loop().time()
        await connection.execute("SELECT 1")
        assert asyncio.get_running_loop().time() - began >= 0.2
        connection.terminate()


async def test_a_standby_takes_over_with_all_that_was_committed() -> None:
    with Cluster() as cluster:
        await cluster.begin_to_wait()
        connection = await asyncpg.connect(cluster.url())
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        cluster.lose_primary()
        await cluster.promote()
        connection.terminate()
        connection = await asyncpg.connect(cluster.url())
        assert await connection.fetchval("SELECT one FROM kept") == 1
        await connection.close()


async def test_a_cut_cable_is_silent_and_can_be_mended() -> None:
    need_root("A network namespace")
    need_program("ip", "iproute2")
    with Cable() as cable, PostgresServer() as server:
        server.stop()
        server.listen_on("0.0.0.0/0")
        cable.far.start(server.start)
        here = f"postgresql://postgres@{cable.far_from_here}:{server.port}/postgres"
        near = f"postgresql://postgres@{cable.far.address}:{server.port}/postgres"

        async def reaches(*, tries: int = 10) -> bool:
            return await asyncio.to_thread(
                cable.near.start, lambda: asyncio.run(_reaches(near, tries))
            )

        await one(here)
        assert await reaches()
        cable.cut()
        assert not await reaches(tries=1)
        await one(here)
        cable.mend()
        assert await reaches()


def test_a_small_disk_is_full_when_filled() -> None:
    need_root("A disk of its own")
    with SmallDisk(1) as disk:
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            (disk.folder / "more").write_bytes(b"x" * 4096)
        disk.free()
        (disk.folder / "more").write_bytes(b"x" * 4096)
    assert not os.path.exists(disk.folder)  # noqa: PTH110 - no Path outlives it


async def _reaches(url: str, tries: int) -> bool:
    """Whether one of so many tries, of a second each, gets an answer."""
    for _ in range(tries):
        with suppress(TimeoutError):
            await one(url, timeout=1.0)
            return True
    return False


async def _sessions(url: str, pid: int) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(
            await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid)
        )
    finally:
        await connection.close()


async def _ended(url: str, pid: int) -> None:
    async with asyncio.timeout(10):
        while await _sessions(url, pid):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)
