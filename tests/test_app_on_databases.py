"""The Soniq object on real databases."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import asyncpg
import pytest

from soniq import Soniq, SoniqError, TaskRef
from soniq.errors import (
    SONIQ_DATABASE_UNAVAILABLE,
    SONIQ_INIT_ERROR,
    SONIQ_SCHEMA_MISSING,
)
from tests.conftest import SharedPostgres
from tests.postgres_server import PostgresServer, with_database

REF = TaskRef("jobs.one")
NOWHERE = "postgresql://nobody:hush@127.0.0.1:1/nothing"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/jobs.db"
    found: str = request.getfixturevalue("pg_url")
    return found


@pytest.fixture
async def app(url: str) -> AsyncIterator[Soniq]:
    async with Soniq(url) as app:
        await app.setup()
        yield app


async def test_setup_applies_once_however_many_come(tmp_path: Path, pg_url: str) -> None:
    for url in (str(tmp_path / "jobs.db"), pg_url):
        apps = [Soniq(url) for _ in range(4)]
        applied = await asyncio.gather(*(app.setup() for app in apps))
        assert sorted(applied)[:3] == [0, 0, 0]
        assert max(applied) > 0
        for app in apps:
            await app.close()


async def test_setup_creates_a_missing_database(pg_server: SharedPostgres) -> None:
    url = pg_server.database_url(f"soniq_new_{os.getpid()}")
    app = Soniq(url)
    try:
        assert await app.setup() > 0
        assert await app.enqueue(REF)
    finally:
        await app.close()
        await _drop(pg_server.url, f"soniq_new_{os.getpid()}")


async def test_postgres_before_setup_says_what_to_do(pg_url: str) -> None:
    async with Soniq(pg_url) as app:
        for call in (app.enqueue(REF), app.get_queue_stats(), app.enqueue_many(REF, [{}])):
            with pytest.raises(SoniqError, match="does not exist") as caught:
                await call
            assert caught.value.error_code == SONIQ_SCHEMA_MISSING
            assert "soniq setup" in str(caught.value)
        assert await app.setup() > 0
        assert await app.enqueue(REF)


async def test_an_unreachable_database() -> None:
    app = Soniq(NOWHERE, database_timeout=0.3)
    with pytest.raises(SoniqError) as caught:
        await app.enqueue(REF)
    assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE
    assert "hush" not in str(caught.value)
    assert "127.0.0.1:1" in caught.value.context["database"]
    await app.close()


async def test_many_producers_at_a_time(app: Soniq) -> None:
    async def produce(producer: int) -> list[str]:
        return [await app.enqueue(REF, args={"producer": producer, "n": n}) for n in range(10)]

    ids = [job_id for some in await asyncio.gather(*map(produce, range(40))) for job_id in some]
    assert len(set(ids)) == 400
    assert (await app.get_queue_stats())["queued"] == 400


async def test_fifty_enqueues_of_one_key_make_one_row(app: Soniq) -> None:
    ids = await asyncio.gather(*(app.enqueue(REF, dedup_key="k") for _ in range(50)))
    assert len(set(ids)) == 1
    assert (await app.get_queue_stats())["queued"] == 1


async def test_a_bad_enqueue_stores_nothing(app: Soniq) -> None:
    with pytest.raises(SoniqError):
        await app.enqueue(REF, args={"x": "\x00"})
    with pytest.raises(SoniqError):
        await app.enqueue_many(REF, [{"x": 1}, {"x": float("nan")}])
    assert (await app.get_queue_stats())["total"] == 0


async def test_a_job_goes_through_its_life(app: Soniq) -> None:
    @app.job(name="math.add")
    async def add(a: int, b: int) -> int:
        return a + b

    job_id = await add.enqueue(a=1, b=2)
    assert await app.run_worker(run_once=True) is True
    assert await app.get_result(job_id) == 3


async def _drop(url: str, database: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    await connection.close()


async def test_enqueue_in_a_transaction_of_the_callers(pg_url: str) -> None:
    async with Soniq(pg_url) as app:
        await app.setup()
        connection = await asyncpg.connect(pg_url)
        transaction = connection.transaction()
        await transaction.start()
        gone = await app.enqueue(REF, connection=connection)
        await transaction.rollback()
        async with connection.transaction():
            kept = await app.enqueue(REF, connection=connection)
            many = await app.enqueue_many(REF, [{}, {}], connection=connection)
            assert await app.get_job(kept) is None
        assert await app.get_job(gone) is None
        assert all([await app.get_job(job_id) for job_id in (kept, *many)])
        with pytest.raises(ValueError, match="Transactional enqueue"):
            await app.enqueue(REF, connection=object())
        await connection.close()


async def test_enqueue_in_a_sqlite_transaction(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    async with Soniq(path) as app, aiosqlite.connect(path) as connection:
        await app.setup()
        await connection.execute("BEGIN")
        gone = await app.enqueue(REF, connection=connection)
        await connection.rollback()
        await connection.execute("BEGIN")
        kept = await app.enqueue(REF, connection=connection)
        await connection.commit()
        assert await app.get_job(gone) is None
        assert await app.get_job(kept) is not None


async def test_a_held_key_holds_up_nobody_not_even_its_holder(pg_url: str) -> None:
    async with Soniq(pg_url) as app:
        await app.setup()
        connection = await asyncpg.connect(pg_url)
        async with asyncio.timeout(8):
            async with connection.transaction():
                holder = await app.enqueue(REF, dedup_key="held", connection=connection)
                waiting = asyncio.create_task(app.enqueue(REF, dedup_key="held"))
                others = [app.enqueue(REF, dedup_key=f"free-{n}") for n in range(20)]
                assert len(set(await asyncio.gather(*others, app.enqueue(REF)))) == 21
                assert not waiting.done()
            assert await waiting == holder
        await connection.close()


@pytest.mark.timeout(120)
async def test_enqueues_outlive_a_restart_of_the_server(private_pg_server: PostgresServer) -> None:
    async with Soniq(with_database(private_pg_server.url, "postgres")) as app:
        await app.setup()
        await app.enqueue(REF)
        stopped = asyncio.Event()

        async def produce() -> list[str]:
            ids = []
            while not stopped.is_set():
                ids.append(await app.enqueue(REF))
            return ids

        producers = [asyncio.create_task(produce()) for _ in range(5)]
        await asyncio.to_thread(private_pg_server.restart)
        await app.enqueue(REF)
        stopped.set()
        ids = [job_id for ids in await asyncio.gather(*producers) for job_id in ids]
        assert len(set(ids)) == len(ids)
        assert (await app.get_queue_stats())["queued"] == len(ids) + 2


async def test_ensure_initialized_says_why_it_failed(tmp_path: Path) -> None:
    app = Soniq(tmp_path / "no" / "such" / "folder" / "jobs.db", database_timeout=0.2)
    with pytest.raises(SoniqError) as caught:
        await app.ensure_initialized()
    assert caught.value.error_code == SONIQ_INIT_ERROR
    assert caught.value.__cause__ is not None
