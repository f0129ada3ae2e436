"""PgBouncer in transaction mode, where it is installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tests.ports import free_port

PGBOUNCER: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

_PATIENCE: Final = 10.0
_SETTINGS: Final = """\
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
auth_type = any
pool_mode = transaction
server_idle_timeout = {idle}
server_login_retry = 1
unix_socket_dir =
"""


class PgBouncer:
    """A PgBouncer of one's own before the server at `url`; a context manager.

    Args:
        idle_timeout: seconds after which it gives a server session that nobody uses back.
    """

    def __init__(self, url: str, *, idle_timeout: int = 600) -> None:
        self._server = urlsplit(url)
        self._idle_timeout = idle_timeout
        self._port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="pgbouncer-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where to connect through it."""
        return f"postgresql://{self._server.username}@127.0.0.1:{self._port}{self._server.path}"

    async def __aenter__(self) -> Self:
        process = self._process = self._start()
        async with asyncio.timeout(_PATIENCE):
            while not await self._listens():
                assert process.poll() is None, "PgBouncer did not start"
        return self

    def _start(self) -> subprocess.Popen[bytes]:
        assert PGBOUNCER is not None
        folder, server = Path(self._folder.name), self._server
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(
                host=server.hostname,
                port=server.port,
                user=server.username,
                listen=self._port,
                idle=self._idle_timeout,
            )
        )
        command = [PGBOUNCER, "--quiet", str(settings)]
        if os.geteuid() == 0:
            folder.chmod(0o755)
            command[1:1] = ["--user", "nobody"]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            await asyncio.sleep(0.05)
            return False
        writer.close()
        return True
