"""Handlers do what handlers must not do."""

from __future__ import annotations

import resource
import subprocess
from typing import Any

import psutil

from tests.chaos.history import Event, Kind
from tests.chaos.load import Load
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.pauses import assert_nothing_ran_twice, silent
from tests.chaos.stage import Stage, until

LONG = 4
MAX_CRASHES = 3
ROOM = 256 << 20
"""Bytes that a worker may take beyond what it has."""

CRASH_GOAL = "it alone is dead-lettered, at its third crash"


@scenario(
    "poison-exit",
    fault="`os._exit` in one job among 500 short and 4 long ones, one worker restarted each time",
    goal=CRASH_GOAL,
    sizes=Sizes(short=50, long=500, full=500),
)
async def poison_exit(stage: Stage, innocents: int) -> None:
    await _poisoned(stage, innocents, "chaos.exit")


@scenario(
    "poison-segfault",
    fault="a segmentation fault in one job, likewise",
    goal=CRASH_GOAL,
    sizes=Sizes(short=20, long=100, full=500),
)
async def poison_segfault(stage: Stage, innocents: int) -> None:
    await _poisoned(stage, innocents, "chaos.segfault")


@scenario(
    "memory",
    fault="a job that takes all memory, under a limit",
    goal="it alone is dead-lettered",
    sizes=Sizes(short=50, long=None, full=500),
)
async def memory(stage: Stage, innocents: int) -> None:
    """The limit makes Python's allocations fail: that is a failure like any other.

    Without the steady load, for a job of it that is refused memory twice is a dead letter, too.
    """
    (worker,) = await stage.workers(1)
    limit = psutil.Process(worker.pid).memory_info().vms + ROOM
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (limit, limit))
    await _only_one_buried(stage, innocents, "chaos.memory", "max_retries_exceeded", steady=False)


@scenario(
    "endless",
    fault="a sync handler that never ends",
    goal="its timeout dead-letters it, the others go on",
    sizes=Sizes(short=50, long=None, full=500),
)
async def endless(stage: Stage, innocents: int) -> None:
    """Nor does its thread keep the worker from leaving."""
    await stage.workers(1)
    await _only_one_buried(stage, innocents, "chaos.endless", "timeout")


@scenario(
    "deaf",
    fault="a handler that swallows CancelledError",
    goal="its timeout dead-letters it, the others go on",
    sizes=Sizes(short=50, long=None, full=500),
)
async def deaf(stage: Stage, innocents: int) -> None:
    await stage.workers(1)
    await _only_one_buried(stage, innocents, "chaos.deaf", "timeout")


@scenario(
    "blocked-loop",
    fault="a handler that blocks its worker's event loop for 30 s",
    goal="its jobs are not run a second time",
    sizes=Sizes(short=2, long=30, full=30),
)
async def blocked_loop(stage: Stage, seconds: int) -> None:
    """It goes on until the other worker has seen its silence, which takes as long as it takes."""
    gate = stage.folder / "gate"
    await stage.workers(2, heartbeat_interval=seconds / 6)
    async with stage.load(rate=20) as load:
        await load.grown(20)
        args = {"seconds": seconds, "gate": str(gate)}
        job = await load.enqueue("chaos.block", "block", args, priority=50)
        blocked = await _started(stage, job)
        async with stage.fault("blocked loop"):
            await silent(stage, _process(stage, blocked), seconds * 0.7)
            gate.touch()
    await stage.settle()
    assert_nothing_ran_twice(stage)


async def _only_one_buried(
    stage: Stage, innocents: int, name: str, reason: str, *, steady: bool = True
) -> None:
    load = stage.load(rate=20)
    poison = await load.enqueue(name, "poison")
    await _innocents(load, innocents)
    if steady:
        async with load:
            await load.grown(40)
            await until(lambda: _buried(stage, poison), "dead letter of the poison")
    await stage.settle(poison={name})
    _assert_buried(stage, poison, reason)


async def _poisoned(stage: Stage, innocents: int, name: str) -> None:
    """One worker at a time; whenever it dies somebody starts it again."""
    settings: dict[str, Any] = {"heartbeat_interval": 0.5 if innocents < 500 else 5}
    load = stage.load(rate=10)
    for number in range(LONG):
        await load.enqueue("chaos.pause", f"long-{number}", {"seconds": stage.long_seconds})
    await _innocents(load, innocents // 2)
    # Ahead of the others, so that the long ones are in its company when it strikes.
    poison = await load.enqueue(name, "poison", priority=90)
    await _innocents(load, innocents - innocents // 2, "more")
    stage.fleet.worker("--concurrency", "8", **settings)

    async def buried() -> bool:
        last = stage.fleet.all[-1]
        if last.poll() is not None:
            await stage.fleet.ended(last, within=1)
            stage.fleet.worker("--concurrency", "8", **settings)
        return await _buried(stage, poison)

    async with load:
        await until(buried, "dead letter of the poison", patience=180)
    await stage.settle(poison={name})
    _assert_buried(stage, poison, "worker_crashed")
    assert stage.facts.dead[0]["crashes"] == MAX_CRASHES
    assert len(stage.history.of(Kind.START, job=poison)) == MAX_CRASHES


async def _buried(stage: Stage, job: str | None) -> bool:
    found = await stage.app.get_job(str(job))
    return found is not None and found["status"] == "dead_letter"


async def _innocents(load: Load, number: int, name: str = "innocent") -> None:
    for n in range(number):
        await load.enqueue("chaos.short", f"{name}-{n}")


async def _started(stage: Stage, job: str | None) -> Event:
    await stage.history.until(lambda: stage.history.of(Kind.START, job=job), f"start of {job}")
    return stage.history.of(Kind.START, job=job)[0]


def _process(stage: Stage, start: Event) -> subprocess.Popen[bytes]:
    return next(process for process in stage.fleet.all if process.pid == start.pid)


def _assert_buried(stage: Stage, job: str | None, reason: str) -> None:
    assert [(row["id"], row["dead_letter_reason"]) for row in stage.facts.dead] == [(job, reason)]
