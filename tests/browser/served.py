"""Dashboards served by ``soniq dashboard``, in processes of their own."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext

from tests.programs import Program

KEY = "a key that nobody guesses"
APP = "tests.browser.jobs:app"
_PATIENCE = 30.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Served:
    """A dashboard that answers.

    Attributes:
        url: where, with the mount prefix and without a slash at the end.
        database: the SQLite file it shows.
        key: what it asks for, None where it is open.
    """

    url: str
    database: Path
    key: str | None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @classmethod
    @contextmanager
    def by_command(
        cls,
        database: Path,
        *,
        key: str | None = None,
        writes: bool = False,
        plugins: str | None = None,
    ) -> Iterator[Served]:
        """Serve it during the block."""
        env = {
            "SONIQ_DASHBOARD_API_KEY": key,
            "SONIQ_DASHBOARD_WRITE_ENABLED": "1" if writes else None,
            "SONIQ_PLUGINS": plugins,
        }
        command = ["dashboard", APP, "--database-url", str(database), "--port", "0"]
        with Program([sys.executable, "-m", "soniq", *command], env=env, cwd=ROOT) as program:
            url = program.line(r"starting at (http://\S+)")[1]
            program.line(r"startup complete")
            _wait_until_it_listens(url)
            yield cls(url, database, key)

    @classmethod
    @contextmanager
    def mounted(cls, database: Path) -> Iterator[Served]:
        """Serve it below /ops/jobs of another application during the block."""
        env = {"SONIQ_DATABASE_URL": str(database)}
        command = ["tests.browser.mounted:site", "--port", "0", "--lifespan", "off"]
        with Program([sys.executable, "-m", "uvicorn", *command], env=env, cwd=ROOT) as program:
            url = program.line(r"running on (http://\S+)")[1]
            yield cls(f"{url}/ops/jobs", database, None)

    @contextmanager
    def worker(self) -> Iterator[Program]:
        """Run a worker on its database during the block."""
        command = ["worker", APP, "--database-url", str(self.database)]
        with Program([sys.executable, "-m", "soniq", *command], cwd=ROOT) as program:
            yield program


def _wait_until_it_listens(url: str) -> None:
    """The server's last word comes a moment before it takes connections."""
    parts = urlsplit(url)
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


async def sign_in(context: BrowserContext, served: Served) -> None:
    """Get the cookie that the login form gives."""
    reply = await context.request.post(
        f"{served.url}/login",
        form={"key": served.key or "", "next": "/health"},
        headers={"origin": served.origin},
    )
    assert reply.ok, f"signing in: {reply.status} {await reply.text()}"
