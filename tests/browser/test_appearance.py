"""Light and dark, as the system says or as the viewer chose."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.served import Served

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def brightness(page: Page) -> float:
    """Of the page's ground: 0 is black, 255 white."""
    colour = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    numbers = [float(part) for part in colour.split("(")[1].rstrip(")").split(",")]
    return sum(numbers[:3]) / 3


async def test_the_page_follows_the_system(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, "workers", scheme="dark")
    assert await brightness(watched.page) < 60
    await watched.page.emulate_media(color_scheme="light")
    assert await brightness(watched.page) > 200


async def test_a_choice_of_the_viewer_is_kept(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, "workers", scheme="light")
    page = watched.page
    await page.get_by_role("button", name="Dark").click()
    assert await brightness(page) < 60
    await page.reload()
    await watched.settled()
    assert await brightness(page) < 60
    await expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="As the system").click()
    assert await brightness(page) > 200
