"""Stages whose database or network can be harmed: on servers of their own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg

from tests.chaos.infra.cluster import Cluster, kill
from tests.chaos.infra.namespaces import Cable
from tests.chaos.infra.needs import need, need_program, need_root
from tests.chaos.infra.proxy import Proxy
from tests.chaos.infra.small_disk import SmallDisk
from tests.chaos.load import Load, client
from tests.chaos.stage import Stage
from tests.pgbouncer import PGBOUNCER, PgBouncer
from tests.postgres_server import TEST_SETTINGS, PostgresServer

_DATABASE = "chaos"


class ServerStage(Stage):
    """With a server that may be stopped, killed, filled and misconfigured."""

    server: PostgresServer

    @classmethod
    @asynccontextmanager
    async def on(
        cls, server: PostgresServer, folder: Path, url: str | None = None, **settings: Any
    ) -> AsyncIterator[Self]:
        """The stage on a running server."""
        async with cls.open(url or server.database_url(_DATABASE), folder, **settings) as stage:
            stage.server = server
            yield stage

    async def start_again(self) -> None:
        """Start the server after it was killed, as soon as what is left of it lets go."""
        async with asyncio.timeout(30):
            while True:
                try:
                    await asyncio.to_thread(self.server.start)
                    return
                except RuntimeError:
                    await asyncio.sleep(0.2)

    async def kill_server(self) -> None:
        """SIGKILL its postmaster."""
        await asyncio.to_thread(kill, self.server)

    @asynccontextmanager
    async def administrator(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection to the maintenance database, whose sessions are nobody's business."""
        connection = await asyncpg.connect(self.server.url)
        try:
            await connection.execute("SET default_transaction_read_only = off")
            await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
            yield connection
        finally:
            connection.terminate()

    async def configure(self, **settings: str | None) -> None:
        """Change settings of the running server, for all its sessions; None takes one back."""
        async with self.administrator() as connection:
            for name, value in settings.items():
                change = f"RESET {name}" if value is None else f"SET {name} = '{value}'"
                await connection.execute(f"ALTER SYSTEM {change}")
            await connection.execute("SELECT pg_reload_conf()")

    async def terminate(self, number: int | None = None) -> int:
        """End so many sessions of the stage's database, or all of them; how many it were."""
        async with self.administrator() as connection:
            ended = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM ("
                "SELECT pid FROM pg_stat_activity WHERE datname = $1 ORDER BY random() LIMIT $2"
                ") AS sessions",
                _DATABASE,
                number,
            )
        return len(ended)


class FarStage(ServerStage):
    """With something before the server; `url` leads past it, `far_url` through it."""

    far_url: str

    @asynccontextmanager
    async def far_load(self, **options: Any) -> AsyncIterator[Load]:
        """A load that is enqueued by the long way."""
        async with client(self.far_url) as app, Load(app, self.history, **options) as load:
            yield load


class ProxyStage(FarStage):
    """With a proxy before the server."""

    proxy: Proxy


class PoolerStage(FarStage):
    """With a transaction pooler before the server."""


class ClusterStage(ServerStage):
    """With a primary that can be lost and a standby that takes over."""

    cluster: Cluster
    proxies: tuple[Proxy, Proxy]
    """Before the primary and the standby, where the place has them."""


class CableStage(ServerStage):
    """With a cable between the hosts `near` and `far`; the server is far, `url` leads past it."""

    cable: Cable

    @property
    def near_url(self) -> str:
        """The URL of the database from the near host, through the cable."""
        return self.url.replace(self.cable.far_from_here, self.cable.far.address)


class DiskStage(ServerStage):
    """With a disk that can be filled."""

    disk: SmallDisk


@contextmanager
def _server(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    with PostgresServer({**TEST_SETTINGS, **(settings or {})}) as server:
        yield server


@asynccontextmanager
async def own_server(_: str, folder: Path) -> AsyncIterator[ServerStage]:
    with _server() as server:
        async with ServerStage.on(server, folder) as stage:
            yield stage


@asynccontextmanager
async def few_connections(_: str, folder: Path) -> AsyncIterator[ServerStage]:
    with _server({"max_connections": "30"}) as server:
        async with ServerStage.on(server, folder) as stage:
            yield stage


@asynccontextmanager
async def behind_a_proxy(_: str, folder: Path) -> AsyncIterator[ProxyStage]:
    with _server() as server, Proxy(server.database_url(_DATABASE)) as proxy:
        async with ProxyStage.on(server, folder) as stage:
            stage.proxy, stage.far_url = proxy, proxy.url
            yield stage


@asynccontextmanager
async def on_a_cluster(_: str, folder: Path) -> AsyncIterator[ClusterStage]:
    with Cluster() as cluster:
        async with ClusterStage.on(cluster.standby, folder, cluster.url(_DATABASE)) as stage:
            stage.cluster = cluster
            await cluster.begin_to_wait()
            yield stage


@asynccontextmanager
async def on_a_cluster_behind_proxies(_: str, folder: Path) -> AsyncIterator[ClusterStage]:
    with Cluster() as cluster, Proxy(cluster.primary.url) as one, Proxy(cluster.standby.url) as two:
        hosts = [proxy.url.rpartition("@")[2].partition("/")[0] for proxy in (one, two)]
        url = f"postgresql://postgres@{','.join(hosts)}/{_DATABASE}?target_session_attrs=read-write"
        async with ClusterStage.on(cluster.standby, folder, url) as stage:
            stage.cluster, stage.proxies = cluster, (one, two)
            await cluster.begin_to_wait()
            yield stage


@asynccontextmanager
async def over_a_cable(_: str, folder: Path) -> AsyncIterator[CableStage]:
    need_root("A network namespace")
    need_program("ip", "iproute2")
    with _server() as server, Cable() as cable:
        server.stop()
        server.listen_on("10.99.0.0/16")
        await asyncio.to_thread(cable.far.start, server.start)
        url = server.database_url(_DATABASE).replace("127.0.0.1", cable.far_from_here)
        async with CableStage.on(server, folder, url) as stage:
            stage.cable = cable
            yield stage


@asynccontextmanager
async def on_a_small_tablespace(_: str, folder: Path) -> AsyncIterator[DiskStage]:
    need_root("A disk of its own")
    with _server() as server, SmallDisk(24) as disk:
        connection = await asyncpg.connect(server.url)
        await connection.execute(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
        await connection.execute(f"CREATE DATABASE {_DATABASE} TABLESPACE small")
        await connection.close()
        async with DiskStage.on(server, folder) as stage:
            stage.disk = disk
            yield stage
        await asyncio.to_thread(server.stop, "immediate")


@asynccontextmanager
async def with_a_small_wal(_: str, folder: Path) -> AsyncIterator[DiskStage]:
    need_root("A disk of its own")
    sizes = {"min_wal_size": "32MB", "max_wal_size": "64MB"}
    with _server(sizes) as server, SmallDisk(128) as disk:
        server.stop()
        await asyncio.to_thread(_move_wal, server.data / "pg_wal", disk.folder / "pg_wal")
        server.start()
        async with DiskStage.on(server, folder) as stage:
            stage.disk = disk
            yield stage
        await asyncio.to_thread(server.stop, "immediate")


def _move_wal(old: Path, new: Path) -> None:
    shutil.copytree(old, new)
    for path in (new, *new.rglob("*")):
        shutil.chown(path, "nobody", old.stat().st_gid)
    shutil.rmtree(old)
    old.symlink_to(new)


@asynccontextmanager
async def behind_pgbouncer(_: str, folder: Path) -> AsyncIterator[PoolerStage]:
    need(PGBOUNCER is not None, "pgbouncer is not installed (Debian's package pgbouncer)")
    with _server() as server:
        async with (
            PgBouncer(server.database_url(_DATABASE), idle_timeout=1) as pooler,
            PoolerStage.on(server, folder) as stage,
        ):
            stage.far_url = pooler.url
            yield stage
