"""Workers are told to go."""

from __future__ import annotations

import signal
import time

from tests.chaos.history import Kind
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.pauses import assert_nothing_ran_twice
from tests.chaos.stage import Stage

RUNNING = 200


@scenario(
    "drain",
    fault="SIGTERM with running jobs, workers replaced one by one",
    goal="each exits with 0, nothing runs twice",
    sizes=Sizes(short=1, long=2, full=5),
)
async def drain(stage: Stage, times: int) -> None:
    await stage.workers(2)
    async with stage.load():
        for _ in range(times):
            oldest = stage.fleet.alive[0]
            await stage.busy(oldest, 2)
            stage.fleet.signal(oldest, signal.SIGTERM)
            await stage.workers(1)
            assert await stage.fleet.ended(oldest, within=60) == 0
    await stage.settle()
    assert_nothing_ran_twice(stage)
    assert not any(row["crashes"] for row in stage.facts.jobs)


@scenario(
    "deadline",
    fault=f"SIGTERM with {RUNNING} running async jobs, `shutdown_timeout=5`",
    goal="exits ≤ 6 s, unfinished jobs free at once, no attempt spent",
    sizes=Sizes(short=1, long=5, full=5),
)
async def deadline(stage: Stage, seconds: int) -> None:
    gate = stage.folder / "gate"
    args = [{"key": f"held-{n}", "gate": str(gate)} for n in range(RUNNING)]
    for stored, arg in zip(await stage.app.enqueue_many("chaos.hold", args), args, strict=True):
        stage.history.note(Kind.ACCEPTED, job=stored, key=arg["key"])
    (worker,) = await stage.workers(
        1, "--concurrency", str(RUNNING), shutdown_timeout=seconds, heartbeat_interval=1
    )
    await stage.busy(worker, RUNNING)
    told = time.monotonic()
    stage.fleet.signal(worker, signal.SIGTERM)
    assert await stage.fleet.ended(worker, within=seconds + 30) == 0
    took = time.monotonic() - told
    assert took >= seconds
    stage.aim("exit", took, goal=seconds + 1)
    for job in await stage.app.list_jobs(limit=RUNNING):
        assert (job["status"], job["attempts"], job["crashes"]) == ("queued", 0, 0)
    gate.touch()
    await stage.workers(1, "--concurrency", "20")
    await stage.settle()
