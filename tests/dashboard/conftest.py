"""An application on each store, its dashboard, and somebody who asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from soniq import Soniq
from soniq.dashboard.application import Dashboard
from soniq.dashboard.settings import DashboardSettings
from tests.dead_letter.conftest import give_up
from tests.worker.conftest import MakeApp, make_app, store

__all__ = ["give_up", "make_app", "store"]

KEY = "the-key-of-tests"
OPERATOR = {"x-api-key": KEY}
OWN_PAGE = {"origin": "http://testserver"}

Ask = Callable[..., httpx.AsyncClient]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is set around the tests is meant for them."""
    for name in ("API_KEY", "WRITE_ENABLED", "ALLOWED_ORIGINS"):
        monkeypatch.delenv(f"SONIQ_DASHBOARD_{name}", raising=False)


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Make clients of an ASGI application; closed at the end."""
    async with AsyncExitStack() as clients:
        made: list[httpx.AsyncClient] = []

        def new(
            application: Any, headers: Any = None, base: str = "http://testserver"
        ) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(application)
            made.append(httpx.AsyncClient(transport=transport, base_url=base, headers=headers))
            clients.push_async_callback(made[-1].aclose)
            return made[-1]

        yield new


def dashboard_of(app: Soniq, **options: Any) -> Dashboard:
    """A dashboard with a key and writes on, unless the settings say otherwise."""
    settings = {"api_key": KEY, "write_enabled": True} | options.pop("settings", {})
    return Dashboard(app, DashboardSettings(**settings), **options)


@pytest.fixture
async def app(make_app: MakeApp) -> Soniq:
    """An application with two jobs, that fail when they are told to."""
    app = await make_app(max_retries=0)

    @app.job(name="mail.send", queue="mail")
    async def send(to: str = "", password: str = "") -> str:
        if to == "nobody":
            raise ValueError("no such address")
        return to

    @app.job(name="tidy.up")
    async def tidy_up() -> None:
        pass

    return app


@pytest.fixture
def operator(app: Soniq, ask: Ask) -> httpx.AsyncClient:
    """Somebody with the key."""
    return ask(dashboard_of(app), OPERATOR)


IN_MEMORY = pytest.mark.parametrize("store", ["memory"], indirect=True)
"""For what no store makes a difference to."""
