"""Which of the workers leads: the maintenance, and the scheduler beside it, each by a lease."""

from __future__ import annotations

import subprocess
from typing import Final

from tests.chaos.facts import tables
from tests.chaos.stage import Breach, Stage, until

LEASES: Final = ("maintenance", "scheduler")


async def leader_of(stage: Stage, lease: str) -> subprocess.Popen[bytes]:
    """Wait until one of the living holds a lease; which it is."""
    found: list[subprocess.Popen[bytes]] = []

    async def held() -> bool:
        pid = (await _holders(stage)).get(lease)
        found[:] = [process for process in stage.fleet.alive if process.pid == pid]
        return bool(found)

    await until(held, f"leader of the {lease} among the living", patience=30)
    return found[0]


async def kill_leader(stage: Stage, lease: str, process: subprocess.Popen[bytes]) -> None:
    """Kill it, and see that it did hold the lease.

    Raises:
        Breach: somebody else had it.
    """
    stage.fleet.kill(process)
    # It runs out by itself seconds later at the earliest: a leader renews it long before.
    if (await _holders(stage)).get(lease) != process.pid:
        raise Breach(f"the killed worker {process.pid} did not hold the lease {lease}")


async def _holders(stage: Stage) -> dict[str, int]:
    """The process that holds each lease."""
    backend = stage.app.backend
    assert backend is not None
    found = await tables(stage.url)
    pids = {worker["id"]: worker["pid"] for worker in found["workers"]}
    pids |= {scheduler.id: scheduler.pid for scheduler in await backend.schedules.running()}
    return {row["name"]: pids[row["holder"]] for row in found["leases"] if row["holder"] in pids}
