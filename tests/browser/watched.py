"""A page that is watched for everything that must not happen on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Locator, Page, Request, expect
from playwright.async_api import TimeoutError as TookTooLong

from tests.browser.served import Served

PATIENCE_MS = 20_000.0
expect.set_options(timeout=PATIENCE_MS)


class Watched:
    """A page, and the faults that showed while it was open.

    Args:
        page: a fresh page.
        served: the dashboard it will show.
        expects: console messages with one of these texts are no fault: the test causes them.
    """

    def __init__(self, page: Page, served: Served, expects: tuple[str, ...] = ()) -> None:
        self.page = page
        self._served = served
        self._faults: list[str] = []
        self._expected = expects
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._spoke)
        page.on("pageerror", lambda error: self._faults.append(f"error: {error}"))
        page.on("request", self._asked)

    async def go(self, path: str = "") -> None:
        """Open a view and wait until it shows what it is about."""
        await self.page.goto(f"{self._served.url}/{path}")
        await self.settled()

    async def jump(self, key: str, path: str) -> None:
        """Go to a view by ``g`` and its key, once more where they came too far apart."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not self.page.url.endswith(f"/{path}"):
                await self.page.keyboard.press("g")
                await self.page.keyboard.press(key)
                with suppress(TookTooLong):
                    await self.page.wait_for_url(f"**/{path}", timeout=1_000)

    async def settled(self) -> None:
        """Wait until nothing is loading any more."""
        await self.page.locator("main, form").first.wait_for()
        await self.page.locator(".loading").first.wait_for(state="detached")

    async def faults_of_access(self) -> list[str]:
        """What keeps some people from using the page as it is, by axe-core's serious rules."""
        found = (await Axe().run(self.page)).response["violations"]
        return [_told(one) for one in found if one["impact"] in ("serious", "critical")]

    async def overflows(self) -> bool:
        """Whether the page as a whole scrolls sideways."""
        wide = "document.scrollingElement.scrollWidth > document.scrollingElement.clientWidth"
        return bool(await self.page.evaluate(wide))

    def row(self, text: str) -> Locator:
        """The rows in which a text stands."""
        return self.page.locator("tbody tr[data-row]", has_text=text)

    def assert_faultless(self) -> None:
        """Fail if anything showed that must not."""
        assert not self._faults, "\n".join(self._faults)

    def _spoke(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(
            text in message.text for text in self._expected
        ):
            self._faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        inside = request.url.startswith((f"{self._served.origin}/", "data:"))
        if not inside:
            self._faults.append(f"a request to {request.url}")


def _told(violation: dict[str, Any]) -> str:
    where = "; ".join(str(node["target"]) for node in violation["nodes"][:3])
    return f"{violation['id']}: {violation['help']} at {where}"
