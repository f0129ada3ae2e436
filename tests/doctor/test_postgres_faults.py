"""What `soniq doctor` says of a Postgres database with a real fault in it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from soniq import Soniq
from soniq.backends.postgres import PostgresBackend
from soniq.doctor import Level, Limits, examine
from tests.backends.stores import settings
from tests.chaos.infra.needs import need
from tests.doctor.conftest import Patient
from tests.factories import new_jobs, new_worker
from tests.pgbouncer import PGBOUNCER, PgBouncer
from tests.postgres_server import TEST_SETTINGS, PostgresServer
from tests.transaction_pooler import TransactionPooler


async def test_a_transaction_held_open(on_postgres: Patient, sql: Any) -> None:
    transaction = sql.transaction(isolation="repeatable_read")
    await transaction.start()
    await sql.execute("SET application_name = 'report'; SELECT count(*) FROM soniq_jobs")
    pid = sql.get_server_pid()

    finding = await on_postgres.complaint("transactions", limits=Limits(transaction=0.0))
    assert f"pid {pid}" in finding.message
    assert "report" in finding.message
    assert f"pg_terminate_backend({pid})" in str(finding.remedy)
    await on_postgres.says_ok("transactions")

    await transaction.rollback()
    await on_postgres.says_ok("transactions", limits=Limits(transaction=0.0))


async def test_an_open_transaction_that_pins_nothing_is_no_complaint(
    on_postgres: Patient, sql: Any
) -> None:
    async with sql.transaction():
        await sql.execute("SELECT 1")
        await on_postgres.says_ok("transactions", limits=Limits(transaction=0.0))


async def test_a_prepared_transaction_that_was_forgotten() -> None:
    with PostgresServer({**TEST_SETTINGS, "max_prepared_transactions": "1"}) as server:
        backend = PostgresBackend(server.url)
        await backend.open(settings())
        connection = await asyncpg.connect(server.url)
        try:
            await connection.execute(
                "BEGIN; CREATE TABLE pinned (); PREPARE TRANSACTION 'for''got'"
            )
            (found,) = await backend.diagnosis.open_transactions(longer_than=0.0) or []
            assert found.pid is None
            assert "for'got" in found.holder
            await connection.execute(found.ending)
            assert await backend.diagnosis.open_transactions(longer_than=0.0) == []
        finally:
            await connection.close()
            await backend.close()


async def test_a_dropped_index_is_mended_by_the_remedy(on_postgres: Patient, sql: Any) -> None:
    await on_postgres.says_ok("indexes")
    await sql.execute("DROP INDEX soniq_jobs_claim")

    found = await on_postgres.examined()
    (finding,) = found["indexes"]
    assert finding.level is Level.ERROR
    assert "soniq_jobs_claim of soniq_jobs is missing" in finding.message
    assert found["claim-plan"][0].level is Level.WARNING

    await sql.execute(str(finding.remedy).removeprefix("Run: "))
    found = await on_postgres.examined()
    assert found["indexes"][0].level is found["claim-plan"][0].level is Level.OK


async def test_an_invalid_index_is_mended_by_the_remedy(on_postgres: Patient, sql: Any) -> None:
    statement = await sql.fetchval("SELECT pg_get_indexdef('soniq_jobs_dedup'::regclass)")
    await sql.execute("DROP INDEX soniq_jobs_dedup")
    await on_postgres.store.backend.insert(new_jobs(2))
    await sql.execute("UPDATE soniq_jobs SET dedup_key = 'the same'")
    with pytest.raises(asyncpg.UniqueViolationError):
        await sql.execute(statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1))

    finding = await on_postgres.complaint("indexes")
    assert "soniq_jobs_dedup of soniq_jobs is invalid" in finding.message

    await sql.execute("UPDATE soniq_jobs SET dedup_key = id::text")
    await sql.execute(str(finding.remedy).removeprefix("Run: "))
    await on_postgres.says_ok("indexes")


async def test_indexes_in_a_schema_of_their_own(pg_url: str, sql: Any) -> None:
    app = Soniq(pg_url, schema="Jobs")
    await app.setup()
    try:
        await sql.execute('DROP INDEX "Jobs".soniq_jobs_held')
        found = {each.check: each.finding for each in await examine(app)}
        assert '"Jobs".soniq_jobs' in found["indexes"].message
        await sql.execute(str(found["indexes"].remedy).removeprefix("Run: "))
        assert {finding.level for _, finding in await examine(app)} == {Level.OK}
    finally:
        await app.close()


async def test_dead_rows_that_nobody_sweeps(on_postgres: Patient, sql: Any) -> None:
    await sql.execute("ALTER TABLE soniq_jobs SET (autovacuum_enabled = off)")
    await on_postgres.store.backend.insert(new_jobs(2000))
    await sql.execute("UPDATE soniq_jobs SET priority = 1")
    await sql.execute("SELECT pg_stat_force_next_flush()")
    await sql.execute("SELECT 1")

    unswept, dead = (await on_postgres.examined(limits=Limits(dead_rows=1000)))["tables"]
    assert "Autovacuum is off for soniq_jobs" in unswept.message
    assert "2,000 dead rows" in dead.message
    assert "never" in dead.message
    assert "VACUUM soniq_jobs" in str(dead.remedy)

    await sql.execute("ALTER TABLE soniq_jobs RESET (autovacuum_enabled)")
    await sql.execute("VACUUM soniq_jobs")
    await on_postgres.says_ok("tables", limits=Limits(dead_rows=1000))


async def test_a_table_much_larger_than_its_rows(on_postgres: Patient, sql: Any) -> None:
    await on_postgres.store.backend.insert(new_jobs(3000))
    await sql.execute("DELETE FROM soniq_jobs")
    await sql.execute("VACUUM soniq_jobs")

    finding = await on_postgres.complaint("tables", limits=Limits(big_table=100_000))
    assert "soniq_jobs takes" in finding.message
    assert "VACUUM FULL soniq_jobs" in str(finding.remedy)
    await on_postgres.says_ok("tables")


async def test_workers_that_may_want_more_connections_than_there_are(
    on_postgres: Patient,
) -> None:
    await on_postgres.says_ok("connections")
    greedy = PostgresBackend(on_postgres.store.backend.location)
    await greedy.open(settings(pool_max_size=5000))
    session = await greedy.join(new_worker(), lambda _: None)
    try:
        finding = await on_postgres.complaint("connections")
    finally:
        await session.leave()
        await greedy.close()
    assert "5003 connections" in finding.message
    assert "SONIQ_POOL_MAX_SIZE" in str(finding.remedy)


async def test_a_database_with_hardly_a_connection_left(on_postgres: Patient, sql: Any) -> None:
    name = await sql.fetchval("SELECT current_database()")
    await sql.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 4")

    finding = await on_postgres.complaint("connections", limits=Limits(connections=0.5))
    assert "of the 4 connections" in finding.message


async def test_more_jobs_at_a_time_than_the_pool_serves(on_postgres: Patient) -> None:
    finding = await on_postgres.complaint(
        "connections", settings=settings(concurrency=20, pool_max_size=10)
    )
    assert finding.level is Level.ERROR
    assert "Connection pool too small" in finding.message
    assert "lower concurrency" in str(finding.remedy)


@pytest.mark.parametrize("kind", [TransactionPooler, PgBouncer])
async def test_a_pooler_in_transaction_mode(
    on_postgres: Patient, pg_url: str, kind: type[TransactionPooler | PgBouncer]
) -> None:
    if kind is PgBouncer:
        need(PGBOUNCER is not None, "PgBouncer is not installed (Debian's package pgbouncer)")
    await on_postgres.says_ok("pooler")
    async with kind(pg_url) as pooler:
        app = Soniq(pooler.url)
        try:
            found = {each.check: each.finding for each in await examine(app)}
        finally:
            await app.close()
    finding = found["pooler"]
    assert finding.level is Level.WARNING
    assert "LISTEN, advisory locks, prepared statements do not work" in finding.message
    assert "direct connection" in str(finding.remedy)
    assert {name for name, each in found.items() if each.level is not Level.OK} == {"pooler"}


async def test_the_probe_of_a_pooler_leaves_no_lock_behind(pg_url: str, sql: Any) -> None:
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    async with TransactionPooler(pg_url) as pooler:
        backend = PostgresBackend(pooler.url)
        await backend.open(settings())
        try:
            sessions = await backend.diagnosis.sessions()
            held = await sql.fetchval(
                locks + " AND database = (SELECT oid FROM pg_database"
                " WHERE datname = current_database())"
            )
        finally:
            await backend.close()
    assert sessions is not None
    assert not sessions.locks
    assert held == 0


async def test_a_worker_that_was_told_another_address(on_postgres: Patient, pg_url: str) -> None:
    await on_postgres.store.join()
    await on_postgres.says_ok("addresses")
    async with TransactionPooler(pg_url) as pooler:
        address = pooler.url.rpartition("@")[2].replace("127.0.0.1", "localhost")
        elsewhere = PostgresBackend(pooler.url)
        await elsewhere.open(settings())
        session = await elsewhere.join(new_worker(hostname="far", pid=7), lambda _: None)
        try:
            finding = await on_postgres.complaint("addresses")
        finally:
            await session.leave()
            await elsewhere.close()
    assert "(far:7)" in finding.message
    assert address in finding.message
    assert "SONIQ_DATABASE_URL" in str(finding.remedy)


async def test_tables_that_are_behind(on_postgres: Patient, sql: Any) -> None:
    await sql.execute("DELETE FROM soniq_migrations WHERE version = 2")

    finding = await on_postgres.complaint("schema")
    assert finding.level is Level.ERROR
    assert "0002" in finding.message


@pytest.mark.parametrize("compatible_with, level", [(1, Level.WARNING), (1000, Level.ERROR)])
async def test_tables_that_are_ahead(
    on_postgres: Patient, sql: Any, compatible_with: int, level: Level
) -> None:
    await sql.execute(
        "INSERT INTO soniq_migrations VALUES (1000, 'from_the_future', now(), '', $1)",
        compatible_with,
    )
    finding = await on_postgres.complaint("schema")
    assert finding.level is level
    assert "1000" in finding.message
    assert "Upgrade Soniq" in str(finding.remedy)


async def test_a_database_that_does_not_answer() -> None:
    app = Soniq("postgresql://me:hush@127.0.0.1:1/app", database_timeout=0.1)
    try:
        ((name, finding),) = await examine(app)
    finally:
        await app.close()
    assert (name, finding.level) == ("database", Level.ERROR)
    assert "hush" not in finding.message
    assert "SONIQ_DATABASE_URL" in str(finding.remedy)


async def test_a_database_that_goes_away_meanwhile_costs_only_the_checks_it_was_needed_for(
    on_postgres: Patient, sql: Any
) -> None:
    """A check that cannot be made is told as such, and the others go on."""
    await sql.execute("BEGIN; LOCK TABLE soniq_workers IN ACCESS EXCLUSIVE MODE")
    examining = asyncio.create_task(on_postgres.examined())
    waiting = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'soniq_workers'::regclass"
    async with asyncio.timeout(15):
        while (pid := await sql.fetchval(waiting)) is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await sql.execute("SELECT pg_terminate_backend($1)", pid)
    await sql.execute("ROLLBACK")

    found = await examining
    complaints = [f for findings in found.values() for f in findings if f.level is not Level.OK]
    assert len(complaints) == 1
    assert "could not be checked" in complaints[0].message
    assert "dead-letters" in found
