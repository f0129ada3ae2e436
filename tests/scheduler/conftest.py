"""Applications with schedules, on each store and on a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from soniq import Soniq
from soniq.testing import wait_until
from tests.backends.conftest import store, unopened_store
from tests.backends.stores import PATIENCE, Store, settings

__all__ = ["app", "apps", "store", "unopened_store"]

TICK = 0.05


class Apps:
    """Applications on one store, each as another process would have it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: list[Soniq] = []

    async def new(self, **overrides: Any) -> Soniq:
        backend = await self._store.open()
        given = settings(**overrides).model_dump(exclude_unset=True)
        app = Soniq(backend=backend, **given)
        self._made.append(app)
        return app

    async def close(self) -> None:
        for app in self._made:
            if not app.is_closed:
                await app.close()


@pytest.fixture
async def apps(store: Store) -> AsyncIterator[Apps]:
    """Applications on the test's store; closed with it."""
    made = Apps(store)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def app(apps: Apps) -> Soniq:
    """The first application on the store."""
    return await apps.new()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `condition` holds; fails after a while."""
    await wait_until(condition, timeout=PATIENCE)


async def until_ran(app: Soniq, name: str, runs: int) -> dict[str, Any]:
    """Wait until the schedule has run so often, and return it."""
    found: dict[str, Any] = {}

    async def ran() -> bool:
        found.update(await app.scheduler.get(name) or {})
        return bool(found["run_count"] >= runs)

    await until(ran)
    assert found["run_count"] == runs
    return found


async def until_ahead(store: Store, app: Soniq, name: str) -> dict[str, Any]:
    """Wait until nothing of the schedule is due any more, and return it."""
    found: dict[str, Any] = {}

    async def ahead() -> bool:
        found.update(await app.scheduler.get(name) or {})
        return bool(found["next_run"] > await store.backend.schedules.now())

    await until(ahead)
    return found


async def jobs_of(app: Soniq, name: str = "tests.job") -> list[dict[str, Any]]:
    """The jobs of that name in the order of their due times."""
    jobs = [job for job in await app.list_jobs(limit=5000) if job["job_name"] == name]
    return sorted(jobs, key=lambda job: job["scheduled_at"])
