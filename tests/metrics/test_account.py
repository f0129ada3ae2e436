"""Syncing: nothing lost and nothing counted twice, whatever becomes of the answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soniq.backends.base import Unavailable
from soniq.backends.memory import MemoryBackend
from soniq.backends.metric_points import MetricStore, MetricSync, SyncAnswer
from soniq.plugins.metrics import account as accounts
from soniq.plugins.metrics.account import Account
from soniq.plugins.metrics.keys import Dropped, KeyBook, Kind
from soniq.plugins.metrics.metric import read_metrics
from soniq.plugins.metrics.points import merge_rows
from soniq.plugins.metrics.resolutions import LENGTHS, RESOLUTIONS, keeping
from soniq.plugins.metrics.store_clock import StoreClock
from tests.backends.stores import Clock

KEEP = keeping({each.name: 10**7 for each in RESOLUTIONS}, 10**12)


class Local(StoreClock):
    """The store's clock, always known."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def __call__(self) -> float:
        return self._clock().timestamp()

    def local(self) -> float:
        return self()

    def learn(self, told: float, asked: float) -> None:
        assert told == pytest.approx(self())


class Faulty:
    """A store that is away when told so: before it has stored anything, or after."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self.fault: str | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.syncs: list[MetricSync] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def sync(self, sync: MetricSync) -> SyncAnswer:
        self.syncs.append(sync)
        fault, self.fault = self.fault, None
        if fault == "lost request":
            raise Unavailable("away")
        answer = await self._store.sync(sync)
        if self.meanwhile is not None:
            self.meanwhile()
        if fault == "lost answer":
            raise Unavailable("away")
        return answer


class Bench:
    """An account on a store, and a count of what it has recorded."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Faulty(MemoryBackend(self.clock).metric_points)
        self.expected = 0
        self.account = self.new_account()

    def new_account(self) -> Account:
        dropped = Dropped()
        return Account("worker", Local(self.clock), KeyBook(dropped), dropped, KEEP)

    def record(self, number: int = 1) -> None:
        for _ in range(number):
            self.account.recorder.take(Kind.COUNTER, "c", 1)
            self.account.recorder.take(Kind.HISTOGRAM, "h", 1.5)
        self.expected += number

    async def sync(self, *, ends: bool = False) -> None:
        with suppress(Unavailable):
            await self.account.sync(self.store, ends=ends)

    async def totals(self) -> set[int]:
        """What the points of each series in each resolution add up to."""
        now = self.clock().timestamp()
        metrics = read_metrics(await self.store.read(), "", now)
        counters, histograms = metrics["c"].values, metrics["h"].values
        return {
            *(sum(value for _, value in points) for points in counters.values()),
            *(sum(value["count"] for _, value in points) for points in histograms.values()),
        }


async def test_a_sync_writes_only_what_has_changed() -> None:
    bench = Bench()
    for each in range(20):
        bench.account.recorder.take(Kind.COUNTER, f"k:{each}", 1)
    await bench.sync()
    assert sum(len(chunk.points) for chunk in bench.store.syncs[-1].chunks) == 80
    bench.account.recorder.take(Kind.COUNTER, "k:3", 1)
    await bench.sync()
    assert {chunk.key for chunk in bench.store.syncs[-1].chunks} == {"k:3"}
    assert sum(len(chunk.points) for chunk in bench.store.syncs[-1].chunks) == 4
    await bench.sync()
    assert list(bench.store.syncs[-1].chunks) == []


async def test_observations_made_during_a_sync_are_kept() -> None:
    bench = Bench()
    bench.record(3)
    bench.store.meanwhile = lambda: bench.record(2)
    await bench.sync()
    bench.store.meanwhile = None
    assert await bench.totals() == {3}
    await bench.sync()
    assert await bench.totals() == {5}


@pytest.mark.parametrize("fault", ["lost request", "lost answer"])
async def test_a_sync_that_fails_is_repeated_as_it_was(fault: str) -> None:
    bench = Bench()
    bench.record(3)
    bench.store.fault = fault
    await bench.sync()
    bench.record(4)
    bench.clock.advance(30)
    await bench.sync()
    first, again, then = bench.store.syncs
    assert first == again
    assert then.number == first.number + 1
    assert await bench.totals() == {7}


@pytest.mark.parametrize("fault", [None, "lost request", "lost answer"])
async def test_one_that_slept_goes_on_with_what_was_not_stored(fault: str | None) -> None:
    bench = Bench()
    bench.record(3)
    await bench.sync()
    bench.record(2)
    bench.store.fault = fault
    if fault:
        await bench.sync()
    bench.clock.advance(500)
    assert await bench.store.end_silent(60) == 1
    await bench.store.merge(merge_rows, 1000)
    bench.record(1)
    await bench.sync()
    assert await bench.totals() == {6}
    assert len({sync.session for sync in bench.store.syncs}) == 2


async def test_one_cut_off_until_its_session_is_forgotten_counts_nothing_twice() -> None:
    bench = Bench()
    for _ in range(3):
        bench.record(3)
        await bench.sync()
    bench.record(2)
    bench.clock.advance(25 * 3600)
    assert await bench.store.end_silent(60) == 1
    while await bench.store.merge(merge_rows, 1000):
        pass
    await bench.store.expire(1000, LENGTHS)
    await bench.sync()
    assert await bench.totals() == {11}


async def test_the_last_sync_of_one_that_was_ended_is_not_lost() -> None:
    bench = Bench()
    bench.record(3)
    await bench.sync()
    bench.clock.advance(500)
    await bench.store.end_silent(60)
    bench.record(2)
    await bench.sync(ends=True)
    assert bench.account.is_closed
    await bench.store.merge(merge_rows, 1000)
    assert await bench.totals() == {5}


async def test_a_clock_that_goes_back_counts_nothing_twice() -> None:
    bench = Bench()
    for advance in (0, 1000, -1000, 400, -400, 600):
        bench.clock.advance(advance)
        bench.record(3)
        await bench.sync()
    await bench.sync(ends=True)
    bench.clock.advance(1000)
    await bench.store.end_silent(60)
    while await bench.store.merge(merge_rows, 10):
        assert await bench.totals() == {18}
    assert await bench.totals() == {18}


async def test_a_process_that_records_nothing_stores_nothing() -> None:
    bench = Bench()
    dropped = Dropped()
    bench.account = Account(None, Local(bench.clock), KeyBook(dropped), dropped, KEEP)
    await bench.sync()
    await bench.sync(ends=True)
    assert bench.store.syncs == []


async def test_what_waits_for_a_store_that_is_away_is_bounded() -> None:
    bench = Bench()
    dropped = Dropped()
    keep = keeping(None, 10**9)
    bench.account = Account("worker", Local(bench.clock), KeyBook(dropped), dropped, keep)
    for _ in range(300):
        bench.record()
        bench.clock.advance(60)
        bench.store.fault = "lost request"
        await bench.sync()
    await bench.sync()
    assert sum(len(chunk.points) for chunk in bench.store.syncs[-1].chunks) < 300
    metrics = read_metrics(await bench.store.read(), "", bench.clock().timestamp())
    assert sum(value for _, value in metrics["c"].values_1day) == 300


async def test_keys_that_come_and_go_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST_HELD", 100)
    bench = Bench()
    for each in range(60):
        bench.record()
        bench.account.recorder.take(Kind.COUNTER, f"order:{each}", 1)
        await bench.sync()
    # What a session holds is what it has stored of buckets that may get more.
    held = Counter(sync.session for sync in bench.store.syncs)
    assert max(held.values()) < 30
    assert len(held) > 1
    while await bench.store.merge(merge_rows, 1000):
        pass
    assert await bench.totals() == {60}
    ended = [sync for sync in bench.store.syncs if sync.ends]
    assert len(ended) == len(held) - 1
    assert not bench.account.is_closed


_FAULTS = ("lost request", "lost answer")
_JUMPS = {"minute": 60, "quarter": 900, "hour": 3600, "back": -60, "far back": -1020}
_STEPS = ("record", "sync", "silence", "merge", "part", *_FAULTS, *_JUMPS)
_STEP = st.sampled_from(("record", "record", "sync", "sync", *_STEPS))


@given(st.lists(_STEP, max_size=40), st.sampled_from([accounts.MOST_HELD, 10]))
@settings(max_examples=150)
def test_whatever_happens_every_observation_counts_once(steps: list[str], most_held: int) -> None:
    with patch.object(accounts, "MOST_HELD", most_held):
        asyncio.run(_play(steps))


async def _play(steps: list[str]) -> None:
    bench = Bench()
    bench.record()
    for step in steps:
        await _take(step, bench)
    bench.store.fault = None
    await bench.sync()
    assert await bench.totals() == {bench.expected}
    await bench.sync(ends=True)
    bench.clock.advance(500)
    while await bench.store.merge(merge_rows, 7):
        pass
    assert await bench.totals() == {bench.expected}


async def _take(step: str, bench: Bench) -> None:
    bench.clock.advance(_JUMPS.get(step, 0))
    if step == "record":
        bench.record()
    elif step in ("sync", *_FAULTS):
        bench.store.fault = step if step in _FAULTS else None
        await bench.sync()
    elif step == "silence":
        await bench.store.end_silent(-10_000)
    elif step == "merge":
        await bench.store.merge(merge_rows, 3)
    elif step == "part":
        await bench.sync(ends=True)
        if bench.account.is_closed:
            bench.account = bench.new_account()
