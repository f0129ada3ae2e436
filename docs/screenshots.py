"""Take the pictures of the dashboard: ``make screenshots``.

Each view, light and dark, of a seeded database; two of them also as a phone shows them. They go
into docs/images/. Needs chromium on the PATH.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.browser.seeding import seed_shop
from tests.browser.series import PLUGIN, seed_series
from tests.browser.served import KEY, Served, sign_in

IMAGES: Final = Path(__file__).resolve().parent / "images"
VIEWS: Final = ("jobs", "queues", "failures", "schedules", "workers", "types", "audit")
SCHEMES: Final = ("light", "dark")
_DESK: Final = {"width": 1280, "height": 820}
_PHONE: Final = {"width": 390, "height": 844}


async def take_all() -> None:
    """Take every picture anew."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("The pictures are taken with chromium, and there is none on the PATH.")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "shop.db"
        await seed_shop(database)
        await seed_series(database)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            with Served.by_command(database, key=KEY, writes=True, plugins=PLUGIN) as served:
                await _leave_traces(served, browser)
                for scheme in SCHEMES:
                    await _take(served, browser, scheme)
            await browser.close()


async def _take(served: Served, browser: Browser, scheme: Any) -> None:
    context = await _context(browser, served, scheme, _DESK)
    for name, path in _pictures(served):
        await _shoot(context, f"{served.url}/{path}", f"dashboard-{name}-{scheme}.png")
    await context.close()
    phone = await _context(browser, served, scheme, _PHONE)
    for name, path in (("overview", "?window=24h"), ("failures", "failures")):
        await _shoot(phone, f"{served.url}/{path}", f"dashboard-phone-{name}-{scheme}.png")
    await phone.close()
    if served.key is not None:
        stranger = await browser.new_context(viewport=_DESK, color_scheme=scheme)  # type: ignore[arg-type]
        await _shoot(stranger, f"{served.url}/login", f"dashboard-login-{scheme}.png")
        await stranger.close()


def _pictures(served: Served) -> Iterator[tuple[str, str]]:
    yield "overview", "?window=24h"
    yield from ((view, view) for view in VIEWS)
    with closing(sqlite3.connect(served.database)) as database:
        job = (
            "SELECT id FROM soniq_jobs WHERE status = 'done' AND attempts = 2 AND queue = 'images'"
        )
        yield "job", f"jobs/{database.execute(job).fetchone()[0]}"
        letter = "SELECT id FROM soniq_dead_letter_jobs WHERE queue = 'billing'"
        yield "dead-letter", f"failures/{database.execute(letter).fetchone()[0]}"


async def _context(browser: Browser, served: Served, scheme: Any, viewport: Any) -> BrowserContext:
    context = await browser.new_context(
        viewport=viewport,
        color_scheme=scheme,
        timezone_id="Europe/Berlin",
        locale="en-GB",
        reduced_motion="reduce",
    )
    await sign_in(context, served)
    return context


async def _shoot(context: BrowserContext, url: str, name: str) -> None:
    page = await context.new_page()
    await page.goto(url)
    await page.locator("h1").first.wait_for()
    await page.locator(".loading").first.wait_for(state="detached")
    await page.evaluate("document.fonts.ready")
    # Two frames later the charts have been painted in their typeface.
    await page.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    await page.screenshot(path=IMAGES / name)
    await page.close()


async def _leave_traces(served: Served, browser: Browser) -> None:
    """Change a few things, so that there is something in the audit."""
    context = await _context(browser, served, "light", _DESK)
    with closing(sqlite3.connect(served.database)) as database:
        rows = database.execute("SELECT id FROM soniq_dead_letter_jobs LIMIT 3").fetchall()
    paths = [f"dead-letter/{one}/replay" for (one,) in rows]
    paths += ["schedules/settle-payments/run", "schedules/nightly-reindex/pause"]
    paths += ["schedules/nightly-reindex/resume"]
    for path in paths:
        reply = await context.request.post(
            f"{served.url}/api/{path}", data={}, headers={"origin": served.origin}
        )
        assert reply.status in (200, 400), await reply.text()
    await context.close()


if __name__ == "__main__":
    asyncio.run(take_all())
