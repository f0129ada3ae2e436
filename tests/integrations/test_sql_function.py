"""`soniq_enqueue` in SQL: what triggers and other languages enqueue is a job like any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import pytest

from soniq import Soniq, TaskRef
from tests.worker.conftest import PATIENCE, until_status, working

pytestmark = pytest.mark.postgres


@pytest.fixture
def schema() -> str | None:
    return None


in_either_schema = pytest.mark.parametrize("schema", [None, "Queue"])


@pytest.fixture
async def app(schema: str | None, pg_url: str) -> AsyncIterator[Soniq]:
    # Nothing is found by polling: a job that runs in time was announced.
    async with Soniq(pg_url, schema=schema, poll_interval=60) as app:
        await app.setup()

        @app.job(name="mail.greet")
        async def greet(name: str) -> str:
            return f"hello {name}"

        yield app


@pytest.fixture
async def sql(app: Soniq, pg_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(pg_url)
    if app.settings.schema is not None:
        await connection.execute(f'SET search_path = "{app.settings.schema}"')
    yield connection
    await connection.close()


Sql: TypeAlias = "asyncpg.Connection[Any]"


@in_either_schema
async def test_a_job_from_sql_wakes_a_worker_at_its_commit(app: Soniq, sql: Sql) -> None:
    async with working(app), asyncio.timeout(PATIENCE):
        job_id = await sql.fetchval(
            """SELECT soniq_enqueue('mail.greet', '{"name": "ada"}', 'mail', 5, NULL, NULL)"""
        )
        job = await until_status(app, job_id, "done")
    assert job["result"] == "hello ada"
    assert (job["queue"], job["priority"], job["max_attempts"]) == ("mail", 5, 4)
    assert job["producer_id"] == "sql:postgres"


async def test_what_is_left_out_is_as_for_a_name_nobody_registered(app: Soniq, sql: Sql) -> None:
    from_sql = await app.get_job(await sql.fetchval("SELECT soniq_enqueue('elsewhere')"))
    nulls = await app.get_job(
        await sql.fetchval("SELECT soniq_enqueue('elsewhere', NULL, NULL, NULL, NULL, NULL)")
    )
    from_python = await app.get_job(await app.enqueue(TaskRef("elsewhere")))
    assert from_sql is not None
    assert nulls is not None
    assert from_python is not None
    for key in ("args", "queue", "priority", "max_attempts", "dedup_key", "status"):
        assert from_sql[key] == nulls[key] == from_python[key], key


async def test_nothing_is_left_of_a_transaction_that_was_rolled_back(app: Soniq, sql: Sql) -> None:
    transaction = sql.transaction()
    await transaction.start()
    await sql.fetchval("SELECT soniq_enqueue('mail.greet')")
    await transaction.rollback()
    assert (await app.get_queue_stats())["total"] == 0


@in_either_schema
async def test_a_key_that_is_held_gives_the_job_that_holds_it(app: Soniq, sql: Sql) -> None:
    held = await app.enqueue("mail.greet", args={"name": "ada"}, dedup_key="welcome")
    again = "SELECT soniq_enqueue('mail.greet', dedup_key => 'welcome')"
    assert await sql.fetchval(again) == held
    await app.cancel_job(held)
    fresh = await sql.fetchval(again)
    assert fresh != held
    assert await app.enqueue("mail.greet", args={"name": "b"}, dedup_key="welcome") == fresh


async def test_a_later_time_is_kept(app: Soniq, sql: Sql) -> None:
    job = await app.get_job(
        await sql.fetchval(
            "SELECT soniq_enqueue('mail.greet', scheduled_at => now() + interval '1 hour')"
        )
    )
    assert job is not None
    assert (job["scheduled_at"] - job["created_at"]).total_seconds() == 3600


async def test_ids_follow_the_order_of_their_making(sql: Sql) -> None:
    ids = []
    for _ in range(5):
        ids.append(await sql.fetchval("SELECT soniq_enqueue('mail.greet')"))
        await sql.execute("SELECT pg_sleep(0.002)")
    assert ids == sorted(ids)
    assert {job_id[14] for job_id in ids} == {"7"}
    assert {job_id[19] for job_id in ids} <= set("89ab")


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ("soniq_enqueue('No Name')", "'No Name' is not the name of a job"),
        ("soniq_enqueue(NULL)", "NULL is not the name of a job"),
        ("soniq_enqueue('a', '[1]')", "args must be a JSON object, got array"),
        ("soniq_enqueue('a', '{}', '')", "queue must have 1 to 128 characters, got 0"),
        ("soniq_enqueue('a', '{}', repeat('q', 129))", "queue must have 1 to 128"),
        ("soniq_enqueue('a', priority => 0)", "priority must be from 1 to 1000"),
        ("soniq_enqueue('a', priority => 1001)", "priority must be from 1 to 1000"),
        ("soniq_enqueue('a', scheduled_at => 'infinity')", "scheduled_at must be in the years"),
        ("soniq_enqueue('a', scheduled_at => '20000-01-01')", "scheduled_at must be in the years"),
        (
            "soniq_enqueue('a', scheduled_at => '0044-03-15 BC')",
            "scheduled_at must be in the years",
        ),
        ("soniq_enqueue('a', dedup_key => '')", "dedup_key must have 1 to 512"),
        (
            "soniq_enqueue('a', jsonb_build_object('x', repeat('y', 1048576)))",
            "at most 1048576 are allowed",
        ),
    ],
)
async def test_what_no_job_may_be_is_refused(app: Soniq, sql: Sql, call: str, problem: str) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError) as refused:
        await sql.fetchval(f"SELECT {call}")
    assert problem in str(refused.value)
    assert (await app.get_queue_stats())["total"] == 0


@in_either_schema
async def test_a_trigger_enqueues_whatever_the_search_path(
    app: Soniq, sql: Sql, pg_url: str
) -> None:
    schema = await sql.fetchval("SELECT quote_ident(current_schema())")
    await sql.execute(
        f"""
        CREATE TABLE customers (name text);
        CREATE FUNCTION greeted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM {schema}.soniq_enqueue('mail.greet', jsonb_build_object('name', NEW.name));
            RETURN NEW;
        END $$;
        CREATE TRIGGER greet AFTER INSERT ON customers
            FOR EACH ROW EXECUTE FUNCTION greeted();
        """
    )
    other: Sql = await asyncpg.connect(pg_url)
    await other.execute("SET search_path = pg_catalog")
    await other.execute(f"INSERT INTO {schema}.customers VALUES ('ada')")
    await other.close()
    (job,) = await app.list_jobs()
    assert (job["job_name"], job["args"]) == ("mail.greet", {"name": "ada"})
