"""Workers are killed: what they ran runs again elsewhere, soon, and nothing is lost."""

from __future__ import annotations

from tests.chaos.scenario import Sizes, scenario
from tests.chaos.stage import Stage


@scenario(
    "kill-one",
    fault="SIGKILL of a worker, others alive, all defaults",
    goal="runs again: p95 ≤ 10 s, max ≤ 15 s",
    sizes=Sizes(short=1, long=4, full=20),
)
async def kill_one(stage: Stage, kills: int) -> None:
    """The oldest worker each time, which is the leader of everything that has one."""
    await stage.workers(2)
    async with stage.load() as load:
        for _ in range(kills):
            oldest = stage.fleet.alive[0]
            await stage.busy(oldest, 2)
            stage.fleet.kill(oldest)
            await stage.workers(1)
            await load.grown(100)
    await stage.settle()
