"""The network loses, delays, resets and forgets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from tests.chaos.history import Kind
from tests.chaos.load import Load
from tests.chaos.places import CableStage, FarStage, ProxyStage, behind_a_proxy, over_a_cable
from tests.chaos.rates import resumed_after
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.pauses import assert_nothing_ran_twice
from tests.chaos.scenarios.servers import (
    DATABASE_TIMEOUT,
    RATE,
    SLOTS,
    assert_taken_for_away,
    longest_enqueue,
)
from tests.chaos.stage import until

HELD = 4


async def far_workers(stage: ProxyStage) -> None:
    """Two workers that reach the database through the proxy only."""
    await stage.workers(2, "--concurrency", SLOTS, database_url=stage.far_url)


def far_load(stage: FarStage, **options: Any) -> AbstractAsyncContextManager[Load]:
    """The steady load by the long way, that of callers with connections of their own, too."""
    options = {"transactions": stage.far_url, "long_seconds": stage.long_seconds, **options}
    return stage.far_load(rate=RATE, **options)


async def resumes(stage: FarStage, since: float) -> float:
    """Wait until a job accepted since then has had its effect; the seconds it took."""

    def found() -> float:
        return resumed_after(stage.history.events(), since)

    await stage.history.until(lambda: found() < 60, "work to resume")
    return found()


@scenario(
    "black-hole",
    fault="every byte between Soniq and the database swallowed, its connections lost for good",
    goal="0 lost, each enqueue answered in time, work resumes ≤ 15 s after",
    sizes=Sizes(short=3, long=10, full=12),
    place=behind_a_proxy,
)
async def black_hole(stage: ProxyStage, seconds: int) -> None:
    await far_workers(stage)
    # Callers' own connections would wait in the hole, which says nothing of Soniq's.
    async with far_load(stage, transactions=None) as load:
        await load.grown(60)
        async with stage.fault("black hole"):
            stage.proxy.black_hole()
            await asyncio.sleep(seconds)
        healed = time.monotonic()
        stage.proxy.heal()
        resumed = await resumes(stage, healed)
        await load.grown(60)
    stage.proxy.bury()
    await stage.settle()
    assert_taken_for_away(stage)
    stage.aim("work resumes after", resumed, goal=15)
    stage.aim("longest call", longest_enqueue(stage), goal=DATABASE_TIMEOUT + 1)


@scenario(
    "half-open",
    fault="half-open connections: only the clients, or only the server, were told of their end",
    goal="0 lost, work resumes ≤ 15 s after each",
    sizes=Sizes(short=1, long=2, full=3),
    place=behind_a_proxy,
)
async def half_open(stage: ProxyStage, times: int) -> None:
    await far_workers(stage)
    resumed = []
    async with far_load(stage) as load:
        for turn in range(times):
            await load.grown(60)
            async with stage.fault("half-open", forgotten=("clients", "server")[turn % 2]):
                (stage.proxy.forget_clients, stage.proxy.forget_server)[turn % 2]()
            resumed.append(await resumes(stage, time.monotonic()))
        await load.grown(60)
    stage.proxy.bury()
    await stage.settle()
    stage.aim("work resumes, max", max(resumed), goal=15)


@scenario(
    "resets",
    fault="all connections reset every second",
    goal="0 lost",
    sizes=Sizes(short=2, long=6, full=10),
    place=behind_a_proxy,
)
async def resets(stage: ProxyStage, times: int) -> None:
    await far_workers(stage)
    async with far_load(stage) as load:
        for _ in range(times):
            await load.grown(20)
            stage.proxy.reset()
            await asyncio.sleep(1)
    await stage.settle()
    assert_taken_for_away(stage)


@scenario(
    "latency",
    fault="100 ms added to each way",
    goal="0 lost, nothing runs twice, no worker declared dead",
    sizes=Sizes(short=2, long=8, full=10),
    place=behind_a_proxy,
)
async def latency(stage: ProxyStage, seconds: int) -> None:
    await far_workers(stage)
    async with far_load(stage) as load:
        await load.grown(60)
        async with stage.fault("latency"):
            stage.proxy.latency = 0.1
            await asyncio.sleep(seconds)
            stage.proxy.latency = 0.0
        await load.grown(60)
    await stage.settle()
    assert_nothing_ran_twice(stage)
    assert not stage.logged("worker_declared_dead")


@scenario(
    "vanished",
    fault="a worker's host vanishes: the cable between two network namespaces is cut, then mended",
    goal="the server notices ≤ 30 s, its jobs run elsewhere, its late writes are refused",
    sizes=Sizes(short=None, long=1, full=1),
    place=over_a_cable,
)
async def vanished(stage: CableStage, _: int) -> None:
    gate = stage.folder / "gate"
    lost = stage.cable.near.start(lambda: stage.fleet.worker(database_url=stage.near_url))
    await stage.working([lost])
    held = await hold(stage, [f"held-{n}" for n in range(HELD)], str(gate))
    await stage.busy(lost, HELD)
    await stage.workers(1)
    async with stage.fault("vanished"):
        stage.cable.cut()
        cut = time.monotonic()
        await until(lambda: _gone(stage), "end of the sessions of the vanished host", patience=60)
        noticed = time.monotonic() - cut

        # One at a time: each is suspected of having ended the worker that vanished.
        def runs_again() -> bool:
            starts = stage.history.of(Kind.START, name="chaos.hold")
            return any(event.job in held for event in starts if event.pid != lost.pid)

        await stage.history.until(runs_again, "another run of what the vanished host held")
        again = time.monotonic() - cut
        # Both runs of each end, and only one may be stored.
        gate.touch()
        await stage.history.until(lambda: not stage.runs_of(lost), "the end of its runs")
        stage.cable.mend()
    await until(lambda: _declared_dead(stage), "news of its death for the worker that was cut off")
    await stage.settle()
    stage.aim("server notices after", noticed, goal=30)
    stage.aim("jobs run again after", again, goal=30)


async def hold(stage: CableStage, keys: Sequence[str], gate: str) -> set[str | None]:
    """Enqueue jobs that run until the gate exists; their ids."""
    ids: set[str | None] = set()
    async with stage.load(rate=0.01, scheduled=False) as load:
        for key in keys:
            ids.add(await load.enqueue("chaos.hold", key, {"gate": gate}))
    return ids


async def _gone(stage: CableStage) -> bool:
    """Whether the server has no session left that came through the cable."""
    connection = await asyncpg.connect(stage.url)
    try:
        return not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE client_addr = $1::inet",
            stage.cable.near.address,
        )
    finally:
        await connection.close()


async def _declared_dead(stage: CableStage) -> bool:
    return bool(stage.logged("worker_declared_dead"))
