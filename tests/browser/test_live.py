"""The page follows what happens, without being loaded anew."""

from __future__ import annotations

import signal

import pytest
from playwright.async_api import Route, expect

from soniq import Soniq
from tests.browser.conftest import OpenPage
from tests.browser.served import Served

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def test_a_job_shows_up_and_is_done_while_one_looks(
    own_shop: Served, open_page: OpenPage
) -> None:
    watched = await open_page(own_shop, "jobs?job_name=images.make_thumbnails&query=7777777")
    page = watched.page
    await expect(page.locator("main")).to_contain_text("No job matches")
    await page.evaluate("window.stillThere = true")
    async with Soniq(database_url=str(own_shop.database), enqueue_validation="none") as app:
        await app.enqueue(
            "images.make_thumbnails", args={"product_id": 7777777, "sizes": [1]}, queue="images"
        )
    await expect(watched.row("7777777")).to_contain_text("Queued")
    with own_shop.worker() as worker:
        await expect(watched.row("7777777")).to_contain_text("Done")
        worker.send(signal.SIGTERM)
        worker.exit_code()
    assert await page.evaluate("window.stillThere"), "the page was loaded anew"


async def test_the_overview_counts_along(own_shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(own_shop)
    queued = watched.page.locator(".figures > div", has_text="Queued").locator("dd")
    before = int((await queued.inner_text()).replace(",", ""))
    async with Soniq(database_url=str(own_shop.database), enqueue_validation="none") as app:
        for number in range(3):
            await app.enqueue("mail.send_receipt", args={"order_id": number}, queue="mail")
    await expect(queued).to_have_text(f"{before + 3:,}")


async def test_a_page_held_still_stays_as_it_is(own_shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(own_shop, "jobs?query=8888888")
    page = watched.page
    live = page.locator(".live")
    await expect(live).to_have_text("Live")
    await page.keyboard.press("p")
    await expect(live).to_have_text("Paused")
    async with Soniq(database_url=str(own_shop.database), enqueue_validation="none") as app:
        await app.enqueue("mail.send_receipt", args={"order_id": 8888888}, queue="mail")
    await expect(page.locator("main")).to_contain_text("No job matches")
    await live.click()
    await expect(watched.row("8888888")).to_be_visible()


async def test_a_lost_connection_is_told_and_found_again(
    own_shop: Served, open_page: OpenPage
) -> None:
    expects = ("ERR_FAILED", "Failed to load resource")
    watched = await open_page(own_shop, "jobs?query=9999999", expects=expects)
    page, live = watched.page, watched.page.locator(".live")
    await expect(live).to_have_text("Live")

    async def cut(route: Route) -> None:
        await route.abort()

    await page.route("**/api/**", cut)
    # An open stream is not cut by a route; holding the page still and going on opens another.
    await live.click()
    await live.click()
    await expect(live).to_have_text("Reconnecting")
    async with Soniq(database_url=str(own_shop.database), enqueue_validation="none") as app:
        await app.enqueue("mail.send_receipt", args={"order_id": 9999999}, queue="mail")
    await page.unroute("**/api/**")
    await expect(live).to_have_text("Live")
    await expect(watched.row("9999999")).to_be_visible()


async def test_a_row_with_the_focus_keeps_it_while_others_come(
    own_shop: Served, open_page: OpenPage
) -> None:
    watched = await open_page(own_shop, "jobs?queue=mail")
    page = watched.page
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    focused = page.locator("[data-main]:focus")
    target = await focused.get_attribute("href")
    assert target
    async with Soniq(database_url=str(own_shop.database), enqueue_validation="none") as app:
        await app.enqueue("mail.send_receipt", args={"order_id": 6666666}, queue="mail")
    await expect(watched.row("6666666")).to_be_visible()
    await expect(focused).to_have_attribute("href", target)
