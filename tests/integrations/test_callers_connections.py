"""Enqueueing in a transaction that psycopg or SQLAlchemy holds, and that decides over the job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session

from soniq import Soniq
from soniq.errors import SONIQ_UNSUPPORTED_CONNECTION, SoniqError
from soniq.integrations.sqlalchemy import to_driver_connection
from soniq.testing import wait_until
from tests.worker.conftest import until_status, working

pytestmark = pytest.mark.postgres


class Undo(Exception):
    """Ends a transaction without its work."""


@asynccontextmanager
async def in_psycopg(url: str) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection:
        yield connection


@asynccontextmanager
async def in_an_autocommitting_psycopg(url: str) -> AsyncIterator[Any]:
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
        connection.transaction(),
    ):
        yield connection


def in_a_session(driver: str) -> Callable[[str], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Any]:
        engine = create_async_engine(of_driver(url, driver))
        try:
            async with AsyncSession(engine) as session, session.begin():
                yield session
        finally:
            await engine.dispose()

    return opened


def in_a_connection(driver: str) -> Callable[[str], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[Any]:
        engine = create_async_engine(of_driver(url, driver))
        try:
            async with engine.begin() as connection:
                yield connection
        finally:
            await engine.dispose()

    return opened


@asynccontextmanager
async def in_a_scoped_session(url: str) -> AsyncIterator[Any]:
    engine = create_async_engine(of_driver(url, "asyncpg"))
    sessions = async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)
    try:
        async with sessions.begin():
            yield sessions
    finally:
        await sessions.remove()
        await engine.dispose()


def of_driver(url: str, driver: str) -> str:
    return url.replace("postgresql://", f"postgresql+{driver}://")


KINDS: dict[str, Callable[[str], AbstractAsyncContextManager[Any]]] = {
    "psycopg": in_psycopg,
    "psycopg-autocommit": in_an_autocommitting_psycopg,
    "session-asyncpg": in_a_session("asyncpg"),
    "session-psycopg": in_a_session("psycopg"),
    "connection-asyncpg": in_a_connection("asyncpg"),
    "connection-psycopg": in_a_connection("psycopg"),
    "scoped-session": in_a_scoped_session,
}


@pytest.fixture(params=list(KINDS))
def transaction(
    request: pytest.FixtureRequest, pg_url: str
) -> Callable[[], AbstractAsyncContextManager[Any]]:
    return lambda: KINDS[request.param](pg_url)


@pytest.fixture
async def app(pg_url: str) -> AsyncIterator[Soniq]:
    async with Soniq(pg_url) as app:
        await app.setup()

        @app.job(name="greet")
        async def greet(name: str) -> str:
            return f"hello {name}"

        yield app


Transaction = Callable[[], AbstractAsyncContextManager[Any]]


async def test_a_job_appears_with_the_callers_commit_and_wakes_a_worker(
    app: Soniq, transaction: Transaction
) -> None:
    async with working(app):
        async with transaction() as connection:
            job_id = await app.enqueue("greet", args={"name": "ada"}, connection=connection)
            assert await app.get_job(job_id) is None
        assert (await until_status(app, job_id, "done"))["result"] == "hello ada"


async def test_nothing_is_left_of_a_transaction_that_was_rolled_back(
    app: Soniq, transaction: Transaction
) -> None:
    async def undo() -> None:
        async with transaction() as connection:
            await app.enqueue("greet", args={"name": "ada"}, connection=connection)
            await app.enqueue_many("greet", [{"name": "a"}, {"name": "b"}], connection=connection)
            raise Undo

    with pytest.raises(Undo):
        await undo()
    assert (await app.get_queue_stats())["total"] == 0


async def test_keys_and_delays_work_in_the_callers_transaction(
    app: Soniq, transaction: Transaction
) -> None:
    held = await app.enqueue("greet", args={"name": "ada"}, dedup_key="held")
    async with transaction() as connection:
        ids = await app.enqueue_many(
            "greet",
            [{"name": "a"}, {"name": "b"}, {"name": "c"}],
            dedup_keys=["held", "own", None],
            scheduled_at=60.0,
            connection=connection,
        )
    assert ids[0] == held
    for job_id in ids[1:]:
        job = await app.get_job(job_id)
        assert job is not None
        assert (job["scheduled_at"] - job["created_at"]).total_seconds() == 60.0


def blocking_psycopg(url: str) -> Any:
    return psycopg.connect(url)


def blocking_session(url: str) -> Any:
    return Session(create_engine(of_driver(url, "psycopg")))


@pytest.mark.parametrize("opened", [blocking_psycopg, blocking_session])
async def test_blocking_connections_work_through_the_blocking_client(
    app: Soniq, pg_url: str, opened: Callable[[str], Any]
) -> None:
    def enqueue() -> tuple[str, str]:
        with opened(pg_url) as connection:
            undone = app.sync.enqueue("greet", args={"name": "ada"}, connection=connection)
            connection.rollback()
            kept = app.sync.enqueue("greet", args={"name": "bob"}, connection=connection)
            connection.commit()
            if isinstance(connection, Session):
                connection.get_bind().dispose()  # type: ignore[union-attr]
        return undone, kept

    undone, kept = await asyncio.to_thread(enqueue)
    assert await app.get_job(undone) is None
    job = await app.get_job(kept)
    assert job is not None
    assert job["args"] == {"name": "bob"}


async def test_a_blocking_connection_stops_no_event_loop(app: Soniq, pg_url: str) -> None:
    with psycopg.connect(pg_url) as mine, psycopg.connect(pg_url) as other:
        other.execute("LOCK TABLE soniq_jobs IN EXCLUSIVE MODE")
        enqueueing = asyncio.create_task(
            app.enqueue("greet", args={"name": "ada"}, connection=mine)
        )
        # The loop has to see that it waits, and to let the other go on, or this never ends.
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
        await wait_until(
            lambda: other.execute(waiting, [mine.info.backend_pid]).fetchone() == (1,), timeout=20
        )
        assert not enqueueing.done()
        other.rollback()
        job_id = await enqueueing
        mine.rollback()
    assert await app.get_job(job_id) is None


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "sqlite+pysqlite://"], ids=["async", "blocking"]
)
async def test_an_engine_on_another_driver_is_refused(app: Soniq, url: str) -> None:
    if "aiosqlite" in url:
        engine = create_async_engine(url)
        async with AsyncSession(engine) as session:
            with pytest.raises(SoniqError) as refused:
                await app.enqueue("greet", args={"name": "ada"}, connection=session)
        await engine.dispose()
    else:
        blocking = create_engine(url)
        with blocking.connect() as connection, pytest.raises(SoniqError) as refused:
            await app.enqueue("greet", args={"name": "ada"}, connection=connection)
        blocking.dispose()
    assert refused.value.error_code == SONIQ_UNSUPPORTED_CONNECTION
    assert refused.value.context["driver"] in url
    assert (await app.get_queue_stats())["total"] == 0


async def test_the_drivers_connection_is_in_the_transaction(pg_url: str) -> None:
    engine = create_async_engine(of_driver(pg_url, "asyncpg"))
    async with AsyncSession(engine) as session, session.begin():
        driver = await to_driver_connection(session)
        assert isinstance(driver, asyncpg.Connection)
        assert driver.is_in_transaction()
        same = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        assert await driver.fetchval("SELECT pg_backend_pid()") == same
    await engine.dispose()


@pytest.mark.parametrize("given", [object(), "postgresql://", 5], ids=["object", "text", "number"])
async def test_what_is_no_connection_at_all_is_refused(app: Soniq, given: Any) -> None:
    with pytest.raises(ValueError, match=r"Transactional enqueue .*takes"):
        await app.enqueue("greet", args={"name": "ada"}, connection=given)
    with pytest.raises(ValueError, match=r"Transactional enqueue: .*takes an SQLAlchemy"):
        await to_driver_connection(given)
    assert (await app.get_queue_stats())["total"] == 0


async def test_an_engine_and_a_drivers_own_connection_have_no_driver_under_them(
    pg_url: str,
) -> None:
    engine = create_async_engine(of_driver(pg_url, "asyncpg"))
    driver = await asyncpg.connect(pg_url)
    for given in (engine, driver):
        with pytest.raises(ValueError, match=r"Transactional enqueue: .*takes an SQLAlchemy"):
            await to_driver_connection(given)  # type: ignore[arg-type]
    await driver.close()
    await engine.dispose()
