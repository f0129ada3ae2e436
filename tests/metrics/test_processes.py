"""Worker processes on Postgres: what is stored of their work when they stop, or are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from soniq import Soniq
from soniq.plugins.metrics import Metrics

PATIENCE = 90.0
ROOT = Path(__file__).resolve().parents[2]
MIX = ("m.succeed",) * 7 + ("m.fail", "m.give_up", "m.put_off")
SESSIONS = "worker_process"
"""What the server calls the sessions of workers."""
pytestmark = pytest.mark.postgres


class Workers:
    """Worker processes of one test."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("SONIQ_")}
        environment = {
            **clean,
            "SONIQ_DATABASE_URL": f"{self._url}?application_name={SESSIONS}",
            "SONIQ_HEARTBEAT_INTERVAL": "1",
            "SONIQ_RESULT_TTL": "100000",
        }
        command = [sys.executable, "-m", "soniq", "worker", "tests.metrics.jobs:app"]
        with (self._folder / f"worker{len(self._started)}.log").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        self._started.append(process)
        return process

    def stop(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def workers(pg_url: str, tmp_path: Path) -> Iterator[Workers]:
    started = Workers(pg_url, tmp_path)
    yield started
    started.stop()


@pytest.fixture
async def app(pg_url: str) -> AsyncIterator[Soniq]:
    async with Soniq(pg_url, plugins=[Metrics()], enqueue_validation="none") as app:
        await app.setup()
        yield app


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - other processes tell us nothing
            await asyncio.sleep(0.05)


async def enqueue(app: Soniq, number: int) -> Counter[str]:
    """Store a mixture of jobs; how many of each there are."""
    jobs = Counter(MIX[each % len(MIX)] for each in range(number))
    for name, each in jobs.items():
        queue = "fast" if name in ("m.succeed", "m.give_up") else "default"
        retries = {"queue": queue}
        await app.enqueue_many(name, [{}] * each, **retries)  # type: ignore[arg-type]
    return jobs


async def is_over(app: Soniq) -> bool:
    """Nothing runs, and what is queued was put off for hours."""
    rows = await _fetch(
        app,
        "SELECT count(*) FROM soniq_jobs WHERE status = 'processing'"
        " OR status = 'queued' AND scheduled_at < now() + interval '1 hour'",
    )
    return int(rows[0][0]) == 0


async def has_left(app: Soniq) -> bool:
    """No worker has a session at the server."""
    rows = await _fetch(
        app,
        "SELECT count(*) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name = '{SESSIONS}'",
    )
    return int(rows[0][0]) == 0


async def _fetch(app: Soniq, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(app.settings.database_url)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def stored(app: Soniq) -> dict[str, int]:
    """What became of the runs, by the rows of the jobs."""
    stats = await app.get_queue_stats()
    (rows,) = await _fetch(
        app,
        """
        SELECT
            count(*) FILTER (WHERE last_error LIKE 'SNOOZE%') AS snoozed,
            coalesce(
                sum(attempts - (status = 'processing')::int) FILTER (WHERE job_name = 'm.fail'), 0
            ) + (
                SELECT coalesce(sum(attempts - 1), 0)
                FROM soniq_dead_letter_jobs WHERE job_name = 'm.fail'
            ) AS failed
        FROM soniq_jobs
        """,
    )
    rest = {outcome: int(number) for outcome, number in rows.items()}
    return {"done": stats["done"], "dead_letter": stats["dead_letter"], **rest}


async def counted(app: Soniq) -> dict[str, int]:
    """The same by the stored series, after what has ended was merged."""
    (metrics,) = (each for each in app.plugins.values() if isinstance(each, Metrics))
    await metrics.cleanup(app)
    found = await metrics.get_metrics(app, "global:status")
    return {
        key.rpartition(":")[2]: sum(value for _, value in metric.values_1day)
        for key, metric in found.items()
    }


@pytest.mark.parametrize("jobs", [600, pytest.param(10_000, marks=pytest.mark.long)])
async def test_after_a_clean_stop_the_totals_are_the_stored_outcomes(
    app: Soniq, workers: Workers, jobs: int
) -> None:
    await enqueue(app, jobs)
    one, two = workers.start(), workers.start()

    async def both_work() -> bool:
        return len(await app.list_workers()) == 2

    await until(both_work)
    await until(lambda: is_over(app))
    for process in (one, two):
        process.send_signal(signal.SIGTERM)
    assert [await asyncio.to_thread(process.wait, 60) for process in (one, two)] == [0, 0]
    assert await counted(app) == await stored(app)


@pytest.mark.parametrize("jobs", [600, pytest.param(10_000, marks=pytest.mark.long)])
async def test_after_a_kill_they_are_short_by_what_was_not_synced_and_never_over(
    app: Soniq, workers: Workers, jobs: int
) -> None:
    await enqueue(app, jobs)
    victim = workers.start()

    async def synced() -> bool:
        return (await counted(app)).get("done", 0) > 0

    await until(synced)
    before_kill = await counted(app)
    assert not await has_left(app)
    victim.kill()
    await asyncio.to_thread(victim.wait)
    # A statement that the server has taken is stored, whatever became of its sender.
    await until(lambda: has_left(app))
    ended = await stored(app)
    afterwards = await counted(app)
    for outcome, number in afterwards.items():
        assert before_kill.get(outcome, 0) <= number <= ended[outcome]
    lost = {outcome: ended[outcome] - afterwards.get(outcome, 0) for outcome in ended}
    await enqueue(app, 100)
    successor = workers.start()
    await until(lambda: is_over(app))
    successor.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(successor.wait, 60) == 0
    final, total = await counted(app), await stored(app)
    assert {outcome: total[outcome] - final.get(outcome, 0) for outcome in total} == lost
