"""A primary and a standby without which it commits nothing: what a failover goes between."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import asyncpg

from tests.postgres_server import TEST_SETTINGS, PostgresServer

_PROMOTED_WITHIN: Final = 60
_SYNC_STATE: Final = "SELECT sync_state FROM pg_stat_replication"
# What a failed server would wait for at its clients' cost, where they hang on to it.
_STANDBY_SETTINGS: Final = {"synchronous_standby_names": ""}


class Standby(PostgresServer):
    """Follows `primary` from a copy of its data; a server in its own right once promoted."""

    def __init__(
        self, primary: PostgresServer, settings: Mapping[str, str] = TEST_SETTINGS
    ) -> None:
        super().__init__({**settings, **_STANDBY_SETTINGS})
        self._primary = primary

    def _initialise(self) -> None:
        self._run(
            *("pg_basebackup", "-h", "127.0.0.1", "-p", str(self._primary.port), "-U", "postgres"),
            *("-D", self.data, "--checkpoint", "fast", "--write-recovery-conf", "--no-sync"),
        )


class Cluster:
    """Two servers, one of which takes writes; a context manager."""

    def __init__(self) -> None:
        self.primary = PostgresServer()
        self.standby = Standby(self.primary)

    def url(self, database: str = "postgres") -> str:
        """URL of a database on whichever server takes writes."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"

    def __enter__(self) -> Self:
        try:
            self.primary.start()
            self.standby.start()
        except BaseException:
            self.close()
            raise
        return self

    async def begin_to_wait(self) -> None:
        """From now on a commit on the primary returns when the standby has it, too."""
        connection = await asyncpg.connect(self.primary.url)
        try:
            await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await connection.execute("SELECT pg_reload_conf()")
            while await connection.fetchval(_SYNC_STATE) != "sync":
                await connection.execute("SELECT pg_sleep(0.05)")
        finally:
            await connection.close()

    def lose_primary(self) -> None:
        """The primary is gone, as by a power cut that its clients are told of."""
        kill(self.primary)

    async def promote(self) -> None:
        """Make the standby take writes; returns when it does."""
        connection = await asyncpg.connect(self.standby.url)
        try:
            assert await connection.fetchval("SELECT pg_promote(true, $1)", _PROMOTED_WITHIN)
        finally:
            await connection.close()

    def close(self) -> None:
        """Stop both."""
        self.standby.close()
        self.primary.close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def kill(server: PostgresServer) -> None:
    """SIGKILL the postmaster. Its children notice and end; start it again only after that."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.stop("immediate")
