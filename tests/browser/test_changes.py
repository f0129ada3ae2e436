"""What an operator changes, by hand and on purpose."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.served import Served

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


def stored(served: Served, question: str) -> list[tuple[Any, ...]]:
    """Ask the database itself."""
    with closing(sqlite3.connect(served.database)) as database:
        return database.execute(question).fetchall()


async def test_a_dead_letter_is_replayed_and_the_audit_tells(
    own_shop: Served, open_page: OpenPage
) -> None:
    letter = "SELECT id FROM soniq_dead_letter_jobs WHERE job_name = 'billing.charge_card'"
    [letter_id] = stored(own_shop, letter)[0]
    watched = await open_page(own_shop, f"failures/{letter_id}")
    page = watched.page
    await page.get_by_role("button", name="Replay").click()
    await expect(page).to_have_url(re.compile("/jobs/[0-9a-f-]{36}$"))
    await expect(page.locator(".status").first).to_have_text("Queued")
    new_id = page.url.rsplit("/", 1)[-1]
    assert stored(own_shop, f"SELECT status FROM soniq_jobs WHERE id = '{new_id}'") == [("queued",)]
    await watched.go("audit")
    await expect(watched.row(letter_id)).to_be_visible()
    assert await watched.faults_of_access() == []


async def test_many_are_deleted_only_once_their_number_is_typed(
    own_shop: Served, open_page: OpenPage
) -> None:
    [(number,)] = stored(own_shop, "SELECT count(*) FROM soniq_dead_letter_jobs")
    watched = await open_page(own_shop, "failures")
    page = watched.page
    await page.get_by_role("button", name="Delete all").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"Delete {number} dead letters?")
    sure = dialog.get_by_role("button", name=f"Delete {number}")
    await expect(sure).to_be_disabled()
    await page.keyboard.type(str(number + 1))
    await expect(sure).to_be_disabled()
    assert await watched.faults_of_access() == []
    await dialog.get_by_role("textbox").fill(str(number))
    await sure.click()
    await expect(page.locator("main")).to_contain_text("No dead letters")
    assert stored(own_shop, "SELECT count(*) FROM soniq_dead_letter_jobs") == [(0,)]


async def test_a_question_that_is_not_confirmed_changes_nothing(
    own_shop: Served, open_page: OpenPage
) -> None:
    before = stored(own_shop, "SELECT count(*) FROM soniq_dead_letter_jobs")
    watched = await open_page(own_shop, "failures")
    page = watched.page
    await page.get_by_role("button", name="Delete all").click()
    await page.get_by_role("dialog").wait_for()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Delete all")).to_be_focused()
    assert stored(own_shop, "SELECT count(*) FROM soniq_dead_letter_jobs") == before


async def test_only_the_ticked_ones_are_deleted(own_shop: Served, open_page: OpenPage) -> None:
    [(number,)] = stored(own_shop, "SELECT count(*) FROM soniq_dead_letter_jobs")
    watched = await open_page(own_shop, "failures")
    page = watched.page
    boxes = page.locator("tbody input[type=checkbox]")
    await boxes.nth(0).check()
    await boxes.nth(2).check()
    ticked = page.get_by_role("region", name="Ticked dead letters")
    await expect(ticked).to_contain_text("2 ticked")
    await ticked.get_by_role("button", name="Delete these").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Delete 2 dead letters?")
    await dialog.get_by_role("button", name="Delete 2").click()
    await expect(page.locator(".pager")).to_contain_text(f"{number - 2} dead letters")
    assert stored(own_shop, "SELECT count(*) FROM soniq_dead_letter_jobs") == [(number - 2,)]


async def test_all_that_match_a_filter_are_replayed(own_shop: Served, open_page: OpenPage) -> None:
    queued = "SELECT count(*) FROM soniq_jobs WHERE status = 'queued' AND queue = 'billing'"
    [(before,)] = stored(own_shop, queued)
    watched = await open_page(own_shop, "failures?job_name=billing.*")
    page = watched.page
    await page.get_by_role("button", name="Replay all matching").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Replay 9 dead letters?")
    await dialog.get_by_role("textbox").fill("9")
    await dialog.get_by_role("button", name="Replay 9").click()
    await expect(page.locator(".notices")).to_contain_text("Replayed 9")
    assert stored(own_shop, queued) == [(before + 9,)]


async def test_a_schedule_is_paused_resumed_and_run(own_shop: Served, open_page: OpenPage) -> None:
    watched = await open_page(own_shop, "schedules")
    page, row = watched.page, watched.row("settle-payments")
    await row.get_by_role("button", name="Pause settle-payments").click()
    await expect(row).to_contain_text("Paused")
    await row.get_by_role("button", name="Resume settle-payments").click()
    await expect(row).to_contain_text("Active")
    await row.get_by_role("button", name="Run settle-payments now").click()
    await page.get_by_role("dialog").get_by_role("button", name="Run now").click()
    await expect(page.locator(".notices")).to_contain_text("settle-payments as")
    runs = "SELECT count(*) FROM soniq_jobs WHERE job_name = 'billing.settle'"
    assert stored(own_shop, runs) == [(1,)]


async def test_a_queued_job_is_cancelled_then_deleted(
    own_shop: Served, open_page: OpenPage
) -> None:
    [job_id] = stored(own_shop, "SELECT id FROM soniq_jobs WHERE status = 'queued'")[0]
    watched = await open_page(own_shop, f"jobs/{job_id}")
    page, dialog = watched.page, watched.page.get_by_role("dialog")
    await page.get_by_role("button", name="Cancel").click()
    await dialog.get_by_role("button", name="Cancel the job").click()
    await expect(page.locator(".job-id .status")).to_have_text("Cancelled")
    await page.get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Delete").click()
    await expect(page).to_have_url(f"{own_shop.url}/jobs")
    assert stored(own_shop, f"SELECT id FROM soniq_jobs WHERE id = '{job_id}'") == []
