"""With 100,000 rows in the table every statement of the hot path still goes by an index."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from soniq.backends.postgres.session import PLAN_CLAIMS, PLAN_ENDS
from soniq.backends.postgres.sql import statements
from tests.backends.stores import PostgresStore
from tests.conftest import SharedPostgres

ROWS = 100_000
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NO_ID = "00000000-0000-0000-0000-000000000000"
ARRAYS = 500


@pytest.fixture(scope="module")
def full_url(pg_server: SharedPostgres) -> Iterator[str]:
    """A table with as many queued rows as done ones, some processing, its statistics fresh."""
    name = f"soniq_plans_{uuid4().hex}"
    url = pg_server.database_url(name)
    asyncio.run(_on_server(pg_server.url, f"CREATE DATABASE {name} TEMPLATE template0"))
    try:
        asyncio.run(_make(url))
        yield url
    finally:
        asyncio.run(_on_server(pg_server.url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def full(full_url: str) -> AsyncIterator[Any]:
    """A connection to that table, planning like Soniq's own."""
    connection = await asyncpg.connect(full_url)
    try:
        await connection.execute("SET plan_cache_mode = force_custom_plan; SET jit = off")
        yield connection
    finally:
        await connection.close()


async def _on_server(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _make(url: str) -> None:
    store = PostgresStore(url)
    await store.open()
    await store.close()
    connection = await asyncpg.connect(url)
    try:
        await _fill(connection)
    finally:
        await connection.close()


async def _fill(connection: Any) -> None:
    await _insert(connection, ROWS)
    await connection.execute("VACUUM ANALYZE soniq_jobs")
    await connection.execute("ANALYZE soniq_workers")


async def _insert(connection: Any, rows: int) -> None:
    await connection.execute(
        f"""
        INSERT INTO soniq_workers (
            id, hostname, pid, concurrency, heartbeat_interval, version, job_names
        )
        SELECT gen_random_uuid(), 'host', n, 1, 5, '', '{{}}' FROM generate_series(1, 5) AS n;
        INSERT INTO soniq_jobs (
            id, job_name, args, queue, priority, max_attempts, status, scheduled_at, created_at,
            updated_at, finished_at, worker_id
        )
        SELECT
            gen_random_uuid(), 'job', '{{}}', 'queue' || n % 5, 100, 4,
            CASE WHEN n <= 100 THEN 'processing' WHEN n % 2 = 0 THEN 'queued' ELSE 'done' END,
            now() - n * interval '1 ms', now(), now(),
            CASE WHEN n > 100 AND n % 2 = 1 THEN now() END,
            CASE WHEN n <= 100 THEN (SELECT id FROM soniq_workers LIMIT 1) END
        FROM generate_series(1, {rows}) AS n
        """
    )


async def _ids(connection: Any, status: str, number: int = ARRAYS) -> list[str]:
    rows = await connection.fetch(
        "SELECT id::text FROM soniq_jobs WHERE status = $1 ORDER BY random() LIMIT $2",
        status,
        number,
    )
    return [row[0] for row in rows]


async def _worker(connection: Any) -> str:
    return str(await connection.fetchval("SELECT id FROM soniq_workers LIMIT 1"))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


async def plan_of(connection: Any, statement: str, *args: Any) -> list[dict[str, Any]]:
    """The nodes that read the jobs or an index of them, of a plan that has been run and undone."""
    text = statements(None)[statement]
    transaction = connection.transaction()
    await transaction.start()
    try:
        told = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *args)
    finally:
        await transaction.rollback()
    (explained,) = json.loads(told)
    scans = [node for node in _nodes(explained["Plan"]) if "Scan" in node["Node Type"]]
    return [node for node in scans if _is_of_jobs(node)]


def _is_of_jobs(node: dict[str, Any]) -> bool:
    return "soniq_jobs" in (node.get("Relation Name"), node.get("Index Name", "")[:10])


def assert_by_index(nodes: Sequence[dict[str, Any]], *allowed: str, most: int) -> None:
    """Every look goes by one of these indexes, and none meets more than so many rows."""
    assert nodes
    for node in nodes:
        assert node["Node Type"] != "Seq Scan", node
        assert node.get("Index Name", allowed[0]) in allowed, node
        removed = node.get("Rows Removed by Filter", 0)
        assert (node["Actual Rows"] + removed) * node["Actual Loops"] <= most, node


async def test_claim(full: Any) -> None:
    lanes = [f"queue{n}" for n in range(5)]
    nodes = await plan_of(
        full,
        "claim",
        lanes,
        [100] * 5,
        [LONG_AGO] * 5,
        [NO_ID] * 5,
        [100] * 5,
        ARRAYS,
        await _worker(full),
        ["unknown"],
    )
    assert_by_index(nodes, "soniq_jobs_claim", "soniq_jobs_pkey", most=ARRAYS)


async def test_discovery(full: Any) -> None:
    nodes = await plan_of(full, "discover", "", 0, 1000)
    assert_by_index(nodes, "soniq_jobs_claim", "soniq_jobs_suspects", most=10)


async def test_discovery_of_some_queues(full: Any) -> None:
    nodes = await plan_of(full, "discover_served", ["queue1", "queue3", "nobody"])
    assert_by_index(nodes, "soniq_jobs_claim", "soniq_jobs_suspects", most=10)


async def test_claim_suspect(full: Any) -> None:
    nodes = await plan_of(full, "claim_suspect", None, await _worker(full), [])
    assert_by_index(nodes, "soniq_jobs_suspects", "soniq_jobs_pkey", most=2)


FINISHES = [
    ("finish_done", (["null"],)),
    ("finish_deleted", ()),
]


@pytest.mark.parametrize("statement, columns", FINISHES, ids=[name for name, _ in FINISHES])
async def test_finish(full: Any, statement: str, columns: tuple[list[Any], ...]) -> None:
    ids = await _ids(full, "processing", 100)
    args = (ids, [0] * 100, *(column * 100 for column in columns))
    nodes = await plan_of(full, statement, await _worker(full), *args)
    assert_by_index(nodes, "soniq_jobs_pkey", most=1000)


async def test_finish_of_a_mixture(full: Any) -> None:
    ids = await _ids(full, "processing", 100)
    done, deleted, queued, dead = ids[:25], ids[25:50], ids[50:75], ids[75:]
    claims = [0] * 25
    texts = ["text"] * 25
    nodes = await plan_of(
        full, "finish_mixed", await _worker(full), done, claims, ["null"] * 25, deleted, claims,
        queued, claims, [1.0] * 25, texts, claims, dead, claims, ["timeout"] * 25, texts,
        None,
    )  # fmt: skip
    assert_by_index(nodes, "soniq_jobs_pkey", most=1000)


async def test_lost(full: Any) -> None:
    ids = await _ids(full, "processing", 100)
    nodes = await plan_of(full, "lost", ids, [0] * 100, await _worker(full))
    assert_by_index(nodes, "soniq_jobs_pkey", most=1000)


async def test_release_strays(full: Any) -> None:
    ids = await _ids(full, "processing", 50)
    nodes = await plan_of(full, "release_strays", await _worker(full), ids)
    assert_by_index(nodes, "soniq_jobs_held", "soniq_jobs_pkey", most=1000)


async def test_recover_looks_at_nothing_that_live_workers_hold(full: Any) -> None:
    nodes = await plan_of(full, "recover", 3, 1000)
    assert_by_index(nodes, "soniq_jobs_held", "soniq_jobs_pkey", most=0)


async def test_recover_of_a_dead_worker(full: Any) -> None:
    await full.execute("UPDATE soniq_workers SET status = 'stopped', crashed = true")
    try:
        nodes = await plan_of(full, "recover", 3, 1000)
    finally:
        await full.execute("UPDATE soniq_workers SET status = 'active', crashed = false")
    assert_by_index(nodes, "soniq_jobs_held", "soniq_jobs_pkey", most=1000)


async def test_a_sweep_that_finds_nothing_looks_at_nothing(full: Any) -> None:
    nodes = await plan_of(full, "declare_dead", str(uuid4()), 300.0, [], False)
    assert_by_index(nodes, "soniq_jobs_held", most=0)


async def test_prune(full: Any) -> None:
    nodes = await plan_of(full, "prune_jobs", 0.0, ARRAYS, LONG_AGO)
    assert_by_index(nodes, "soniq_jobs_ended", "soniq_jobs_pkey", most=ARRAYS)


async def test_list_jobs(full: Any) -> None:
    nodes = await plan_of(full, "list_jobs", None, None, 100, 0)
    assert_by_index(nodes, "soniq_jobs_pkey", most=1200)


async def test_a_look_for_unknown_names_is_bounded(full: Any) -> None:
    nodes = await plan_of(
        full, "sweep_unknown", ["other"], 300.0, None, "", 0, LONG_AGO,
        NO_ID, 1000,
    )  # fmt: skip
    assert_by_index(nodes, "soniq_jobs_claim", "soniq_jobs_suspects", "soniq_jobs_pkey", most=1000)


async def test_a_key_is_looked_up_by_its_index(full: Any) -> None:
    nodes = await plan_of(full, "find_holders", await _ids(full, "done", 10), ["key"])
    assert_by_index(nodes, "soniq_jobs_dedup", "soniq_jobs_pkey", most=10)


@pytest.fixture
async def young(store: PostgresStore, sql: Any) -> Any:
    """A table of some thousand rows that nobody has analysed."""
    await sql.execute("ALTER TABLE soniq_jobs SET (autovacuum_enabled = false)")
    await _insert(sql, 5000)
    return sql


@pytest.mark.parametrize("statement, columns", FINISHES, ids=[name for name, _ in FINISHES])
async def test_a_batch_of_ends_is_not_compared_row_by_row_on_a_young_table(
    young: Any, statement: str, columns: tuple[list[Any], ...]
) -> None:
    await young.execute(PLAN_ENDS)
    ids = await _ids(young, "queued")
    args = (ids, [0] * ARRAYS, *(column * ARRAYS for column in columns))
    transaction = young.transaction()
    await transaction.start()
    text = statements(None)[statement]
    told = await young.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", NO_ID, *args)
    await transaction.rollback()
    for node in _nodes(json.loads(told)[0]["Plan"]):
        assert node["Node Type"] != "Nested Loop"
        assert node.get("Relation Name") is None or node["Node Type"] != "Seq Scan", node


async def test_a_claim_of_a_young_table_goes_by_index(young: Any) -> None:
    await young.execute(PLAN_CLAIMS)
    args: tuple[Any, ...] = (
        ["queue1"],
        [100],
        [LONG_AGO],
        [NO_ID],
        [ARRAYS],
        ARRAYS,
        await _worker(young),
        [],
    )
    nodes = await plan_of(young, "claim", *args)
    assert_by_index(nodes, "soniq_jobs_claim", "soniq_jobs_pkey", most=ARRAYS)
