"""Filters live in the address; the keyboard reaches everything."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.served import Served

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

HREFS = "links => links.map(link => link.getAttribute('href'))"


async def test_an_address_names_what_is_shown(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, "jobs?status=done&queue=billing")
    page, rows = watched.page, watched.page.locator("tbody tr[data-row]")
    await expect(rows.first).to_contain_text("billing.charge_card")
    assert await rows.count() == await rows.filter(has_text="Done").count() > 0
    assert await rows.count() == await rows.filter(has_text="billing").count()
    await expect(page.get_by_label("Queue", exact=True)).to_have_value("billing")
    tab = page.get_by_label("Status").get_by_role("link", name=re.compile("^Done"))
    await expect(tab).to_have_attribute("aria-current", "true")


async def test_what_is_typed_goes_into_the_address_and_back(
    shop: Served, open_page: OpenPage
) -> None:
    watched = await open_page(shop, "jobs")
    page, rows = watched.page, watched.page.locator("tbody tr[data-row]")
    await page.get_by_label("Status").get_by_role("link", name=re.compile("^Done")).click()
    await expect(page).to_have_url(f"{shop.url}/jobs?status=done")
    await page.keyboard.press("/")
    await page.keyboard.type("reindex_product")
    await expect(page).to_have_url(f"{shop.url}/jobs?status=done&query=reindex_product")
    await expect(rows.first).to_contain_text("search.reindex_product")
    await expect(rows.filter(has_text="mail.send_receipt")).to_have_count(0)
    await page.reload()
    await expect(page.locator("[data-search]")).to_have_value("reindex_product")
    await page.go_back()
    await expect(page).to_have_url(f"{shop.url}/jobs")


async def test_pages_follow_each_other_without_a_gap(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, "jobs?status=done&queue=mail")
    page, links = watched.page, watched.page.locator("[data-main]")
    await links.first.wait_for()
    seen = await links.evaluate_all(HREFS)
    await page.get_by_role("link", name="Next page").click()
    await expect(page).to_have_url(re.compile("cursor="))
    await expect(links.first).not_to_have_attribute("href", seen[0])
    later = await links.evaluate_all(HREFS)
    assert later
    assert not set(seen) & set(later)
    await page.get_by_role("link", name="First page").click()
    await expect(links.first).to_have_attribute("href", seen[0])


async def test_dead_letters_are_filtered_by_pattern_and_reason(
    shop: Served, open_page: OpenPage
) -> None:
    watched = await open_page(shop, "failures?job_name=images.*&reason=invalid_arguments")
    await expect(watched.page.locator("tbody tr[data-row]")).to_have_count(1)
    await expect(watched.page.locator("tbody")).to_contain_text("Input should be a valid list")


async def test_a_filter_that_matches_nothing_can_be_cleared(
    shop: Served, open_page: OpenPage
) -> None:
    watched = await open_page(shop, "jobs?queue=no-such-queue")
    await expect(watched.page.locator("main")).to_contain_text("No job matches")
    await watched.page.get_by_role("link", name="Clear all filters").click()
    await expect(watched.page.locator("tbody tr[data-row]").first).to_be_visible()


async def test_the_keyboard_is_enough(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop)
    page, keys = watched.page, watched.page.keyboard
    await keys.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await watched.jump("f", "failures")
    await page.locator("tbody tr[data-row]").first.wait_for()
    await keys.press("j")
    await keys.press("j")
    await keys.press("k")
    first = page.locator("tbody [data-main]").first
    await expect(first).to_be_focused()
    await keys.press("x")
    await expect(page.get_by_role("region", name="Ticked dead letters")).to_be_visible()
    await keys.press("Enter")
    await expect(page).to_have_url(re.compile("/failures/[0-9a-f-]{36}$"))
    await keys.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("Next and previous row")
    await keys.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
