"""Random lives of jobs on each store, and failures in the midst of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from soniq.backends.base import Contended, Unavailable
from tests.backends.lifecycle_aside import LifecycleAndMore
from tests.backends.lifecycle_machine import Call, Fault
from tests.backends.stores import MemoryStore, PostgresStore, SQLiteStore, Store
from tests.faults.file import fused
from tests.faults.fuse import Fuse
from tests.faults.wire import wire_to

SHORT: Final = {"memory": (100, 50), "sqlite": (15, 40), "postgres": (6, 30)}
LONG: Final = {"memory": (1000, 80), "sqlite": (150, 60), "postgres": (40, 50)}
"""Examples, and steps of each."""


class OnMemory(LifecycleAndMore):
    claims_at_once = True


class OnDatabase(LifecycleAndMore):
    """Statements fail, and calls are repeated as loops repeat them."""

    fuse: Fuse

    async def break_call(self, fault: Fault | None, call: Call, again: Call) -> tuple[Any, bool]:
        if fault is not None:
            self.fuse.set(fault.at, fault.moment)
        try:
            return await self._insisted(call, again)
        finally:
            self.fuse.remove()

    async def _insisted(self, call: Call, again: Call) -> tuple[Any, bool]:
        disturbed = False
        while True:
            try:
                return await call(), disturbed
            except (Unavailable, Contended):
                call, disturbed = again, True


async def emptied(url: str) -> None:
    """Forget what the example before has stored."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables"
            " WHERE tablename LIKE 'soniq\\_%' AND tablename <> 'soniq_migrations'"
        )
        for table in tables:
            await connection.execute(f"TRUNCATE {table['tablename']} CASCADE")
    finally:
        await connection.close()


@pytest.mark.timeout(180)
def test_random_lives_of_jobs(
    unopened_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(unopened_store, tmp_path, monkeypatch, *SHORT[unopened_store.name])


@pytest.mark.long
@pytest.mark.timeout(600)
def test_many_random_lives_of_jobs(
    unopened_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(unopened_store, tmp_path, monkeypatch, *LONG[unopened_store.name])


def play(
    unopened: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, examples: int, steps: int
) -> None:
    """Let the machine run on new stores of this kind, one an example."""
    fuse = Fuse()
    match unopened:
        case PostgresStore(url=url):
            machine = _on_database(fuse, lambda: _on_postgres(url, fuse))
        case SQLiteStore():
            fused(monkeypatch, fuse)
            numbers = count()
            machine = _on_database(fuse, lambda: _on_sqlite(_new_folder(folder, numbers)))
        case _:
            machine = type("Machine", (OnMemory,), {"new_store": staticmethod(_in_memory)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


NewStore = Callable[[], Coroutine[Any, Any, tuple[Store, AsyncExitStack]]]


def _on_database(fuse: Fuse, new_store: NewStore) -> type[OnDatabase]:
    return type("Machine", (OnDatabase,), {"new_store": staticmethod(new_store), "fuse": fuse})


async def _on_postgres(url: str, fuse: Fuse) -> tuple[Store, AsyncExitStack]:
    await emptied(url)
    stack = AsyncExitStack()
    return PostgresStore(await stack.enter_async_context(wire_to(url, fuse))), stack


def _new_folder(parent: Path, numbers: Iterator[int]) -> Path:
    folder = parent / str(next(numbers))
    folder.mkdir()
    return folder


async def _on_sqlite(folder: Path) -> tuple[Store, AsyncExitStack]:
    return SQLiteStore(folder), AsyncExitStack()


async def _in_memory() -> tuple[Store, AsyncExitStack]:
    return MemoryStore(), AsyncExitStack()
