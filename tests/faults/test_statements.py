"""Whatever statement of an operation fails, what was asked for is done once, and wholly.

Nobody lists the statements: an operation is done again and again, and each time the next one fails,
until it has ended before its turn came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from soniq import Soniq
from tests.backends.stores import PostgresStore, SQLiteStore, Store, settings
from tests.faults.file import fused
from tests.faults.fuse import Fuse, Moment
from tests.faults.operations import OPERATIONS, Operation, Scene
from tests.faults.wire import wire_to

_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
_MOST: Final = 200


@pytest.fixture
def fuse() -> Fuse:
    return Fuse()


@pytest.fixture(params=["sqlite", _POSTGRES])
def url(request: pytest.FixtureRequest) -> str | None:
    """Of the Postgres database, None for a SQLite file."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("pg_url"))


@pytest.fixture
async def scene(
    url: str | None, fuse: Fuse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """A store in which statements fail when the fuse says so."""
    async with AsyncExitStack() as stack:
        if url is None:
            onlooker: Store = await stack.enter_async_context(_opened(SQLiteStore(tmp_path)))
            fused(monkeypatch, fuse)
            store: Store = SQLiteStore(tmp_path)
        else:
            onlooker = await stack.enter_async_context(_opened(PostgresStore(url)))
            store = PostgresStore(await stack.enter_async_context(wire_to(url, fuse)))
        await stack.enter_async_context(_opened(store))
        yield Scene(store, await stack.enter_async_context(_app(store)), onlooker)
        fuse.remove()


@asynccontextmanager
async def _opened(store: Store) -> AsyncIterator[Store]:
    store.backend = await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _app(store: Store) -> AsyncIterator[Soniq]:
    given = settings(enqueue_validation="none", database_timeout=30, error_retry_delay=0.1)
    async with Soniq(backend=await store.open(), **given.model_dump(exclude_unset=True)) as app:
        yield app


@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.value)
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
async def test_each_statement_fails_in_turn(
    scene: Scene, fuse: Fuse, operation: type[Operation], moment: Moment
) -> None:
    assert await failing_in_turn(scene, fuse, operation, moment) >= 1


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.value)
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
async def test_several_statements_fail_from_each_on(
    scene: Scene, fuse: Fuse, operation: type[Operation], moment: Moment
) -> None:
    """What is done about a failure fails too: rolling back, connecting again, repeating."""
    assert await failing_in_turn(scene, fuse, operation, moment, width=3) >= 1


async def failing_in_turn(
    scene: Scene, fuse: Fuse, operation: type[Operation], moment: Moment, width: int = 1
) -> int:
    """How many statements have failed before the operation ended without a failure."""
    for at in count(1):
        assert at < _MOST
        done = operation(scene)
        await done.prepare()
        fuse.set(at, moment, width)
        await done.perform()
        blown = fuse.remove()
        await done.check()
        await done.clean()
        if not blown:
            return at - 1
    raise AssertionError
