"""What the checker judges: the history, and the tables as they are when everything is quiet."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from tests.chaos.history import Event

Row = Mapping[str, Any]

STATEMENTS: Final = {
    "jobs": """
        SELECT CAST(id AS text) AS id, job_name, CAST(args AS text) AS args, status, attempts,
            max_attempts, crashes, claim, dedup_key, CAST(scheduled_at AS text) AS scheduled_at,
            CAST(result AS text) AS result, CAST(worker_id AS text) AS worker_id, last_error
        FROM soniq_jobs""",
    "dead": """
        SELECT CAST(id AS text) AS id, job_name, CAST(args AS text) AS args, attempts, max_attempts,
            crashes, dedup_key, dead_letter_reason, last_error
        FROM soniq_dead_letter_jobs""",
    "workers": "SELECT CAST(id AS text) AS id, pid, status FROM soniq_workers",
}
# What has run out is nobody's, whatever name it shows: whose it was may have left while the
# database was away.
RUNNING_OUT: Final = {
    "leases": "SELECT name, holder FROM soniq_leases WHERE holder <> '' AND expires_at > {now}",
    "schedulers": "SELECT CAST(id AS text) AS id, pid FROM soniq_schedulers"
    " WHERE expires_at > {now}",
}
NOW: Final = {"postgres": "now()", "sqlite": "strftime('%Y-%m-%dT%H:%M:%f', 'now')"}
SESSIONS: Final = """
    SELECT pid, state, query FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything there is to judge by.

    Attributes:
        events: the history.
        jobs, dead, workers, schedulers, leases: rows of the tables, by column name.
        connections: how many each worker had to the database before it left, by process.
        sessions: server sessions that are still there once everybody has left.
        max_crashes: the setting.
        poison: names of the jobs that may become dead letters.
        unseen: what event loops told of failures that nobody else had noticed.
    """

    events: Sequence[Event] = ()
    jobs: Sequence[Row] = ()
    dead: Sequence[Row] = ()
    workers: Sequence[Row] = ()
    schedulers: Sequence[Row] = ()
    connections: Mapping[int, int] = field(default_factory=dict)
    leases: Sequence[Row] = ()
    sessions: Sequence[Row] = ()
    max_crashes: int = 3
    poison: frozenset[str] = field(default_factory=frozenset)
    unseen: Sequence[str] = ()


async def tables(url: str) -> dict[str, list[Row]]:
    """Read the tables of the store at `url`; with ``sessions``, which no table has."""
    if url.startswith("sqlite:///"):
        return _sqlite_tables(Path(url.removeprefix("sqlite:///")))
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found: dict[str, list[Row]] = {
                name: [dict(row) for row in await connection.fetch(statement)]
                for name, statement in _statements("postgres")
            }
        found["sessions"] = [dict(row) for row in await connection.fetch(SESSIONS)]
        return found
    finally:
        await connection.close()


def _statements(store: str) -> Iterable[tuple[str, str]]:
    running_out = {name: text.format(now=NOW[store]) for name, text in RUNNING_OUT.items()}
    return {**STATEMENTS, **running_out}.items()


def _sqlite_tables(path: Path) -> dict[str, list[Row]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        found: dict[str, list[Row]] = {
            name: [dict(row) for row in connection.execute(statement)]
            for name, statement in _statements("sqlite")
        }
    return found | {"sessions": []}
