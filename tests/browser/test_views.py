"""Every view of the page, in both colour schemes and on a phone."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.served import Served

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

VIEWS = {
    "": ("Overview", "webhooks"),
    "jobs": ("Jobs", "mail.send_receipt"),
    "queues": ("Queues", "billing"),
    "failures": ("Failures", "billing.charge_card"),
    "schedules": ("Schedules", "settle-payments"),
    "workers": ("Workers", "shop-worker-1"),
    "types": ("Job types", "search.reindex_product"),
    "audit": ("Audit", "Nothing was changed yet"),
}
SCHEMES = ("light", "dark")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", VIEWS)
async def test_a_view_shows_what_is_stored_and_keeps_nobody_out(
    shop: Served, open_page: OpenPage, path: str, scheme: str
) -> None:
    heading, content = VIEWS[path]
    watched = await open_page(shop, path, scheme=scheme)
    await expect(watched.page.get_by_role("heading", level=1)).to_have_text(heading)
    await expect(watched.page.locator("main")).to_contain_text(content)
    assert await watched.faults_of_access() == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("among", ["jobs", "failures"])
async def test_one_job_shows_arguments_error_and_timeline(
    shop: Served, open_page: OpenPage, among: str, scheme: str
) -> None:
    watched = await open_page(shop, f"{among}/{_some_id(shop, among)}", scheme=scheme)
    main = watched.page.locator("main")
    await expect(main).to_contain_text("order_id")
    await expect(main).to_contain_text("Enqueued")
    await expect(main).to_contain_text("Given up" if among == "failures" else "Done")
    assert await watched.faults_of_access() == []


@pytest.mark.parametrize("path", VIEWS)
async def test_a_view_fits_a_phone(shop: Served, open_page: OpenPage, path: str) -> None:
    watched = await open_page(shop, path, width=390)
    assert not await watched.overflows()
    assert await watched.faults_of_access() == []


@pytest.mark.parametrize("among", ["jobs", "failures"])
async def test_one_job_fits_a_phone(shop: Served, open_page: OpenPage, among: str) -> None:
    watched = await open_page(shop, f"{among}/{_some_id(shop, among)}", width=390)
    assert not await watched.overflows()


async def test_every_view_is_reached_by_its_link(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop)
    await watched.page.evaluate("window.stillThere = true")
    for path, (heading, _) in VIEWS.items():
        await watched.page.locator(".views").get_by_role("link", name=heading).click()
        await expect(watched.page.get_by_role("heading", level=1)).to_have_text(heading)
        await expect(watched.page).to_have_url(f"{shop.url}/{path}")
        await expect(watched.page).to_have_title(f"{heading} · Soniq")
    assert await watched.page.evaluate("window.stillThere"), "the page was loaded anew"


async def test_charts_show_each_period(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop)
    page = watched.page
    for period in ("24 h", "7 d", "90 d", "1 h"):
        await page.get_by_label("Period").get_by_role("link", name=period, exact=True).click()
        await expect(page.locator(".plot canvas")).to_have_count(4)
    await expect(page.get_by_role("img", name=re.compile("^Throughput"))).to_have_attribute(
        "aria-label", re.compile("highest")
    )
    await page.get_by_label("Period").get_by_role("link", name="7 d").click()
    await expect(page).to_have_url(f"{shop.url}/?window=7d")


async def test_stored_metrics_tell_of_the_depth_and_without_them_the_chart_says_so(
    shop: Served, own_shop: Served, open_page: OpenPage
) -> None:
    watched = await open_page(shop, "?window=24h")
    depth = watched.page.get_by_role("img", name=re.compile("^Depth"))
    await expect(depth).to_have_attribute("aria-label", re.compile(r"highest \d"))
    watched = await open_page(own_shop, "?window=24h")
    await expect(watched.page.locator("main")).to_contain_text("is kept by the Metrics plugin")


async def test_what_does_not_exist_says_so(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, expects=("404", "400"))
    await watched.go("jobs/01a20000-0000-7000-8000-000000000000")
    await expect(watched.page.get_by_role("heading", level=1)).to_have_text("Job not found")
    await watched.go("failures/01a20000-0000-7000-8000-000000000000")
    await expect(watched.page.get_by_role("heading", level=1)).to_have_text("Job not found")


async def test_an_exact_time_shows_on_hover_and_on_focus(shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(shop, "failures")
    page, tip = watched.page, watched.page.get_by_role("tooltip")
    exact = re.compile(r"\d+ \w+ 20\d\d, \d\d:\d\d:\d\d\.\d{3} \S+")
    await page.locator("tbody time").first.hover()
    await expect(tip).to_have_text(exact)
    await page.mouse.move(0, 0)
    await page.keyboard.press("j")
    await expect(tip).to_have_text(exact)


def _some_id(served: Served, among: str) -> str:
    one = (
        "SELECT id FROM soniq_jobs WHERE status = 'done' AND job_name = 'mail.send_receipt'"
        if among == "jobs"
        else "SELECT id FROM soniq_dead_letter_jobs WHERE job_name = 'billing.charge_card'"
    )
    with closing(sqlite3.connect(served.database)) as database:
        return str(database.execute(one).fetchone()[0])
