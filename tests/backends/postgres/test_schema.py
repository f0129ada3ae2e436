"""Setting up, and what a schema that does not fit is told."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import asyncpg
import pytest

from soniq.backends.postgres import PostgresBackend
from soniq.backends.postgres.sql import migration_files
from soniq.errors import SONIQ_SCHEMA_MISSING, SONIQ_SCHEMA_TOO_NEW, MigrationError, SoniqError
from tests.backends.stores import PostgresStore, settings
from tests.conftest import SharedPostgres
from tests.factories import new_job, new_worker

MIGRATIONS = list(migration_files())


async def opened(url: str, **overrides: Any) -> PostgresBackend:
    backend = PostgresBackend(url)
    await backend.open(settings(**overrides))
    return backend


FIRST_USES = [
    pytest.param(lambda backend: backend.ping(), id="ping"),
    pytest.param(lambda backend: backend.insert([new_job()]), id="insert"),
    pytest.param(lambda backend: backend.get_job(new_job().id), id="query"),
    pytest.param(lambda backend: backend.join(new_worker(), lambda _: None), id="join"),
]


@pytest.mark.parametrize("use", FIRST_USES)
async def test_before_setup_the_first_use_says_what_is_missing_and_what_to_do(
    pg_url: str, use: Any
) -> None:
    backend = await opened(pg_url.replace("postgres@", "postgres:secret@"))
    try:
        with pytest.raises(SoniqError, match="does not exist") as raised:
            await use(backend)
    finally:
        await backend.close()
    error = raised.value
    assert error.error_code == SONIQ_SCHEMA_MISSING
    assert re.match("soniq_", error.context["table"])
    assert "***" in error.context["database"]
    assert "soniq setup module:app" in str(error)
    assert "secret" not in str(error)


async def test_a_table_that_vanishes_later_is_missed_by_name(
    store: PostgresStore, sql: Any
) -> None:
    await store.backend.ping()
    await sql.execute("DROP TABLE soniq_jobs")
    with pytest.raises(SoniqError, match="soniq_jobs does not exist") as raised:
        await store.backend.insert([new_job()])
    assert raised.value.error_code == SONIQ_SCHEMA_MISSING


async def test_setup_creates_a_missing_database(pg_server: SharedPostgres, pg_url: str) -> None:
    name = pg_url.rsplit("_", 1)[0].rsplit("/", 1)[-1] + "_made"
    url = pg_server.database_url(name) + "?application_name=soniq%20tests"
    backend = PostgresBackend(url)
    await backend.open(settings())
    try:
        with pytest.raises(SoniqError, match="does not exist"):
            await backend.insert([new_job()])
        assert await backend.migrations() == [(name, False) for name in MIGRATIONS]
        assert await backend.setup() == MIGRATIONS
        assert await backend.migrations() == [(name, True) for name in MIGRATIONS]
        assert await backend.insert([job := new_job()]) == [job.id]
    finally:
        await backend.close()
        server = await asyncpg.connect(pg_server.url)
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await server.close()


async def test_of_several_setups_at_once_one_applies_each_migration(pg_url: str) -> None:
    backends = [await opened(pg_url, schema="together") for _ in range(5)]
    try:
        applied = await asyncio.gather(*(backend.setup() for backend in backends))
    finally:
        for backend in backends:
            await backend.close()
    assert max(applied, key=len) == MIGRATIONS
    assert sum(map(len, applied)) == len(MIGRATIONS)


async def test_a_migration_that_fails_is_rolled_back_and_named(pg_url: str, sql: Any) -> None:
    await sql.execute("DROP TABLE soniq_jobs, soniq_migrations")
    backend = await opened(pg_url)
    try:
        with pytest.raises(MigrationError, match="0001_engine"):
            await backend.setup()
    finally:
        await backend.close()
    assert await sql.fetchval("SELECT to_regclass('soniq_jobs')") is None


@pytest.mark.parametrize("table", ["soniq_jobs", "soniq_migrations"])
async def test_tables_of_another_program_are_told_from_ours(
    pg_url: str, sql: Any, table: str
) -> None:
    await sql.execute(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
        f"CREATE TABLE public.{table} (theirs text)"
    )
    backend = await opened(pg_url)
    try:
        with pytest.raises(MigrationError) as raised:
            await backend.setup()
        elsewhere = await opened(pg_url, schema="own")
        try:
            assert await elsewhere.setup() == MIGRATIONS
        finally:
            await elsewhere.close()
    finally:
        await backend.close()
    assert "If another program made" in str(raised.value)
    assert "SONIQ_SCHEMA" in str(raised.value)


async def test_setup_takes_over_a_function_that_a_dump_without_tables_left(
    pg_url: str, store: PostgresStore, sql: Any
) -> None:
    tables = await sql.fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'soniq%'")
    await sql.execute("DROP TABLE " + ", ".join(table[0] for table in tables) + " CASCADE")
    assert await sql.fetchval("SELECT count(*) FROM pg_proc WHERE proname = 'soniq_enqueue'") == 1
    backend = await opened(pg_url)
    try:
        assert await backend.setup() == MIGRATIONS
    finally:
        await backend.close()
    assert await sql.fetchval("SELECT soniq_enqueue('mail.greet')") is not None


async def test_a_newer_schema_that_needs_a_newer_soniq_is_refused(
    store: PostgresStore, pg_url: str, sql: Any
) -> None:
    await sql.execute("INSERT INTO soniq_migrations VALUES (7, '0007_new', now(), '', 6)")
    backend = await opened(pg_url)
    try:
        with pytest.raises(SoniqError) as raised:
            await backend.insert([new_job()])
    finally:
        await backend.close()
    assert raised.value.error_code == SONIQ_SCHEMA_TOO_NEW
    assert raised.value.context == {"found": 7, "known": len(MIGRATIONS)}


async def test_a_newer_schema_marked_compatible_is_used(
    store: PostgresStore, pg_url: str, sql: Any
) -> None:
    await sql.execute(
        "ALTER TABLE soniq_jobs ADD COLUMN weight int NOT NULL DEFAULT 1;"
        "INSERT INTO soniq_migrations VALUES (99, '0099_weight', now(), '', 1)"
    )
    backend = await opened(pg_url)
    try:
        assert await backend.insert([job := new_job()]) == [job.id]
    finally:
        await backend.close()


async def test_a_worker_works_on_while_the_schema_is_expanded(
    store: PostgresStore, sql: Any
) -> None:
    worker = await store.join()
    await store.backend.insert([new_job()])
    await worker.claim_one()
    await sql.execute("ALTER TABLE soniq_jobs ADD COLUMN weight int NOT NULL DEFAULT 1")
    await store.backend.insert([job := new_job()])
    assert (await worker.claim_one()).id == job.id


async def test_another_schema_of_the_database_is_another_store(
    store: PostgresStore, pg_url: str
) -> None:
    elsewhere = await opened(pg_url, schema="else$where")
    try:
        assert await elsewhere.setup() == MIGRATIONS
        ours, theirs = await store.join(), new_worker()
        woken: list[int | None] = []
        session = await elsewhere.join(theirs, woken.append)
        woken.clear()
        await store.backend.insert([job := new_job()])
        assert (await ours.claim_one()).id == job.id
        assert (await session.claim(10)).jobs == []
        assert woken == []
        await session.leave()
    finally:
        await elsewhere.close()
