"""One holder at a time, by the store's clock."""

from __future__ import annotations

import asyncio

import pytest

from soniq.backends.base import Backend
from tests.backends.stores import Store


async def test_a_free_lease_is_taken_and_kept_from_others(backend: Backend) -> None:
    assert await backend.lease("pruning", "one", 10)

    assert not await backend.lease("pruning", "two", 10)
    assert await backend.lease("pruning", "one", 10)


async def test_leases_of_other_names_are_independent(backend: Backend) -> None:
    assert await backend.lease("pruning", "one", 10)
    assert await backend.lease("scheduler", "two", 10)


async def test_renewing_makes_it_last(store: Store) -> None:
    assert await store.backend.lease("pruning", "one", 10)
    await store.pass_time(7)
    assert await store.backend.lease("pruning", "one", 10)
    await store.pass_time(7)

    assert not await store.backend.lease("pruning", "two", 10)


async def test_an_expired_lease_goes_to_the_next(store: Store) -> None:
    assert await store.backend.lease("pruning", "one", 10)
    await store.pass_time(11)

    assert await store.backend.lease("pruning", "two", 10)
    assert not await store.backend.lease("pruning", "one", 10)


async def test_an_expired_lease_nobody_took_can_be_renewed(store: Store) -> None:
    assert await store.backend.lease("pruning", "one", 10)
    await store.pass_time(11)

    assert await store.backend.lease("pruning", "one", 10)
    assert not await store.backend.lease("pruning", "two", 10)


async def test_a_resigned_lease_is_free_at_once(backend: Backend) -> None:
    assert await backend.lease("pruning", "one", 10)
    await backend.resign("pruning", "one")

    assert await backend.lease("pruning", "two", 10)


async def test_only_the_holder_can_resign(backend: Backend) -> None:
    assert await backend.lease("pruning", "one", 10)
    await backend.resign("pruning", "two")
    await backend.resign("nobody took it", "two")

    assert not await backend.lease("pruning", "two", 10)


@pytest.mark.parametrize("before", ["never held", "expired", "resigned"])
async def test_of_many_that_ask_at_once_one_gets_it(store: Store, before: str) -> None:
    backends = [store.backend, await store.open()]
    if before != "never held":
        assert await store.backend.lease("pruning", "former", 10)
    if before == "expired":
        await store.pass_time(11)
    if before == "resigned":
        await store.backend.resign("pruning", "former")

    answers = await asyncio.gather(
        *(backends[n % 2].lease("pruning", f"holder{n}", 10) for n in range(10))
    )

    assert sum(answers) == 1
