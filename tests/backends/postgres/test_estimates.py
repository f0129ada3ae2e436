"""What Postgres judges by a sample, once there is too much to count."""

from __future__ import annotations

import asyncpg
import pytest

from soniq.backends.overview import EXACT, Condition
from soniq.backends.postgres import PostgresBackend, overview
from tests.backends.postgres.test_plans import assert_by_index, plan_of
from tests.backends.stores import settings
from tests.factories import new_job, new_jobs

# Jobs that ended over the last hour and a half, and dead letters; the newest jobs are cancelled.
SEED = """
INSERT INTO soniq_jobs (
    id, job_name, args, queue, priority, attempts, max_attempts, status, scheduled_at, created_at,
    updated_at, started_at, finished_at
)
SELECT
    gen_random_uuid(), 'job.' || number % 5, jsonb_build_object('n', number), 'q' || number % 4,
    100, 1 + (number % 10 = 0)::int, 4, CASE WHEN number % 20 = 0 THEN 'cancelled' ELSE 'done' END,
    moment, moment, moment, moment, moment + interval '20 milliseconds'
FROM (
    SELECT number, now() - number * interval '5400 seconds' / $1::int AS moment
    FROM generate_series(1, $1::int) AS number
) AS ended
"""
LETTERS = """
INSERT INTO soniq_dead_letter_jobs (
    id, job_name, args, queue, priority, max_attempts, attempts, crashes, dead_letter_reason,
    original_created_at, moved_to_dead_letter_at
)
SELECT gen_random_uuid(), 'job.1', '{}', 'q1', 100, 4, 4, 0, 'timeout', now(), now()
FROM generate_series(1, $1::int)
"""


async def stored(url: str, ended: int, letters: int) -> PostgresBackend:
    backend = PostgresBackend(url)
    await backend.open(settings())
    await backend.setup()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SEED, ended)
        await connection.execute(LETTERS, letters)
    finally:
        await connection.close()
    return backend


@pytest.fixture
def little_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample is taken of what would be counted; here it takes all pages."""
    for bound in ("EXACT", "_WAITING", "_SPANNED", "_GLANCE"):
        monkeypatch.setattr(overview, bound, 10)


@pytest.mark.usefixtures("little_is_much")
async def test_a_sample_of_everything_is_everything(pg_url: str) -> None:
    backend = await stored(pg_url, 2_000, 30)
    await backend.insert(new_jobs(100, queue="q9"))
    try:
        look = backend.overview
        counts = await look.counts()
        assert counts.estimated
        assert sum(each.done for each in counts.queues) == 1900
        assert sum(each.cancelled for each in counts.queues) == 100
        assert sum(each.dead_letter for each in counts.queues) == 30
        assert {each.queue: each.queued for each in counts.queues}["q9"] == 100
        endings = await look.endings(since=7200, step=60)
        assert sum(each.done for each in endings.spans) == 1900
        assert sum(each.failed for each in endings.spans) == 100 + 30 * 4
        assert all(19 < (each.run_p50_ms or 20) < 21 for each in endings.spans)
        arrivals = await look.arrivals(hours=4)
        assert sum(each.total for each in arrivals) == 2_130
        names = await look.names()
        assert sum(each.total for each in names) == 2_130
        assert all(each.estimated for each in names)
        found = await look.find(Condition(status="queued"), below=None, most=50, rows=5_000)
        assert len(found.ids) == 50
    finally:
        await backend.close()


@pytest.mark.usefixtures("little_is_much")
async def test_the_oldest_due_job_is_known_where_jobs_are_not_counted(pg_url: str) -> None:
    backend = await stored(pg_url, 0, 0)
    connection = await asyncpg.connect(pg_url)
    try:
        await backend.insert(new_jobs(30, queue="a"))
        await backend.insert(new_jobs(5, queue="b", priority=50))
        await backend.insert([new_job(queue="b", priority=60, delay=-9000.0)])
        await backend.insert([new_job(queue="c", delay=3600.0)])
        await backend.insert([suspect := new_job(queue="d", delay=-3000.0)])
        await connection.execute("UPDATE soniq_jobs SET crashes = 1 WHERE id = $1", suspect.id)
        counts = await backend.overview.counts()
        oldest = {each.queue: each.oldest_for for each in counts.queues}
        assert oldest["a"] is not None
        assert (oldest["b"] or 0) >= 9000
        assert oldest["c"] is None
        assert (oldest["d"] or 0) >= 3000
    finally:
        await connection.close()
        await backend.close()


@pytest.mark.long
async def test_beyond_the_bound_numbers_are_judged(pg_url: str) -> None:
    ended = 6 * EXACT
    backend = await stored(pg_url, ended, 0)
    try:
        counts = await backend.overview.counts()
        assert counts.estimated
        assert sum(each.done for each in counts.queues) == pytest.approx(ended * 0.95, rel=0.2)
        assert await backend.overview.counts() == counts
        endings = await backend.overview.endings(since=7200, step=7200)
        assert sum(each.done for each in endings.spans) == pytest.approx(ended * 0.95, rel=0.2)
    finally:
        await backend.close()


@pytest.mark.long
async def test_up_to_the_bound_every_job_is_counted(pg_url: str) -> None:
    backend = await stored(pg_url, EXACT, 0)
    try:
        counts = await backend.overview.counts()
        assert not counts.estimated
        assert sum(each.done + each.cancelled for each in counts.queues) == EXACT
    finally:
        await backend.close()


async def test_what_has_ended_is_found_by_its_index(pg_url: str) -> None:
    backend = await stored(pg_url, 20_000, 0)
    await backend.insert(new_jobs(1_000))
    connection = await asyncpg.connect(pg_url)
    try:
        for name, value in overview._IN_ORDER.items():
            await connection.execute(f"SET {name} = {value}")
        found = await backend.overview.find(Condition(status="done"), below=None, most=50, rows=500)
        wanted = (None, "done", None, None)
        for start, end in ((None, None), found.places[-1]):
            nodes = await plan_of(connection, "find_ended", start, 500, 51, *wanted, end)
            assert_by_index(nodes, "soniq_jobs_ended", most=600)
    finally:
        await connection.close()
        await backend.close()
