"""Answers that are kept for a while."""

from __future__ import annotations

import asyncio

import pytest

from soniq.dashboard.memo import Memo

PATIENCE = 15.0


class Maker:
    """Makes the numbers from 1, in so many seconds of a clock of its own."""

    def __init__(self, cost: float = 1.0) -> None:
        self.now = 0.0
        self.made = 0
        self._cost = cost

    async def make(self) -> int:
        self.made += 1
        made = self.made
        self.now += self._cost
        await asyncio.sleep(0)
        return made


def keeping(maker: Maker) -> Memo:
    memo = Memo(lambda: maker.now)
    memo.keeps = True
    return memo


async def test_where_there_is_little_nothing_is_kept() -> None:
    maker = Maker()
    memo = Memo(lambda: maker.now)
    assert [await memo.recall("a", maker.make) for _ in range(3)] == [1, 2, 3]


async def test_what_was_dear_is_kept() -> None:
    maker = Maker(0.01)
    memo = keeping(maker)
    assert [await memo.recall("a", maker.make) for _ in range(3)] == [1, 1, 1]
    assert await memo.recall("b", maker.make) == 2
    maker.now += 2.1
    assert await memo.recall("a", maker.make) == 3


async def test_nothing_is_kept_for_long() -> None:
    maker = Maker(1000.0)
    memo = keeping(maker)
    await memo.recall("a", maker.make)
    maker.now += 31
    assert await memo.recall("a", maker.make) == 2


async def test_what_many_ask_for_is_made_once() -> None:
    maker = Maker()
    memo = keeping(maker)
    assert await asyncio.gather(*(memo.recall("a", maker.make) for _ in range(5))) == [1] * 5


async def test_who_asked_first_may_go() -> None:
    maker = Maker()
    memo = keeping(maker)
    first = asyncio.create_task(memo.recall("a", maker.make))
    second = asyncio.create_task(memo.recall("a", maker.make))
    await asyncio.sleep(0)
    first.cancel()
    async with asyncio.timeout(PATIENCE):
        assert await second == 1


async def test_a_change_makes_answers_afresh() -> None:
    maker = Maker()
    memo = keeping(maker)
    await memo.recall("a", maker.make)
    under_way = asyncio.create_task(memo.recall("b", maker.make))
    await asyncio.sleep(0)
    memo.forget()
    assert await under_way == 2
    assert await memo.recall("a", maker.make) == 3
    assert await memo.recall("b", maker.make) == 4


async def test_what_fails_is_not_kept() -> None:
    maker = Maker()
    memo = keeping(maker)

    async def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await memo.recall("a", fail)
    assert await memo.recall("a", maker.make) == 1
