"""Databases with jobs waiting in them, each made once and copied for every run."""

from __future__ import annotations

from bench.driver.probe import BEHIND
from bench.measurement import Bench
from bench.queue import SONIQ
from bench.server import connected

MEASURED_DONE = (
    "SELECT count(*) FROM soniq_jobs"
    " WHERE status = 'done' AND id <= (SELECT last FROM bench_measured)"
)

# The ids of measured jobs are those up to `last`: counting them needs no walk over the backlog.
MARK = "CREATE TABLE bench_measured AS SELECT id AS last FROM soniq_jobs ORDER BY id DESC LIMIT 1"

COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = 'soniq_jobs'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""

FILLED_IN = {
    "id": "uuidv7()",
    "args": f"jsonb_build_object('x', {BEHIND})",
    "scheduled_at": "now()",
    "created_at": "now()",
    "updated_at": "now()",
}

# Given up a millisecond apart, by a job that failed as jobs do.
DEAD = """
INSERT INTO soniq_dead_letter_jobs (
    id, job_name, args, queue, priority, max_attempts, attempts, crashes, last_error,
    dead_letter_reason, original_created_at, moved_to_dead_letter_at
)
SELECT
    uuidv7(), 'bench.job', jsonb_build_object('x', number), 'default', 100, 4, 4, 0,
    'ValueError: no' || repeat(E'\\n  File "bench.py", line 1, in job', 20),
    'max_retries_exceeded', now(), now() - number * interval '1 millisecond'
FROM generate_series(1, $1::int) AS number
"""

# Ended over the last hour and more, one every few milliseconds.
FINISHED = """
INSERT INTO soniq_jobs (
    id, job_name, args, queue, priority, attempts, max_attempts, status, scheduled_at, created_at,
    updated_at, started_at, finished_at, worker_id
)
SELECT
    uuidv7(), 'bench.job', jsonb_build_object('x', number), 'queue-' || number % 20, 100, 1, 4,
    'done', moment, moment, moment, moment, moment + number % 400 * interval '1 millisecond',
    gen_random_uuid()
FROM (
    SELECT number, now() - number * interval '4 milliseconds' AS moment
    FROM generate_series(1, $1::int) AS number
) AS ended
"""


async def empty(bench: Bench) -> str:
    """The template that has Soniq's tables and nothing in them."""

    async def fill(url: str) -> None:
        await SONIQ.program.produce("setup", url)

    return await bench.databases.template("empty", fill)


async def waiting(bench: Bench, total: int) -> str:
    """The template with `total` jobs waiting, of which the first are a drain's measured ones."""
    measured = bench.sizes.drain

    async def fill(url: str) -> None:
        await SONIQ.program.produce("fill", url, count=measured)
        async with connected(url) as connection:
            await connection.execute(MARK)
        await _stretch(url, total - measured)

    return await bench.databases.template(f"waiting_{total}", fill, of=await empty(bench))


async def finished(bench: Bench) -> str:
    """The template of a long history, and of measured jobs that wait."""

    async def fill(url: str) -> None:
        await SONIQ.program.produce("fill", url, count=bench.sizes.queued)
        async with connected(url) as connection:
            await connection.execute(MARK)
            await connection.execute(FINISHED, bench.sizes.finished, timeout=600)
            await connection.execute("VACUUM ANALYZE soniq_jobs", timeout=600)

    return await bench.databases.template("finished", fill, of=await empty(bench))


async def dead(bench: Bench) -> str:
    """The template with nothing in it but dead letters."""

    async def fill(url: str) -> None:
        async with connected(url) as connection:
            await connection.execute(DEAD, bench.sizes.dead, timeout=600)

    return await bench.databases.template("dead", fill, of=await empty(bench))


async def _stretch(url: str, more: int) -> None:
    """Store `more` jobs behind the others by copying one that Soniq stored itself."""
    async with connected(url) as connection:
        columns = [row["attname"] for row in await connection.fetch(COLUMNS)]
        values = [FILLED_IN.get(column, f"model.{column}") for column in columns]
        await connection.execute(
            f"INSERT INTO soniq_jobs ({', '.join(columns)}) SELECT {', '.join(values)}"
            f" FROM (SELECT * FROM soniq_jobs LIMIT 1) AS model, generate_series(1, {more})",
            timeout=600,
        )
