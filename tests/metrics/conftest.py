"""Applications with stored metrics, on each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from soniq import Soniq
from soniq.plugins.metrics import Metrics
from tests.metrics.jobs import define

MakeApp = Callable[..., Awaitable[tuple[Soniq, Metrics]]]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What an application must be told to use each store."""
    if request.param == "sqlite":
        return {"database_url": str(tmp_path / "jobs.db")}
    if request.param == "postgres":
        return {"database_url": request.getfixturevalue("pg_url")}
    from soniq.backends import MemoryBackend

    return {"backend": MemoryBackend()}


@pytest.fixture
async def make_app(where: dict[str, Any]) -> AsyncIterator[MakeApp]:
    """Make applications on one store, each with a plugin of its own; closed at the end."""
    made: list[Soniq] = []

    async def make(**options: Any) -> tuple[Soniq, Metrics]:
        metrics = Metrics(**options)
        app = Soniq(**where, plugins=[metrics], heartbeat_interval=1)
        define(app)
        await app.setup()
        made.append(app)
        return app, metrics

    yield make
    for app in made:
        if not app.is_closed:
            await app.close()
