"""The statements of the hot path keep their indexes at 100,000 rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.insert import insert
from soniq.backends.sqlite.schema import migrate
from soniq.backends.sqlite.statements import SQL
from soniq.backends.sqlite.times import system_clock
from soniq.backends.sqlite.turn import Turn
from tests.factories import new_jobs

LATER = "9999-01-01T00:00:00.000000Z"
PARAMETERS = {
    "crash": 1,
    "cutoff": LATER,
    "dedup_key": "key",
    "endings": '[[1, "x", "y", 0]]',
    "id": "id",
    "ids": '["id"]',
    "lanes": '[["default", 100]]',
    "limit": 100,
    "now": LATER,
    "offset": 0,
    "priority": 100,
    "queue": None,
    "queues": '["default"]',
    "rows": "[1, 2]",
    "share": 100,
    "status": None,
    "without": '["tests.unknown"]',
    "worker": "worker",
}
HOT = [
    "claim",
    "claimed",
    "finish_dead",
    "finish_done",
    "finish_dropped",
    "finish_released",
    "finish_requeued",
    "finish_with_results",
    "get_job",
    "held",
    "held_by_worker",
    "lanes",
    "lanes_of_queues",
    "list_jobs",
    "next_due",
    "orphaned",
    "orphans",
    "pick",
    "pick_suspect",
    "prune_jobs",
    "states",
    "stored_as",
    "suspect_due",
]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A file with 100,000 queued jobs."""
    path = str(tmp_path_factory.mktemp("plans") / "soniq.db")
    turn = Turn(Path(f"{path}.lock"))
    with closing(Database(path, system_clock, turn)) as database:
        migrate(database)
        insert(database, new_jobs(100_000))
        yield path
    turn.close()


@pytest.mark.parametrize("name", HOT)
def test_no_statement_of_the_hot_path_walks_the_jobs(crowded: str, name: str) -> None:
    with closing(sqlite3.connect(crowded)) as connection:
        wanted = {key: PARAMETERS[key] for key in PARAMETERS if f":{key}" in SQL[name]}
        plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + SQL[name], wanted)]

    walks = [step for step in plan if step.startswith(("SCAN soniq_jobs", "SCAN job", "SCAN here"))]
    assert [step for step in walks if "INDEX" not in step] == []
    assert plan


@pytest.mark.parametrize("name", ["pick", "lanes", "lanes_of_queues", "next_due"])
def test_the_claim_goes_by_its_index(crowded: str, name: str) -> None:
    with closing(sqlite3.connect(crowded)) as connection:
        wanted = {key: PARAMETERS[key] for key in PARAMETERS if f":{key}" in SQL[name]}
        plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + SQL[name], wanted)]

    assert any("soniq_jobs_claim" in step for step in plan)
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in plan)


@pytest.mark.parametrize("name", ["pick", "lanes", "lanes_of_queues", "next_due", "suspect_due"])
def test_looking_for_work_costs_the_same_however_much_waits(crowded: str, name: str) -> None:
    """Counted in steps of SQLite's virtual machine, which no busy machine makes more."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with closing(sqlite3.connect(crowded)) as connection:
        wanted = {key: PARAMETERS[key] for key in PARAMETERS if f":{key}" in SQL[name]}
        connection.set_progress_handler(count, 10)
        connection.execute(SQL[name], {**wanted, "share": 1}).fetchall()

    assert steps < 100


def test_what_has_ended_is_found_however_much_waits(crowded: str) -> None:
    asked = {"below": "id", "ended_at": LATER, "most": 50, "rows": 500}
    asked |= dict.fromkeys(("queue", "status", "job_name", "text"))
    with closing(sqlite3.connect(crowded)) as connection:
        plan = [
            row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + SQL["find_ended"], asked)
        ]

    looks = [step for step in plan if "soniq_jobs" in step]
    assert looks
    assert all("soniq_jobs_ended (finished_at" in step for step in looks), plan
