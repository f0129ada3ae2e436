"""A network that fails without a word: who waits for an answer gives up and goes another way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from soniq import Soniq, SoniqError
from soniq.backends.base import Unavailable
from soniq.backends.postgres import PostgresBackend, listener
from soniq.backends.postgres.callers import CallersConnection
from soniq.backends.postgres.connection import STATEMENT_TIMEOUT, Database, Link, Rows
from soniq.backends.postgres.dialling import hosts_of
from soniq.backends.postgres.listener import Listener, lock_key
from soniq.records import Done, NewWorker
from tests.backends.stores import settings
from tests.chaos.infra.proxy import Proxy
from tests.factories import ending, new_job, new_worker

PATIENCE = 20.0


@pytest.fixture
def proxy(pg_url: str) -> Iterator[Proxy]:
    with Proxy(pg_url) as proxy:
        yield proxy


@pytest.fixture
async def backend(proxy: Proxy) -> AsyncIterator[PostgresBackend]:
    backend = PostgresBackend(proxy.url)
    await backend.open(settings(heartbeat_interval=0.2))
    await backend.setup()
    yield backend
    await backend.close()


@pytest.fixture
async def app(proxy: Proxy) -> AsyncIterator[Soniq]:
    app = Soniq(proxy.url, database_timeout=1, enqueue_validation="none")
    await app.setup()
    yield app
    await app.close()


async def test_an_enqueue_gives_up_when_its_time_is_over(proxy: Proxy, app: Soniq) -> None:
    await app.enqueue("some.job", args={})
    proxy.black_hole()
    for key in (None, "keyed"):
        async with asyncio.timeout(5):
            with pytest.raises(SoniqError, match="could not be reached within 1 seconds"):
                await app.enqueue("some.job", args={}, dedup_key=key)


async def test_a_question_gives_up_when_its_time_is_over(proxy: Proxy, app: Soniq) -> None:
    await app.get_queue_stats()
    proxy.black_hole()
    async with asyncio.timeout(5):
        with pytest.raises(SoniqError, match="could not be reached within 1 seconds"):
            await app.get_queue_stats()


async def test_connections_that_were_lost_unnoticed_cost_no_enqueue(
    proxy: Proxy, pg_url: str
) -> None:
    async with Soniq(proxy.url, database_timeout=3, enqueue_validation="none") as app:
        await app.setup()
        await asyncio.gather(*(app.get_queue_stats() for _ in range(5)))
        proxy.forget_server()
        assert await app.enqueue("some.job", args={})
        async with asyncio.timeout(2):
            await asyncio.gather(*(app.get_queue_stats() for _ in range(5)))


async def test_a_caller_who_gives_up_leaves_at_once_and_the_server_stops(
    proxy: Proxy, backend: PostgresBackend, pg_url: str
) -> None:
    holder = await asyncpg.connect(pg_url)
    await holder.execute("BEGIN; LOCK TABLE soniq_jobs")
    waiting = asyncio.create_task(backend.queue_stats())
    await _until(holder, "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted")
    waiting.cancel()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await waiting
    # Without being asked to: its client has gone.
    await _until(holder, "SELECT count(*) = 0 FROM pg_locks WHERE NOT granted")
    await holder.close()


async def test_a_transaction_cut_short_waits_for_nobody(
    proxy: Proxy, backend: PostgresBackend
) -> None:
    await backend.insert([new_job(dedup_key="a")])
    proxy.black_hole()
    waiting = asyncio.create_task(backend.insert([new_job(dedup_key="b")]))
    await asyncio.wait([waiting], timeout=0.5)
    waiting.cancel()
    async with asyncio.timeout(1):
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_claims_and_ends_find_another_way_once_a_heartbeat_has(
    proxy: Proxy, backend: PostgresBackend
) -> None:
    await backend.insert([new_job(), new_job()])
    session = await backend.join(new_worker(), lambda priority: None)
    first, claimed = (await session.claim(2)).jobs
    await session.finish([ending(first, Done())])
    await backend.insert([other := new_job()])
    proxy.forget_server()

    claim = asyncio.create_task(session.claim(1))
    finish = asyncio.create_task(session.finish([ending(claimed, Done())]))
    async with asyncio.timeout(STATEMENT_TIMEOUT / 2):
        while not (claim.done() and finish.done()):
            try:
                assert await session.heartbeat()
            except Unavailable:
                await asyncio.sleep(0.1)
    assert isinstance(claim.exception(), Unavailable)
    assert isinstance(finish.exception(), Unavailable)
    assert await session.finish([ending(claimed, Done())], repeated=True) == {claimed.id}
    assert [job.id for job in (await session.claim(1)).jobs] == [other.id]
    await session.leave()


async def test_a_way_that_is_doubted_while_it_is_made_counts_as_lost(
    pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(pg_url)
    link, fetch = Link(database, traced=True), database.fetch

    async def doubted(connection: CallersConnection, statement: str) -> Rows:
        rows = await fetch(connection, statement)
        link.doubt(-1.0)
        return rows

    monkeypatch.setattr(database, "fetch", doubted)
    with pytest.raises(Unavailable):
        async with link.held() as connection:
            await connection.fetchval("SELECT 1")
    monkeypatch.undo()
    async with link.held() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await link.close(2.0)


async def test_a_worker_ends_its_own_session_that_the_server_takes_for_alive(
    proxy: Proxy, backend: PostgresBackend, pg_url: str
) -> None:
    session = await backend.join(worker := new_worker(), lambda priority: None)
    watcher = await asyncpg.connect(pg_url)
    former = await _holder(watcher, worker.id)
    assert former is not None
    proxy.forget_clients()
    async with asyncio.timeout(PATIENCE):
        while await _holder(watcher, worker.id) in {None, former}:
            try:
                assert await session.heartbeat()
            except Unavailable:
                await asyncio.sleep(0.05)
    await watcher.close()
    await session.leave()


async def _notify(url: str, channel: str) -> None:
    sender = await asyncpg.connect(url)
    await sender.execute("SELECT pg_notify($1, '')", channel)
    await sender.close()


@asynccontextmanager
async def _deaf(
    url: str, worker: NewWorker, send: Callable[[str], Awaitable[None]]
) -> AsyncIterator[Listener]:
    """A worker's listener that has not heard the first of what is sent."""

    async def nothing() -> None:
        pass

    standing = Listener(
        Database(url),
        worker,
        heartbeat_interval=0.2,
        longest_pause=0.1,
        connections=1,
        send=send,
        hear=lambda payload: None,
        missed=lambda: None,
        rerouted=nothing,
    )
    with pytest.MonkeyPatch.context() as impatient:
        impatient.setattr(listener, "_PROBE_TIMEOUT", 0.1)
        await standing.join()
    yield standing
    await standing.leave()


async def test_a_notification_that_came_too_late_does_not_end_listening_for_good(
    backend: PostgresBackend, pg_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = await asyncpg.connect(pg_url)
    slow = True

    async def send(channel: str) -> None:
        if not slow:
            await _notify(pg_url, channel)

    async with _deaf(pg_url, worker := new_worker(), send):
        assert "LISTEN does not work" in caplog.text
        assert await _holder(watcher, worker.id) is None
        slow = False
        await watcher.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
        async with asyncio.timeout(PATIENCE):
            while await _holder(watcher, worker.id) is None:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
    await watcher.close()


async def test_whether_it_hears_is_asked_until_it_could_be_asked(
    backend: PostgresBackend, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_PROBE_AGAIN", 0.0)
    watcher = await asyncpg.connect(pg_url)
    sent = 0

    async def send(channel: str) -> None:
        nonlocal sent
        sent += 1
        if sent == 2:
            raise Unavailable("gone")
        if sent > 2:
            await _notify(pg_url, channel)

    async with _deaf(pg_url, worker := new_worker(), send) as standing, asyncio.timeout(PATIENCE):
        while await _holder(watcher, worker.id) is None:
            assert await standing.heartbeat()
            await asyncio.sleep(0.05)
    await watcher.close()


async def test_whoever_vanishes_amid_a_transaction_keeps_its_rows_locked_for_seconds_only(
    proxy: Proxy, pg_url: str
) -> None:
    watcher = await asyncpg.connect(pg_url)
    await watcher.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
    vanished = await Database(proxy.url).connect()
    await vanished.execute("BEGIN; SELECT FROM kept FOR UPDATE")
    proxy.black_hole()
    async with asyncio.timeout(PATIENCE):
        assert await watcher.fetchval("SELECT id FROM kept FOR UPDATE") == 1
    vanished.terminate()
    await watcher.close()


async def test_a_first_host_that_answers_nothing_does_not_keep_from_the_second(
    proxy: Proxy, pg_url: str
) -> None:
    proxy.black_hole()
    mute, sound = (url.rpartition("@")[2].partition("/")[0] for url in (proxy.url, pg_url))
    url = pg_url.replace(sound, f"{mute},{sound}") + "?target_session_attrs=read-write"
    async with Soniq(url, enqueue_validation="none") as app:
        await app.setup()
        # The host that answered is asked first from now on.
        async with asyncio.timeout(2):
            await asyncio.gather(*(app.get_queue_stats() for _ in range(5)))


@pytest.mark.parametrize(
    "url, hosts",
    [
        ("postgresql://u:p@one/db", []),
        ("postgresql://u:p@one:5433,two,[::1]:7/db", [("one", 5433), ("two", 5432), ("::1", 7)]),
        ("postgresql://u@/db?host=one,two&port=5433", [("one", 5433), ("two", 5433)]),
        ("postgresql:///db?host=/run/a,two&port=1,2", [("/run/a", 1), ("two", 2)]),
    ],
)
def test_hosts_are_told_with_their_ports(url: str, hosts: list[tuple[str, int]]) -> None:
    assert hosts_of(url) == hosts


async def _until(connection: asyncpg.Connection[asyncpg.Record], question: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await connection.fetchval(question):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


async def _holder(connection: asyncpg.Connection[asyncpg.Record], worker_id: str) -> int | None:
    """The server session that holds the worker's lock."""
    return await connection.fetchval(  # type: ignore[no-any-return]
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND (classid::bigint << 32) | objid::bigint = $1",
        lock_key(worker_id),
    )
