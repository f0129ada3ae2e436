"""The health of a SQLite file and of Soniq's tables in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from soniq.backends.diagnosis import (
    Backlog,
    Burials,
    ClaimPlan,
    FileState,
    IndexFault,
    PresentWorker,
    SchemaState,
    WithoutServer,
)
from soniq.backends.made_indexes import made_indexes
from soniq.backends.sqlite import schema
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.statements import SQL
from soniq.backends.sqlite.times import Clock, ago, seen, stamp

Look = Callable[[Callable[[Database], Any]], Awaitable[Any]]

_CLAIM_INDEX: Final = "soniq_jobs_claim"
_HOUR: Final = 3600.0
_DAMAGES_SHOWN: Final = 3


class SQLiteDiagnosis(WithoutServer):
    """See `Diagnosis`.

    Args:
        path: the file.
        clock: gives the time.
        look: reads from it, as it is: without making its tables.
    """

    def __init__(self, path: str, clock: Clock, look: Look) -> None:
        self._path = path
        self._clock = clock
        self._look = look

    async def clock(self) -> datetime:
        return self._clock()

    async def schema(self) -> SchemaState:
        # To look into a file that is not there would make one.
        done = await self._look(schema.applied_versions) if _exists(self._path) else {}
        newer = tuple(version for version in done if version > schema.KNOWN_VERSION)
        return SchemaState(
            found=bool(done),
            pending=tuple(each.name for each in schema.MIGRATIONS if each.version not in done),
            newer=newer,
            usable=all(done[version] <= schema.KNOWN_VERSION for version in newer),
        )

    async def workers(self) -> list[PresentWorker]:
        found: list[PresentWorker] = await self._look(_workers)
        return found

    async def backlog(self) -> list[Backlog]:
        found: list[Backlog] = await self._look(_backlog)
        return found

    async def burials(self) -> Burials:
        found: Burials = await self._look(_burials)
        return found

    async def index_faults(self) -> list[IndexFault] | None:
        found: list[IndexFault] = await self._look(_index_faults)
        return found

    async def claim_plan(self) -> ClaimPlan | None:
        found: ClaimPlan = await self._look(_claim_plan)
        return found

    async def file(self) -> FileState | None:
        found: FileState = await self._look(_file)
        return found


def _exists(path: str) -> bool:
    return Path(path).exists()


def _workers(database: Database) -> list[PresentWorker]:
    now = database.clock()
    return [
        PresentWorker(
            id=row[0],
            hostname=row[1],
            pid=row[2],
            queues=None if row[3] is None else tuple(from_json(row[3])),
            job_names=frozenset(from_json(row[4])),
            address=None,
            connections=None,
            silent_for=(now - seen(row[5])).total_seconds(),
            heartbeat_interval=row[6],
        )
        for row in database.rows("present_workers")
    ]


def _backlog(database: Database) -> list[Backlog]:
    now = database.clock()
    return [
        Backlog(queue, name, jobs, (now - seen(oldest)).total_seconds())
        for queue, name, jobs, oldest in database.rows("backlog", now=stamp(now))
    ]


def _burials(database: Database) -> Burials:
    kinds = database.rows("burials", since=ago(database.clock(), _HOUR))
    total = database.execute("SELECT count(*) FROM soniq_dead_letter_jobs").fetchall()[0][0]
    last_hour = sum(number for _, _, number in kinds)
    return Burials(total, last_hour, (kinds[0][0], kinds[0][1], kinds[0][2]) if kinds else None)


def _index_faults(database: Database) -> list[IndexFault]:
    applied = schema.applied_versions(database)
    made = made_indexes(each.text for each in schema.MIGRATIONS if each.version in applied)
    rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
    there = {name for (name,) in rows}
    return [
        IndexFault(index.name, index.table, "is missing", (index.statement,))
        for index in made
        if index.name not in there
    ]


def _claim_plan(database: Database) -> ClaimPlan:
    asked = {"queues": '["default"]', "priority": 100, "now": stamp(database.clock())}
    # Only what reads the file notices that its schema has changed, and an explanation does not: so
    # the schema is read first, and the text is one that no plan has been kept for.
    (version,) = database.execute("PRAGMA schema_version").fetchall()[0]
    explain = f"EXPLAIN QUERY PLAN -- of schema {version}\n{SQL['pick']}"
    try:
        rows = database.execute(explain, {**asked, "without": "[]", "share": 1}).fetchall()
    except sqlite3.OperationalError as error:
        return ClaimPlan(None, _CLAIM_INDEX, str(error))
    steps = [detail for *_, detail in rows]
    used = any(_CLAIM_INDEX in step for step in steps)
    return ClaimPlan(_CLAIM_INDEX if used else None, _CLAIM_INDEX, ", ".join(steps))


def _file(database: Database) -> FileState:
    (mode,) = database.execute("PRAGMA journal_mode").fetchall()[0]
    log = Path(f"{database.path}-wal")
    damage = database.execute(f"PRAGMA quick_check({_DAMAGES_SHOWN})").fetchall()
    return FileState(
        journal_mode=mode,
        log_bytes=log.stat().st_size if log.exists() else 0,
        damage=tuple(text for (text,) in damage if text != "ok"),
    )
