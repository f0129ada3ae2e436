"""Workers are killed: what they ran runs again elsewhere, soon, and nothing is lost."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.figures import recoveries, spread
from tests.chaos.history import Kind
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.leaders import LEASES, kill_leader, leader_of
from tests.chaos.stage import Stage

MANY_CRASHES = 100
"""Where the harness kills the worker of one job again and again, nobody can tell it from poison."""


@scenario(
    "kill-one",
    fault="SIGKILL of the worker that leads the maintenance or the schedules, all defaults",
    goal="its jobs run again: p95 ≤ 10 s, max ≤ 15 s",
    sizes=Sizes(short=1, long=3, full=10),
)
async def kill_one(stage: Stage, kills: int) -> None:
    await kill_in_turn(stage, kills, workers=3)
    assert_notice(stage, p95=10.0)
    assert_recovery(stage, p95=10.0, longest=15.0)


@scenario(
    "kill-one-quick",
    fault="the same with `heartbeat_interval=1`",
    goal="its jobs run again: p95 ≤ 3 s",
    sizes=Sizes(short=1, long=3, full=10),
)
async def kill_one_quick(stage: Stage, kills: int) -> None:
    await kill_in_turn(stage, kills, workers=2 if kills == 1 else 3, heartbeat_interval=1)
    assert_notice(stage, p95=3.0)
    assert_recovery(stage, p95=3.0, longest=15.0)


@asynccontextmanager
async def on_a_file(_url: str, folder: Path) -> AsyncIterator[Stage]:
    """A stage on a SQLite file."""
    async with Stage.open(f"sqlite:///{folder / 'jobs.db'}", folder) as stage:
        yield stage


@scenario(
    "kill-one-sqlite",
    fault="SIGKILL of a worker on a SQLite file, others alive, all defaults",
    goal="its jobs run again: p95 ≤ 10 s, max ≤ 15 s",
    sizes=Sizes(short=1, long=2, full=4),
    place=on_a_file,
)
async def kill_one_sqlite(stage: Stage, kills: int) -> None:
    await kill_in_turn(stage, kills, workers=3)
    assert_notice(stage, p95=10.0)
    assert_recovery(stage, p95=10.0, longest=15.0)


@scenario(
    "kill-all",
    fault="SIGKILL of all workers, one started later",
    goal="all resume ≤ 15 s after its start",
    sizes=Sizes(short=1, long=2, full=3),
)
async def kill_all(stage: Stage, times: int) -> None:
    """One process takes what all of them held, one job after another: few of them are long."""
    heartbeat = 0.5 if times == 1 else 5
    await stage.workers(2, heartbeat_interval=heartbeat)
    async with stage.load(rate=10) as load:
        for _ in range(times):
            both = stage.fleet.alive
            await stage.occupied(load, *both)
            for process in both:
                stage.fleet.kill(process)
            await load.grown(10)
            await stage.workers(1, heartbeat_interval=heartbeat)
            await _run_again(stage)
            await stage.workers(1, heartbeat_interval=heartbeat)
            await _nothing_suspect(stage, *both)
    await stage.settle()
    found = spread(recoveries(stage.facts.events, since_start=True))
    assert found is not None
    stage.aim("all run again after the start", found.max, goal=15.0)


@scenario(
    "kill-repeatedly",
    fault="SIGKILL of workers again and again, faster than they recover",
    goal="0 lost",
    sizes=Sizes(short=2, long=6, full=15),
)
async def kill_repeatedly(stage: Stage, kills: int) -> None:
    settings: dict[str, Any] = {"heartbeat_interval": 0.5, "max_crashes": MANY_CRASHES}
    await stage.workers(2, **settings)
    async with stage.load(rate=10) as load:
        for _ in range(kills):
            oldest = stage.fleet.alive[0]
            await stage.occupied(load, oldest)
            stage.fleet.kill(oldest)
            await stage.workers(1, **settings)
    # All that was ever killed takes its turn, one job after another in each process.
    await stage.settle(max_crashes=MANY_CRASHES, within=240)


def assert_notice(stage: Stage, *, p95: float) -> None:
    """What was killed was queued again within so many seconds; where clocks are right."""
    noticed = spread(_noticed_after(stage))
    assert noticed is not None
    stage.aim("p95 until queued again", noticed.p95, goal=p95)


async def kill_in_turn(
    stage: Stage,
    kills: int,
    *,
    workers: int = 2,
    leader: bool = True,
    ticks: int = 0,
    variables: Sequence[Mapping[str, str]] = ({},),
    **settings: Any,
) -> None:
    """Kill one of several workers each time, and start another.

    Args:
        workers: how many there are at a time.
        leader: kill the one that leads the maintenance, and the scheduler's leader the next time;
            otherwise the youngest.
        ticks: how often the schedule must fire before each kill, and at the end.
        variables: for the environments of the workers in turn.
        settings: of the workers.
    """
    environments = itertools.cycle(variables)
    first = [stage.fleet.worker(variables=next(environments), **settings) for _ in range(workers)]
    await stage.working(first)
    async with stage.load(rate=20) as load:
        for lease in itertools.islice(itertools.cycle(LEASES), kills):
            await _ticked(stage, ticks)
            victim = await leader_of(stage, lease) if leader else stage.fleet.alive[-1]
            await stage.occupied(load, victim)
            if leader:
                await kill_leader(stage, lease, victim)
            else:
                stage.fleet.kill(victim)
            await stage.workers(1, variables=next(environments), **settings)
            await _run_again(stage)
            await _nothing_suspect(stage, victim)
        await _ticked(stage, ticks)
    await stage.settle()
    if leader:
        stage.measured["leaders killed"] = kills


async def _ticked(stage: Stage, times: int) -> None:
    """Wait until the schedule has fired so many times more."""
    goal = len(stage.history.of(Kind.START, name="chaos.tick")) + times
    await stage.history.until(
        lambda: len(stage.history.of(Kind.START, name="chaos.tick")) >= goal, f"{times} ticks"
    )


async def _run_again(stage: Stage) -> None:
    """Wait until whatever the killed were running has begun again."""

    def all_again() -> bool:
        events = stage.history.events()
        return len(recoveries(events)) >= sum(
            len(_held(stage, kill["target"])) for kill in stage.history.of(Kind.KILLED)
        )

    await stage.history.until(all_again, "another run of all that was killed")


async def _nothing_suspect(stage: Stage, *killed: subprocess.Popen[bytes]) -> None:
    """Wait until what they held has ended, so that no job is killed again and again."""
    held = {job for process in killed for job in _held(stage, process.pid)}

    def ended() -> bool:
        return held <= {event.job for event in stage.history.of(Kind.EFFECT)}

    await stage.history.until(ended, "the end of all that was killed")


def _held(stage: Stage, pid: int) -> set[str | None]:
    """The jobs that a killed process was running."""
    over = {event["run"] for event in stage.history.of(Kind.END, pid=pid)}
    return {e.job for e in stage.history.of(Kind.START, pid=pid) if e["run"] not in over}


def assert_recovery(stage: Stage, *, p95: float, longest: float) -> None:
    """What was killed ran again within so many seconds."""
    assert stage.figures is not None
    found = stage.figures.recovery
    assert found is not None
    stage.aim("p95 until run again", found.p95, goal=p95, told=False)
    stage.aim("longest until run again", found.max, goal=longest, told=False)


def _noticed_after(stage: Stage) -> list[float]:
    """Seconds from each kill to the moment another worker declared the killed one dead.

    What was running is queued again in the next instant; it runs again when those of its fellows
    that were ahead of it have ended, for each process takes one of them at a time.
    """
    workers = {e["worker"]: e.pid for e in stage.history.of(Kind.START)}
    killed = {e["target"]: e.wall for e in stage.history.of(Kind.KILLED)}
    return [
        datetime.fromisoformat(record["timestamp"]).timestamp() - killed[workers[worker]]
        for record in stage.logged("workers_recovered")
        if (worker := record.get("worker_id")) in workers and workers[worker] in killed
    ]
