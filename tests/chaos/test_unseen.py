"""Failures that nobody notices are told to whom they concern."""

from __future__ import annotations

import asyncio

from tests.chaos.unseen import errors_of_loops, unseen


def tell(message: str) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": message})


async def test_each_of_two_plays_hears_of_its_own_failures() -> None:
    async def played(name: str, both_are_open: asyncio.Barrier) -> list[str]:
        told: list[str] = []
        with errors_of_loops(told):
            async with both_are_open:
                tell(f"failure in {name}")
            async with both_are_open:
                return unseen(told, [])

    barrier = asyncio.Barrier(2)
    one, other = await asyncio.gather(played("a", barrier), played("b", barrier))
    assert (one, other) == (["failure in a"], ["failure in b"])


async def test_what_workers_have_logged_is_heard_and_what_the_driver_tells_itself_is_not() -> None:
    logged = {"logger": "asyncio", "level": "ERROR", "message": "failure there"}
    told: list[str] = []
    with errors_of_loops(told):
        tell("unexpected connection_lost() call")
    assert unseen(told, [logged, {**logged, "level": "INFO"}]) == ["failure there"]
