"""Real worker processes on real stores."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from soniq import Soniq

APP = "tests.processes.jobs:app"
PATIENCE = 60.0
ROOT = Path(__file__).resolve().parents[2]


class Processes:
    """Worker processes of one test, ended with it.

    Args:
        folder: for their output.
        app: what they run.
        variables: of their environment, beside the settings.
    """

    def __init__(
        self, folder: Path, *, app: str = APP, variables: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._app = app
        self._variables = variables or {}
        self._started: list[subprocess.Popen[bytes]] = []

    def worker(
        self,
        url: str,
        *options: str,
        variables: Mapping[str, str] | None = None,
        **settings: object,
    ) -> subprocess.Popen[bytes]:
        """Start ``soniq worker`` on the store at `url`; its output goes to a file."""
        return self._start("worker", url, *options, variables=variables or {}, **settings)

    def scheduler(self, url: str) -> subprocess.Popen[bytes]:
        """Start ``soniq scheduler`` on the store at `url`."""
        return self._start("scheduler", url, variables={})

    def _start(
        self,
        command: str,
        url: str,
        *options: str,
        variables: Mapping[str, str],
        **settings: object,
    ) -> subprocess.Popen[bytes]:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SONIQ_")},
            "SONIQ_DATABASE_URL": url,
            **{f"SONIQ_{name.upper()}": str(value) for name, value in settings.items()},
            **self._variables,
            **variables,
        }
        with (self._folder / f"worker{len(self._started)}.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "soniq", command, self._app, *options],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def output(self) -> str:
        """What the workers wrote so far."""
        logs = sorted(self._folder.glob("worker*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in logs)

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    try:
        yield started
    finally:
        started.close()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that several processes can share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    return str(request.getfixturevalue("pg_url"))


@pytest.fixture
async def client(store_url: str) -> AsyncIterator[Soniq]:
    """An application in the test's own process on the shared store, knowing the same jobs."""
    async with producer(store_url) as app:
        yield app


def producer(url: str) -> Soniq:
    """An application that enqueues the jobs of `tests.processes.jobs` by name."""
    return Soniq(database_url=url, enqueue_validation="none")


async def until(
    condition: Callable[[], Awaitable[bool]], processes: Processes, patience: float = PATIENCE
) -> None:
    """Wait until `condition` holds; what the workers wrote is part of the failure."""
    try:
        async with asyncio.timeout(patience):
            while not await condition():  # noqa: ASYNC110 - other processes tell us nothing
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"waited {patience:g} s in vain\n{processes.output()[-6000:]}")


def lines(log: Path) -> list[list[str]]:
    """The runs written down so far."""
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []
