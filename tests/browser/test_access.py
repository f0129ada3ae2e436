"""Signing in, looking only, and being part of another application."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPage, Serve
from tests.browser.seeding import seed_shop
from tests.browser.served import KEY, Served

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def test_the_right_key_opens_the_view_one_wanted(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, "jobs?status=done", signed_in=False, expects=("401",))
    page = watched.page
    assert await watched.faults_of_access() == []
    await page.get_by_label("Key", exact=True).fill("not the key")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Key", exact=True).fill(KEY)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(f"{shop.url}/jobs?status=done")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    assert KEY not in page.url


async def test_whoever_logs_out_is_a_stranger_again(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, "workers", expects=("401",))
    page = watched.page
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Key", exact=True)).to_be_visible()
    await page.goto(f"{shop.url}/workers")
    await expect(page.get_by_label("Key", exact=True)).to_be_visible()


async def test_a_session_that_ends_leads_to_the_form_and_back(
    shop: Served, open_page: OpenPage
) -> None:
    watched = await open_page(shop, "workers", expects=("401",))
    page = watched.page
    await page.context.clear_cookies()
    # The page notices as soon as it asks for anything: by itself, or because it connects anew.
    await page.keyboard.press("p")
    await page.keyboard.press("p")
    await page.get_by_label("Key", exact=True).fill(KEY)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(f"{shop.url}/workers")
    await expect(watched.row("shop-worker-1")).to_be_visible()


async def test_without_writes_there_are_no_buttons_and_it_says_why(
    serve: Serve, open_page: OpenPage, tmp_path: Path
) -> None:
    await seed_shop(tmp_path / "shop.db", share=0.02)
    open_to_all = serve(tmp_path / "shop.db")
    watched = await open_page(open_to_all, "failures")
    page, main = watched.page, watched.page.locator("main")
    await expect(watched.row("billing.charge_card").first).to_be_visible()
    await expect(main.get_by_role("button")).to_have_count(0)
    await expect(main.get_by_role("checkbox")).to_have_count(0)
    note = page.get_by_text("Read-only").first
    await note.focus()
    await expect(page.get_by_role("tooltip")).to_contain_text("SONIQ_DASHBOARD_WRITE_ENABLED")
    await watched.row("billing.charge_card").first.get_by_role("link").click()
    await expect(main).to_contain_text("Given up")
    await expect(page.get_by_role("button", name="Replay")).to_have_count(0)
    await watched.go("schedules")
    await expect(watched.row("settle-payments")).to_be_visible()
    await expect(main.get_by_role("button")).to_have_count(0)


async def test_below_a_prefix_every_link_stays_below_it(
    built_page: None, open_page: OpenPage, tmp_path: Path
) -> None:
    await seed_shop(tmp_path / "shop.db", share=0.02)
    with Served.mounted(tmp_path / "shop.db") as served:
        watched = await open_page(served)
        page = watched.page
        await expect(page.locator(".figures")).to_be_visible()
        for link in await page.get_by_role("link").all():
            assert (await link.evaluate("one => one.href")).startswith(f"{served.url}/")
        await page.locator(".views").get_by_role("link", name="Failures").click()
        await watched.row("billing.charge_card").first.get_by_role("link").click()
        await expect(page.locator("main")).to_contain_text("Given up")
        await expect(page.get_by_role("button", name="Replay")).to_have_count(0)
        await page.reload()
        await expect(page.locator("main")).to_contain_text("Given up")


async def test_the_host_application_names_the_operators(
    built_page: None, open_page: OpenPage, tmp_path: Path
) -> None:
    await seed_shop(tmp_path / "shop.db", share=0.02)
    with Served.mounted(tmp_path / "shop.db") as served:
        watched = await open_page(served, "schedules")
        await expect(watched.row("settle-payments").get_by_role("button")).to_have_count(0)
        await watched.page.context.add_cookies(
            [{"name": "role", "value": "operator", "url": served.origin}]
        )
        await watched.go("schedules")
        row = watched.row("settle-payments")
        await row.get_by_role("button", name="Pause").click()
        await expect(row).to_contain_text("Paused")
