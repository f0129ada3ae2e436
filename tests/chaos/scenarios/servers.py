"""The database server loses sessions, restarts, crashes and is replaced."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import time
from collections.abc import Sequence
from typing import Final

from tests.chaos.facts import tables
from tests.chaos.history import Kind
from tests.chaos.load import Load, client
from tests.chaos.places import (
    ClusterStage,
    ProxyStage,
    ServerStage,
    behind_a_proxy,
    on_a_cluster,
    on_a_cluster_behind_proxies,
    own_server,
)
from tests.chaos.rates import effects, full_rate_after, rate, resumed_after
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.backlog import rate_in, saturated
from tests.chaos.stage import Breach, Stage, until
from tests.postgres_server import StopMode

RATE: Final = 60.0
SLOTS: Final = "16"
"""Of each worker: eight jobs of five seconds run at any time under a load of `RATE`."""
DATABASE_TIMEOUT: Final = 10.0
"""Seconds an enqueue waits for a database that is away, by default."""


async def working_pair(stage: ServerStage) -> None:
    """Two workers that hardly ever lack a slot."""
    await stage.workers(2, "--concurrency", SLOTS)


async def undisturbed(stage: ServerStage, load: Load, seconds: float) -> float:
    """Let the load run in peace for a while; effects a second."""
    await load.grown(round(RATE))
    began = time.monotonic()
    await asyncio.sleep(seconds)
    return rate(effects(stage.history.events()), began, began + seconds)


def assert_taken_for_away(stage: ServerStage) -> None:
    """No job was blamed for the database's fault, and no caller shown the driver's error."""
    assert not stage.logged("outcome_degraded")
    for event in stage.history.of(Kind.RAISED):
        # In a transaction of the caller's own the error is the driver's.
        in_transaction = event["key"].startswith("committed")
        assert in_transaction or "could not be reached within" in event["error"], event


async def in_peace(stage: Stage, seconds: float) -> float:
    """Jobs a second of busy workers that nobody disturbs, once they are at full speed."""
    seconds = min(seconds, 10)
    await asyncio.sleep(stage.long_seconds)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    return rate_in(stage, began, began + seconds)


def aim_at_share(stage: Stage, during: float, in_peace: Sequence[float]) -> None:
    """Compare the rate under a fault with the undisturbed one, as `Stage.aim` does seconds.

    Args:
        in_peace: what was measured before, and after: the machine is busy with other things, too.
    """
    before = sum(in_peace) / len(in_peace)
    share = during / before
    stage.measured["jobs/s undisturbed"] = before
    stage.measured["jobs/s meanwhile"] = during
    stage.measured["share of the rate (%)"] = 100 * share
    if share < 0.5:
        raise Breach(f"only {share:.0%} of the undisturbed rate, the goal is 90 %")
    if share < 0.9:
        stage.missed.append(f"{share:.0%} of the undisturbed rate instead of 90 %")


@scenario(
    "terminate",
    fault="`pg_terminate_backend` of one of Soniq's sessions, five times a second",
    goal="0 lost, ≥ 90 % of the undisturbed rate",
    sizes=Sizes(short=2, long=15, full=60),
    place=own_server,
)
async def terminate(stage: ServerStage, seconds: int) -> None:
    async with saturated(stage):
        ended = 0
        before = await in_peace(stage, seconds)
        began = time.monotonic()
        async with stage.fault("terminate"):
            while time.monotonic() < began + seconds:
                due = 5 * (time.monotonic() - began) - ended
                ended += await stage.terminate(max(1, round(due)))
                await asyncio.sleep(0.2)
        during = rate_in(stage, began, began + seconds)
        after = await in_peace(stage, seconds)
    await stage.settle()
    assert_taken_for_away(stage)
    stage.measured["sessions ended"] = ended
    aim_at_share(stage, during, [before, after])


@scenario(
    "restarts",
    fault="Postgres restarted every 5-20 s, fast and immediate in turn",
    goal="0 lost, full rate ≤ 5 s after it accepts connections",
    sizes=Sizes(short=6, long=30, full=300),
    place=own_server,
    minutes=8,
)
async def restarts(stage: ServerStage, seconds: int) -> None:
    """The short one restarts twice."""
    await working_pair(stage)
    accepted_at: list[float] = []
    modes: list[StopMode] = ["immediate", "fast"]
    pauses = random.Random(1)
    async with stage.load(rate=RATE) as load:
        before = await undisturbed(stage, load, 3 if seconds < 20 else 10)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            async with stage.fault("restart", mode=modes[0]):
                await asyncio.to_thread(stage.server.restart, modes[0])
            accepted_at.append(time.monotonic())
            modes.reverse()
            await asyncio.sleep(pauses.uniform(5, 20) if seconds > 20 else 3)
    await stage.settle()
    assert_taken_for_away(stage)
    times = effects(stage.facts.events)
    full = sorted(full_rate_after(times, at, 0.9 * before) for at in accepted_at)
    stage.measured |= {
        "restarts": len(full),
        "full rate after, median (s)": full[len(full) // 2],
    }
    stage.aim("full rate after, max", full[-1], goal=5)


@scenario(
    "postmaster-killed",
    fault="SIGKILL of the postmaster, started again",
    goal="0 lost, full rate ≤ 5 s after it accepts connections",
    sizes=Sizes(short=1, long=1, full=2),
    place=own_server,
)
async def postmaster_killed(stage: ServerStage, times: int) -> None:
    await working_pair(stage)
    accepted_at: list[float] = []
    async with stage.load(rate=RATE) as load:
        before = await undisturbed(stage, load, 3)
        for _ in range(times):
            async with stage.fault("postmaster killed"):
                await stage.kill_server()
                await stage.start_again()
            accepted_at.append(time.monotonic())
            await asyncio.sleep(4)
    await stage.settle()
    found = effects(stage.facts.events)
    longest = max(full_rate_after(found, at, 0.9 * before) for at in accepted_at)
    stage.aim("full rate after, max", longest, goal=5)


@scenario(
    "failover",
    fault="the primary killed, its synchronous standby promoted (URL with both hosts)",
    goal="0 lost, work resumes ≤ 10 s after promotion",
    sizes=Sizes(short=1, long=None, full=3),
    place=on_a_cluster,
)
async def failover(stage: ClusterStage, seconds: int) -> None:
    """Promoted after so many seconds without any server."""
    await _fail_over(stage, seconds)


@scenario(
    "failover-silent",
    fault="the primary's host gone without a word, its synchronous standby promoted",
    goal="0 lost, work resumes ≤ 10 s after promotion",
    sizes=Sizes(short=1, long=1, full=3),
    place=on_a_cluster_behind_proxies,
)
async def failover_silent(stage: ClusterStage, seconds: int) -> None:
    await _fail_over(stage, seconds, silent=True)


async def _fail_over(stage: ClusterStage, seconds: int, *, silent: bool = False) -> None:
    await working_pair(stage)
    # Callers' own connections would wait for the silent host, which says nothing of Soniq's.
    others = {"transactions": None} if silent else {}
    async with stage.load(rate=RATE, **others) as load:
        await load.grown(100)
        async with stage.fault("failover"):
            if silent:
                stage.proxies[0].black_hole()
            else:
                await asyncio.to_thread(stage.cluster.lose_primary)
            await asyncio.sleep(seconds)
            await stage.cluster.promote()
        promoted = time.monotonic()
        await load.grown(100)
        await stage.history.until(
            lambda: resumed_after(stage.history.events(), promoted) < 60, "work to resume"
        )
    if silent:
        # Whoever looks at the tables afterwards should not have to wait for it either.
        stage.proxies[0].refuse()
        stage.proxies[0].reset()
    await stage.settle()
    assert_taken_for_away(stage)
    resumed = resumed_after(stage.facts.events, promoted)
    stage.aim("work resumes after promotion", resumed, goal=10)


@scenario(
    "drain-away",
    fault="SIGTERM of a worker while the database is away",
    goal="exits `database_timeout` after its last run, its jobs run again",
    sizes=Sizes(short=1, long=1, full=5),
    place=own_server,
)
async def drain_away(stage: ServerStage, seconds: int) -> None:
    gate = stage.folder / "gate"
    (worker,) = await stage.workers(1, database_timeout=seconds, heartbeat_interval=1)
    async with stage.load(scheduled=False, rate=0.01) as load:
        for number in range(3):
            await load.enqueue("chaos.hold", f"held-{number}", {"gate": str(gate)})
    await stage.busy(worker, 3)
    async with stage.fault("away"):
        await asyncio.to_thread(stage.server.stop, "immediate")
        gate.touch()
        await stage.history.until(lambda: not stage.runs_of(worker), "the end of its runs")
        told = time.monotonic()
        stage.fleet.signal(worker, signal.SIGTERM)
        assert await stage.fleet.ended(worker, within=seconds + 30) == 0
        took = time.monotonic() - told
        await asyncio.to_thread(stage.server.start)
    assert stage.logged("ends_unstored")
    await until(lambda: _forgotten(stage), "end of its lease, which it could not give back")
    await stage.workers(1)
    await stage.settle()
    stage.aim("exit after", took, goal=seconds + 3)


async def _forgotten(stage: Stage) -> bool:
    """Whether nothing of a scheduler that could not take leave of the store is left."""
    found = await tables(stage.url)
    return not found["leases"] and not found["schedulers"]


@scenario(
    "enqueue-restarts",
    fault="enqueues from 50 producers while the database restarts",
    goal="every call returns a stored id or raises, none stored twice",
    sizes=Sizes(short=2, long=None, full=8),
    place=behind_a_proxy,
)
async def enqueue_restarts(stage: ProxyStage, times: int) -> None:
    """Through a proxy that keeps answers under way for a while, so that some of them are lost."""
    async with client(stage.far_url) as app:
        load = Load(app, stage.history, scheduled=False)
        stage.proxy.latency = 0.005
        stop = asyncio.Event()
        producers = [asyncio.create_task(_produce(load, f"{n}", stop)) for n in range(50)]
        for turn in range(times):
            for _ in range(3):
                await load.grown(200)
                stage.proxy.reset()
            await load.grown(200)
            async with stage.fault("restart"):
                await asyncio.to_thread(stage.server.restart, ("immediate", "fast")[turn % 2])
        await load.grown(200)
        stop.set()
        await asyncio.gather(*producers)
    await stage.workers(2, "--concurrency", "20")
    await stage.settle()
    assert_taken_for_away(stage)
    stage.measured["calls that raised"] = len(stage.history.of(Kind.RAISED))
    stage.aim("longest call", longest_enqueue(stage), goal=DATABASE_TIMEOUT + 1)


async def _produce(load: Load, name: str, stop: asyncio.Event) -> None:
    for number in itertools.count():
        if stop.is_set():
            return
        await load.enqueue("chaos.short", f"{name}-{number}")


def longest_enqueue(stage: ServerStage) -> float:
    """Seconds that the slowest enqueue took to return or raise."""
    asked = {event["key"]: event.at for event in stage.history.of(Kind.ASKED)}
    answers = [*stage.history.of(Kind.ACCEPTED), *stage.history.of(Kind.RAISED)]
    answered = {event["key"]: event.at for event in answers}
    if unanswered := asked.keys() - answered.keys():
        raise Breach(f"{len(unanswered)} enqueues never came back")
    return max(answered[key] - at for key, at in asked.items())
