"""The claim and finish loop on Soniq's SQLite file, as durable as Soniq keeps it."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from contextlib import closing

from bench.errors import require_equal

NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

CLAIM = f"""
UPDATE soniq_jobs
SET status = 'processing', worker_id = ?, started_at = {NOW}, updated_at = {NOW},
    attempts = attempts + 1, claim = claim + 1
WHERE id IN (
    SELECT id FROM soniq_jobs
    WHERE status = 'queued' AND queue = 'default' AND priority = 100 AND crashes = 0
    ORDER BY scheduled_at, id
    LIMIT ?)
RETURNING id, job_name, args, attempts, max_attempts, claim, scheduled_at, created_at
"""

FINISH = f"""
UPDATE soniq_jobs
SET status = 'done', finished_at = {NOW}, updated_at = {NOW}
WHERE id IN (SELECT value FROM json_each(?)) AND status = 'processing' AND worker_id = ?
"""


def drain(path: str, batch: int, jobs: int) -> float:
    """Claim and finish the `jobs` queued in the file at `path`; return jobs a second."""
    worker = str(uuid.uuid4())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        started = time.monotonic_ns()
        while _turn(connection, batch, worker):
            pass
        seconds = (time.monotonic_ns() - started) / 1e9
        done = connection.execute("SELECT count(*) FROM soniq_jobs WHERE status = 'done'")
        require_equal("raw drain on SQLite", jobs=jobs, done=done.fetchone()[0])
    return jobs / seconds


def _turn(connection: sqlite3.Connection, batch: int, worker: str) -> int:
    connection.execute("BEGIN IMMEDIATE")
    rows = connection.execute(CLAIM, (worker, batch)).fetchall()
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(FINISH, (json.dumps([row[0] for row in rows]), worker))
    connection.execute("COMMIT")
    return len(rows)
