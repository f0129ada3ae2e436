"""Whatever stands in a field is shown as text, and does nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from soniq import Soniq
from tests.browser.conftest import OpenPage
from tests.browser.seeding import KINDS, insert, job_row, letter_row, text
from tests.browser.served import KEY, Served

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

ATTACK = (
    "\"><script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
    "<svg/onload=window.harmed=1> javascript:window.harmed=1 {{7*7}} ${7*7} </style></title>"
)
RIGHT_TO_LEFT = "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
NASTY = f"{ATTACK} {RIGHT_TO_LEFT}"
MEGABYTE = 1_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hostile(
    built_page: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """A dashboard over a database whose every text was written by an enemy."""
    path = tmp_path_factory.mktemp("hostile") / "jobs.db"
    await _fill(path)
    with Served.by_command(path, key=KEY, writes=True) as served:
        yield served


async def _fill(path: Path) -> None:
    now = datetime.now(UTC)
    async with Soniq(database_url=str(path), enqueue_validation="none") as app:
        await app.setup()
        await app.scheduler.add("plain.job", every=60, name=NASTY[:200])
    job = {
        "job_name": NASTY,
        "queue": NASTY[:128],
        "args": json.dumps({NASTY: NASTY, "nested": [{"deep": [NASTY]}]}),
        "last_error": NASTY,
        "producer_id": NASTY,
        "dedup_key": NASTY,
        "worker_id": NASTY,
        "result": json.dumps(NASTY),
    }
    ended = {"status": "done", "started_at": text(now), "finished_at": text(now), "attempts": 1}
    insert(path, "soniq_jobs", job_row(KINDS[0], now, **job, **ended, id=ID))
    large = {"blob": "x" * MEGABYTE, "list": list(range(20_000)), "deep": _deep(60)}
    insert(path, "soniq_jobs", job_row(KINDS[0], now, args=json.dumps(large), id=LARGE))
    letter = {key: job[key] for key in ("job_name", "queue", "args", "last_error", "dedup_key")}
    insert(path, "soniq_dead_letter_jobs", letter_row(KINDS[0], now, **letter, id=ID))
    worker = {
        "id": "01a1f0aa-0000-7000-8000-000000000009",
        "hostname": NASTY,
        "pid": 1,
        "queues": json.dumps([NASTY]),
        "concurrency": 1,
        "status": "active",
        "last_heartbeat": text(now),
        "heartbeat_interval": 600.0,
        "started_at": text(now),
        "version": NASTY,
        "job_names": json.dumps([NASTY]),
    }
    insert(path, "soniq_workers", worker)
    many = (
        job_row(KINDS[0], now - timedelta(hours=1), queue=f"tenant-{number:05}")
        for number in range(10_000)
    )
    insert(path, "soniq_jobs", *many)


ID = "01a1f0aa-0000-7000-8000-00000000000a"
LARGE = "01a1f0aa-0000-7000-8000-00000000000b"


PATHS = (
    *("", "jobs", "queues", "failures", "schedules", "workers", "types", "audit"),
    *("jobs?queue=%22%3E", f"jobs/{ID}", f"failures/{ID}"),
)


def _deep(levels: int) -> object:
    value: object = "bottom"
    for _ in range(levels):
        value = {"in": value}
    return value


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PATHS)
async def test_hostile_text_is_shown_and_does_nothing(
    hostile: Served, open_page: OpenPage, path: str, width: int
) -> None:
    watched = await open_page(hostile, path, width=width)
    page = watched.page
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert await page.evaluate("window.harmed") is None
    assert await page.locator("main script, main img, main svg[onload]").count() == 0
    assert not await watched.overflows()
    assert await watched.faults_of_access() == []


async def test_all_of_a_hostile_text_can_be_read(hostile: Served, open_page: OpenPage) -> None:
    watched = await open_page(hostile, f"failures/{ID}")
    heading = watched.page.get_by_role("heading", level=1)
    assert await heading.inner_text() == NASTY
    assert NASTY in await watched.page.get_by_role("region", name="Error text").inner_text()
    isolated = "one => getComputedStyle(one).unicodeBidi"
    assert await heading.locator("bdi").evaluate(isolated) in ("isolate", "plaintext")


async def test_changing_what_has_a_hostile_name_works(hostile: Served, open_page: OpenPage) -> None:
    watched = await open_page(hostile, "schedules")
    row = watched.page.locator("tbody tr[data-row]")
    await row.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text("Paused")
    await row.get_by_role("button", name="Resume").click()
    await expect(row).to_contain_text("Active")
    assert await watched.page.evaluate("window.harmed") is None


async def test_a_megabyte_of_arguments_is_folded_and_opens_in_parts(
    hostile: Served, open_page: OpenPage
) -> None:
    watched = await open_page(hostile, f"jobs/{LARGE}")
    page, tree = watched.page, watched.page.locator(".json").first
    await expect(tree).to_contain_text("20,000 items")
    assert len(await tree.inner_text()) < 5_000
    await tree.get_by_role("button", name="Show more").first.click()
    await expect(tree).to_contain_text("983,216 characters left")
    await tree.get_by_role("button", name="20,000 items").click()
    await expect(tree).to_contain_text("19,900 items left")
    # The page answers at once: nothing of this size is laid out.
    await watched.jump("j", "jobs")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")


async def test_ten_thousand_queues_are_paged_and_searched(
    hostile: Served, open_page: OpenPage
) -> None:
    watched = await open_page(hostile, "queues")
    page, rows = watched.page, watched.page.locator("tbody tr[data-row]")
    await expect(rows).to_have_count(100)
    first = await rows.first.inner_text()
    await page.get_by_role("link", name="Next page").click()
    await expect(rows.first).not_to_have_text(first)
    await page.get_by_label("Search queues").fill("tenant-09999")
    await expect(rows).to_have_count(1)
    await expect(rows.first).to_contain_text("tenant-09999")
