"""Tables: created on first use, by one of many; newer ones used only where marked compatible."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from soniq.backends.sqlite import SQLiteBackend, schema
from soniq.errors import SONIQ_SCHEMA_TOO_NEW, MigrationError, SoniqError
from tests.backends.sqlite.conftest import Opener
from tests.factories import new_job, new_jobs

PROMISED = {
    "soniq_jobs": "id job_name args status attempts max_attempts crashes claim queue priority"
    " dedup_key scheduled_at created_at started_at finished_at updated_at unknown_since last_error"
    " result producer_id worker_id",
    "soniq_dead_letter_jobs": "id job_name args queue priority max_attempts attempts crashes"
    " dedup_key last_error dead_letter_reason original_created_at moved_to_dead_letter_at"
    " resurrection_count last_resurrection_at last_resurrection_job_id tags created_at",
    "soniq_workers": "id hostname pid queues concurrency status last_heartbeat started_at version"
    " job_names metadata",
    "soniq_schedules": "id name job_name schedule_type schedule_value timezone catch_up overlap"
    " jitter priority queue max_attempts job_kwargs status created_at updated_at last_run next_run"
    " run_count last_job_id",
    "soniq_migrations": "version name applied_at checksum compatible_with",
}

NAMES = [migration.name for migration in schema.MIGRATIONS]


@pytest.mark.parametrize("table", PROMISED)
async def test_operators_find_the_columns_they_were_promised(
    backend: SQLiteBackend, path: str, table: str
) -> None:
    await backend.setup()
    with closing(sqlite3.connect(path)) as connection:
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}

    assert set(PROMISED[table].split()) <= columns


async def test_the_first_use_creates_the_tables(backend: SQLiteBackend) -> None:
    assert await backend.migrations() == [(name, False) for name in NAMES]

    await backend.insert([new_job()])

    assert await backend.migrations() == [(name, True) for name in NAMES]
    assert await backend.setup() == []


async def test_of_many_setups_at_once_one_does_it(opener: Opener) -> None:
    backends = [await opener.backend() for _ in range(5)]

    applied = await asyncio.gather(*(backend.setup() for backend in backends))

    assert sorted(name for names in applied for name in names) == NAMES


async def test_times_are_fixed_width_text_in_utc(backend: SQLiteBackend, path: str) -> None:
    await backend.insert(new_jobs(1))
    with closing(sqlite3.connect(path)) as connection:
        [(created_at,)] = connection.execute("SELECT created_at FROM soniq_jobs")
        [(same,)] = connection.execute(
            "SELECT strftime('%Y-%m-%dT%H:%M:%S', created_at) FROM soniq_jobs"
        )

    assert len(created_at) == len("2000-01-01T00:00:00.000000Z")
    assert created_at.endswith("Z")
    assert created_at.startswith(same)


async def test_the_database_rejects_other_states(backend: SQLiteBackend, path: str) -> None:
    await backend.insert(new_jobs(1))
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE soniq_jobs SET status = 'lost'")


def _pretend_newer(path: str, compatible_with: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO soniq_migrations VALUES (99, '0099_later', 'then', '', ?)",
            (compatible_with,),
        )


async def test_a_newer_schema_that_is_compatible_is_used(opener: Opener) -> None:
    await (await opener.backend()).setup()
    _pretend_newer(opener.path, schema.KNOWN_VERSION)

    backend = await opener.backend()

    assert await backend.insert([job := new_job()]) == [job.id]
    assert await backend.setup() == []


async def test_a_newer_schema_that_is_not_is_refused(opener: Opener) -> None:
    await (await opener.backend()).setup()
    _pretend_newer(opener.path, schema.KNOWN_VERSION + 1)

    backend = await opener.backend()

    for use in (backend.ping(), backend.insert([new_job()]), backend.setup()):
        with pytest.raises(SoniqError) as raised:
            await use
        assert raised.value.error_code == SONIQ_SCHEMA_TOO_NEW
        assert raised.value.context == {"found": 99, "known": schema.KNOWN_VERSION}


async def test_a_migration_that_fails_leaves_nothing(
    backend: SQLiteBackend, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = schema.Migration(99, "0099_broken", "CREATE TABLE half (id);\nSELECT nonsense;\n", 1)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))

    with pytest.raises(MigrationError, match="nonsense") as raised:
        await backend.setup()

    assert raised.value.migration_step == "0099_broken"
    assert await backend.migrations() == [(name, False) for name in (*NAMES, "0099_broken")]
    with closing(sqlite3.connect(path)) as connection:
        assert (
            connection.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall()
            == []
        )
