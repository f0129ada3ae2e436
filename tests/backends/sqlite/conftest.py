"""A SQLite file, backends on it, and other processes that use it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from soniq.backends.base import WorkerSession
from soniq.backends.sqlite import SQLiteBackend
from soniq.settings import SoniqSettings
from tests.factories import new_worker

PATIENCE = 20.0
_LONGEST_LINE = 2**20
Spawn = Callable[..., Awaitable[Process]]


def ignore_wake(priority: int | None) -> None:
    """For workers whose test does not wait to be woken."""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "soniq.db")


class Opener:
    """Opens backends on one file, and joins workers; all are closed after the test."""

    def __init__(self, path: str, stack: AsyncExitStack) -> None:
        self.path = path
        self._stack = stack

    async def backend(self, **settings: Any) -> SQLiteBackend:
        backend = SQLiteBackend(self.path)
        await backend.open(SoniqSettings(**settings))
        self._stack.push_async_callback(backend.close)
        return backend

    async def session(self, **settings: Any) -> WorkerSession:
        backend = await self.backend(**settings)
        return await backend.join(new_worker(), ignore_wake)


@pytest.fixture
async def opener(path: str) -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:
        yield Opener(path, stack)


@pytest.fixture
async def backend(opener: Opener) -> SQLiteBackend:
    return await opener.backend()


@pytest.fixture
async def spawn(path: str) -> AsyncIterator[Spawn]:
    """Starts a role of `tests.backends.sqlite.process` on the file, in a process of its own."""
    started: list[Process] = []

    async def start(role: str, *arguments: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.backends.sqlite.process",
            role,
            path,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            limit=_LONGEST_LINE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_of(process: Process) -> str:
    """The next line that the process prints."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode().strip()


async def tell(process: Process, line: str) -> None:
    """Give the process one line."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())
    await process.stdin.drain()
