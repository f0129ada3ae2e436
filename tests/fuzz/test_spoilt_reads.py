"""Rows that somebody has edited by hand: nobody who looks is kept from seeing the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

from soniq import Soniq
from soniq.dashboard.application import Dashboard
from soniq.dashboard.settings import DashboardSettings
from tests.fuzz.edited import TABLES, Edited, edited

PAGES: Final = (
    *("stats", "attention", "history", "metrics", "dead-letter", "workers", "workers/stats"),
    *("system/health", "schedules", "queues", "jobs", "jobs/types", "jobs/timeline", "audit"),
    *(f"jobs?status={each}" for each in ("queued", "processing", "done", "cancelled")),
    *("jobs?status=dead_letter", "jobs/search?query=good", "tasks/drift"),
)


@pytest.fixture
async def app(place: str) -> AsyncIterator[Soniq]:
    app = Soniq(place)

    @app.job(name="good")
    async def good() -> None: ...

    await app.setup()
    async with app:
        yield app


@pytest.fixture
async def rows(app: Soniq, place: str) -> Edited:
    """A store with a job of each status, a dead letter, a schedule and a worker that has ended."""
    rows = edited(place)
    other = Soniq(place)
    await other.run_worker(run_once=True, queues=["nothing"])
    await other.close()
    for status in ("queued", "processing", "done", "cancelled"):
        job_id = await app.enqueue("good", args={})
        begun = "NULL" if status == "queued" else "created_at"
        ended = "created_at" if status in ("done", "cancelled") else "NULL"
        assert await rows.execute(
            f"UPDATE soniq_jobs SET status = '{status}', started_at = {begun},"
            f" finished_at = {ended} WHERE id = '{job_id}'"
        )
    assert await app.dead_letter.move(await app.enqueue("good", args={}))
    await app.scheduler.add("good", every=3600, name="hourly")
    await rows.remember()
    return rows


async def looks(app: Soniq) -> None:
    """Every way to look shows what was there before."""
    jobs = await app.list_jobs(limit=1000)
    assert {"queued", "processing", "done", "cancelled"} <= {job["status"] for job in jobs}
    assert await app.list_jobs(status="dead_letter")
    assert await app.get_queue_stats()
    assert await app.list_workers()
    letters = await app.dead_letter.list()
    assert "manual" in {letter.dead_letter_reason for letter in letters}
    await app.dead_letter.get_dead_letter_stats()
    assert "hourly" in {schedule["name"] for schedule in await app.scheduler.list()}
    transport = httpx.ASGITransport(Dashboard(app, DashboardSettings(api_key="key")))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://testserver", headers={"x-api-key": "key"}
    ) as client:
        for page in PAGES:
            answer = await client.get(f"/api/{page}")
            assert answer.status_code == 200, f"{page}: {answer.text}"
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.parametrize("table", TABLES)
async def test_whoever_looks_sees_the_other_rows(app: Soniq, rows: Edited, table: str) -> None:
    await looks(app)
    for column, values in (await rows.columns(table)).items():
        taken = any([await rows.copy(table, column, value) for value in values])
        assert taken == (f"{table}.{column}" not in rows.refused)
        try:
            await looks(app)
        except Exception as error:
            error.add_note(f"There are rows with an odd {table}.{column}")
            raise
        await rows.forget(table)
