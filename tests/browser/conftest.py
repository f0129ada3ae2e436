"""A real browser on the real page, served by the real command.

All of it runs on one event loop, for a browser belongs to the loop that started it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.browser.seeding import seed_shop
from tests.browser.series import PLUGIN, seed_series
from tests.browser.served import KEY, Served, sign_in
from tests.browser.watched import Watched
from tests.page import build_page

CHROMIUM = os.environ.get("SONIQ_TEST_CHROMIUM") or shutil.which("chromium") or ""

OpenPage = Callable[..., Awaitable[Watched]]
Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def built_page() -> None:
    """The page as its sources are."""
    build_page()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM:
        missing = (
            "there is no chromium on the PATH; apt install chromium, or set SONIQ_TEST_CHROMIUM"
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    async with async_playwright() as playwright:
        # Root may not use the sandbox; containers have a small /dev/shm.
        options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield started
        await started.close()


@pytest.fixture
def serve(built_page: None, tmp_path: Path) -> Iterator[Serve]:
    """Start dashboards, as ``serve(database, key=..., writes=...)``; they end with the test."""
    with ExitStack() as running:

        def start(database: Path, **options: Any) -> Served:
            return running.enter_context(Served.by_command(database, **options))

        yield start


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(built_page: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A dashboard over a seeded database with stored metrics, which tests only look at."""
    database = tmp_path_factory.mktemp("shop") / "shop.db"
    await seed_shop(database, share=0.1)
    await seed_series(database)
    with Served.by_command(database, key=KEY, writes=True, plugins=PLUGIN) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def own_shop(serve: Serve, tmp_path: Path) -> Served:
    """A dashboard over a seeded database of the test's own."""
    database = tmp_path / "shop.db"
    await seed_shop(database, share=0.02)
    return serve(database, key=KEY, writes=True)


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Open a page as ``open_page(served, "jobs", scheme="dark", width=390)``.

    It is signed in where the dashboard has a key. At the end of the test every page must have come
    through without a word on the console, a blocked resource or a request to another host.
    """
    opened: list[Watched] = []
    async with AsyncExitStack() as contexts:

        async def start(
            served: Served,
            path: str = "",
            *,
            scheme: Any = "light",
            width: int = 1280,
            signed_in: bool = True,
            expects: tuple[str, ...] = (),
        ) -> Watched:
            context: BrowserContext = await browser.new_context(
                viewport={"width": width, "height": 860},
                color_scheme=scheme,
                timezone_id="Europe/Berlin",
                locale="en-GB",
                reduced_motion="reduce",
            )
            contexts.push_async_callback(context.close)
            if served.key and signed_in:
                await sign_in(context, served)
            watched = Watched(await context.new_page(), served, expects)
            opened.append(watched)
            await watched.go(path)
            return watched

        yield start
        for watched in opened:
            watched.assert_faultless()
