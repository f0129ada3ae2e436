"""A stream of enqueues keeps its connection, and harms nobody by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from unittest.mock import Mock

import asyncpg
import pytest

from soniq import Soniq, TaskRef
from soniq.backends.base import Unavailable
from soniq.backends.postgres.connection import STATEMENT_TIMEOUT
from soniq.backends.postgres.pool import ConnectionPool, KeptConnection

pytestmark = pytest.mark.postgres

REF = TaskRef("jobs.one")
PRODUCERS = 5
SESSIONS = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"

T = TypeVar("T")


@pytest.fixture
async def app(pg_url: str) -> AsyncIterator[Soniq]:
    """One connection for everything."""
    async with Soniq(pg_url, pool_max_size=1) as app:
        await app.setup()
        yield app


async def amid_enqueues(app: Soniq, question: Awaitable[T]) -> tuple[T, int]:
    """The answer to a question that is asked amid a stream; and how many were enqueued by then."""
    done = asyncio.Event()
    flowing = asyncio.Event()

    async def produce() -> int:
        number = 0
        while not done.is_set():
            await app.enqueue(REF)
            number += 1
            if number == 10:
                flowing.set()
        return number

    async with asyncio.timeout(STATEMENT_TIMEOUT / 2), asyncio.TaskGroup() as group:
        producers = [group.create_task(produce()) for _ in range(PRODUCERS)]
        try:
            await flowing.wait()
            answer = await question
        finally:
            done.set()
    return answer, sum(producer.result() for producer in producers)


async def test_who_needs_the_only_connection_gets_it_amid_a_stream(app: Soniq) -> None:
    stats, stored = await amid_enqueues(app, app.get_queue_stats())
    assert PRODUCERS <= stats["queued"] <= stored


async def test_a_stream_outlives_its_session(app: Soniq, pg_url: str) -> None:
    observer = await asyncpg.connect(pg_url)
    try:
        ended, stored = await amid_enqueues(
            app, observer.fetchval(f"SELECT count(pg_terminate_backend(pid)) {SESSIONS}")
        )
    finally:
        await observer.close()
    assert ended >= 1
    assert (await app.get_queue_stats())["queued"] == stored


@pytest.mark.parametrize("has_room", [True, False])
async def test_one_that_is_lost_as_it_is_given_back_is_missed_by_nobody(has_room: bool) -> None:
    @asynccontextmanager
    async def borrow() -> AsyncIterator[Any]:
        yield object()
        raise Unavailable("it was cut off just now")

    pool = Mock(spec=ConnectionPool, has_room=has_room)
    async with KeptConnection(pool, borrow) as kept:
        for _ in range(2):
            async with kept.lent():
                pass


async def test_a_stream_that_has_ended_keeps_nothing(app: Soniq) -> None:
    for _ in range(5):
        await app.enqueue(REF)
    async with asyncio.timeout(STATEMENT_TIMEOUT / 2):
        assert (await app.get_queue_stats())["queued"] == 5
