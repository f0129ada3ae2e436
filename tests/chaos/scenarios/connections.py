"""Single connections end at the moment that matters most, and all others go on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import asyncpg

from tests.chaos.history import Event, Kind
from tests.chaos.load import Load
from tests.chaos.places import ProxyStage, behind_a_proxy
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.network import far_load, far_workers
from tests.chaos.scenarios.pauses import assert_nothing_ran_twice
from tests.chaos.scenarios.servers import assert_taken_for_away
from tests.chaos.stage import Stage, until


@scenario(
    "lost-answers",
    fault="one of 20 answers of the database lost, and its connection with it, when all was done",
    goal="0 lost, none stored twice, nothing runs twice, no end or claim forgotten",
    sizes=Sizes(short=2, long=8, full=12),
    place=behind_a_proxy,
)
async def lost_answers(stage: ProxyStage, seconds: int) -> None:
    """Whoever asks again meets what was done already: inserts, claims, ends, ticks."""
    await far_workers(stage)
    async with far_load(stage) as load:
        await load.grown(20)
        async with stage.fault("lost answers"):
            stage.proxy.loss = 0.05
            await asyncio.sleep(seconds)
            stage.proxy.loss = 0.0
        await load.grown(20)
    # A claim that its worker has not heard of would be processing for as long as that lives.
    await stage.settle(within=40)
    stage.measured["answers lost"] = stage.proxy.lost
    assert_taken_for_away(stage)
    assert_nothing_ran_twice(stage)
    assert_no_end_came_too_late(stage)


def assert_no_end_came_too_late(stage: Stage) -> None:
    """An end that is met again, as it was stored before its answer was lost, counts as stored.

    Of a failed run nobody can tell once its job runs again.
    """
    runs = Counter(event.job for event in stage.history.of(Kind.START))
    refused = [record["job_id"] for record in stage.logged("claim_lost")]
    assert not [job for job in refused if runs[job] == 1]


@scenario(
    "listener-ended",
    fault="the connection on which an idle worker hears of jobs ended, all others left alone",
    goal="the next job starts ≤ 2 s after",
    sizes=Sizes(short=2, long=None, full=6),
)
async def listener_ended(stage: Stage, times: int) -> None:
    """A worker that hardly ever looks by itself has only that connection to be told by."""
    await stage.workers(1, poll_interval=60, heartbeat_interval=30)
    waited = []
    async with stage.load(rate=0.01, scheduled=False) as load:
        for turn in range(times):
            await until(lambda: _end_listening(stage), "worker that listens")
            waited.append(await _starts_after(stage, load, f"told-{turn}"))
    await stage.settle()
    stage.aim("next job starts, max", max(waited), goal=2)


async def _starts_after(stage: Stage, load: Load, key: str) -> float:
    """Seconds until a job that is enqueued now starts."""
    asked = time.monotonic()
    job = await load.enqueue("chaos.short", key)

    def starts() -> list[Event]:
        return stage.history.of(Kind.START, job=job)

    await stage.history.until(starts, "the start of a job")
    return starts()[0].at - asked


async def _end_listening(stage: Stage) -> bool:
    """End the session that holds the lock of a worker; whether there was one."""
    connection = await asyncpg.connect(stage.url)
    try:
        return bool(
            await connection.fetch(
                "SELECT pg_terminate_backend(lock.pid) FROM pg_locks AS lock "
                "JOIN pg_database AS here ON here.oid = lock.database "
                "WHERE lock.locktype = 'advisory' AND lock.granted "
                "AND here.datname = current_database()"
            )
        )
    finally:
        await connection.close()
