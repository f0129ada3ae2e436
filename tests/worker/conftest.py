"""An application on each store, with short intervals, and a worker beside the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from soniq import Soniq
from soniq.testing import wait_until

PATIENCE = 15.0

MakeApp = Callable[..., Awaitable[Soniq]]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What an application must be told to use each store."""
    where: dict[str, Any] = {"backend": request.param}
    if request.param == "sqlite":
        where["database_url"] = str(tmp_path / "jobs.db")
    elif request.param == "postgres":
        where["database_url"] = request.getfixturevalue("pg_url")
    return where


@pytest.fixture
async def make_app(store: dict[str, Any]) -> AsyncIterator[MakeApp]:
    """Make applications on one store; closed at the end."""
    made: list[Soniq] = []

    async def make(**settings: Any) -> Soniq:
        app = Soniq(**store, **settings)
        await app.setup()
        made.append(app)
        return app

    yield make
    for app in made:
        await app.close()


@pytest.fixture
async def app(make_app: MakeApp) -> Soniq:
    """An application with the default settings."""
    return await make_app()


@asynccontextmanager
async def working(app: Soniq, **options: Any) -> AsyncIterator[asyncio.Event]:
    """Run a worker beside the block; setting the event it gives stops it early."""
    stop = asyncio.Event()
    task = asyncio.create_task(app.run_worker(shutdown_event=stop, **options))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the store shows `condition`; fails after a while."""
    await wait_until(condition, timeout=PATIENCE)


async def until_status(app: Soniq, job_id: str, *statuses: str) -> dict[str, Any]:
    """Wait until the job has one of these statuses, and return it."""
    found: dict[str, Any] = {}

    async def reached() -> bool:
        job = await app.get_job(job_id)
        found.clear()
        found.update(job or {"status": None})
        return found["status"] in statuses

    await until(reached)
    return found
