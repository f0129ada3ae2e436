"""Schedulers are killed as they fire: every due time still gets its job, and one only."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from soniq import Soniq
from tests.postgres_server import PostgresServer
from tests.processes.conftest import Processes, producer, until

SECOND = timedelta(seconds=1)
TAKEOVER = 40.0
"""Seconds: to start an interpreter, and for a lease of ten seconds to run out."""
EVERY_SECOND: dict[str, Any] = {"cron": "* * * * * *", "catch_up": "all", "name": "ticks"}


async def ticks(client: Soniq) -> list[dict[str, Any]]:
    """The jobs so far, by due time."""
    return sorted(await client.list_jobs(limit=5000), key=lambda job: job["scheduled_at"])


async def kill_who_has_fired_twice(
    client: Soniq, running: list[subprocess.Popen[bytes]], processes: Processes
) -> None:
    """Kill the scheduler that leads as soon as two jobs are its own."""
    pids = {process.pid: process for process in running}

    async def one_has() -> bool:
        by_pid = Counter(int(job["producer_id"].split(":")[1]) for job in await ticks(client))
        for pid, fired in by_pid.items():
            if fired >= 2 and pid in pids:
                pids[pid].kill()
                await asyncio.to_thread(pids[pid].wait)
                running.remove(pids[pid])
                return True
        return False

    await until(one_has, processes, TAKEOVER)


async def assert_a_job_for_every_second(client: Soniq) -> None:
    schedule = await client.scheduler.get("ticks")
    assert schedule is not None
    times = [job["scheduled_at"] for job in await ticks(client)]
    assert {after - before for before, after in pairwise(times)} == {SECOND}
    assert times[-1] + SECOND == schedule["next_run"]
    assert len(times) == schedule["run_count"]


async def survive(url: str, processes: Processes, kills: int) -> None:
    async with producer(url) as client:
        await client.setup()
        await client.scheduler.add("count", **EVERY_SECOND, args={"log": "", "n": 0})
        running = [processes.scheduler(url) for _ in range(3)]
        for kill in range(1, kills + 1):
            await kill_who_has_fired_twice(client, running, processes)
            # Edited while others are about to fire it.
            await client.scheduler.add("count", **EVERY_SECOND, args={"log": "", "n": kill})
            running.append(processes.scheduler(url))

        async def edit_has_come_through() -> bool:
            last: int = (await ticks(client))[-1]["args"]["n"]
            return last == kills

        await until(edit_has_come_through, processes, TAKEOVER)
        await client.scheduler.pause("ticks")
        await assert_a_job_for_every_second(client)
        edits = [job["args"]["n"] for job in await ticks(client)]
        assert edits == sorted(edits)
        assert set(edits) == set(range(kills + 1))


@pytest.mark.timeout(180)
async def test_every_due_time_fires_once_though_leaders_are_killed(
    pg_url: str, processes: Processes
) -> None:
    await survive(pg_url, processes, kills=2)


@pytest.mark.timeout(180)
async def test_every_due_time_fires_once_though_postgres_restarts(
    private_pg_server: PostgresServer, processes: Processes
) -> None:
    url = private_pg_server.url
    async with producer(url) as client:
        await client.setup()
        await client.scheduler.add("count", **EVERY_SECOND, args={"log": "", "n": 0})
        for _ in range(2):
            processes.scheduler(url)

        async def fired(number: int) -> bool:
            schedule = await client.scheduler.get("ticks")
            return schedule is not None and bool(schedule["run_count"] >= number)

        await until(lambda: fired(2), processes, TAKEOVER)
        await asyncio.to_thread(private_pg_server.restart, "immediate")
        before = len(await ticks(client))
        await until(lambda: fired(before + 3), processes, TAKEOVER)
        await client.scheduler.pause("ticks")
        await assert_a_job_for_every_second(client)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_every_due_time_fires_once_though_ten_leaders_are_killed(
    store_url: str, processes: Processes
) -> None:
    await survive(store_url, processes, kills=10)
