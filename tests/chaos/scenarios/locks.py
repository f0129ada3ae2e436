"""Others hold what Soniq is to change: rows, and keys, in whatever order."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import asyncpg

from tests.chaos.history import Kind
from tests.chaos.places import ServerStage, own_server
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.refusals import through
from tests.chaos.stage import Stage, until


@scenario(
    "row-locked",
    fault="somebody keeps the row of a running job locked, past its end",
    goal="the ends of others are stored meanwhile, its own once the row is free",
    sizes=Sizes(short=20, long=None, full=200),
)
async def row_locked(stage: Stage, others: int) -> None:
    gate = stage.folder / "gate"
    await stage.workers(1)
    somebody = await asyncpg.connect(stage.url)
    async with stage.load(rate=0.01, scheduled=False) as load:
        held = await load.enqueue("chaos.hold", "held", {"gate": str(gate)})
        await stage.history.until(lambda: stage.history.of(Kind.START, job=held), "start of it")
        async with stage.fault("row locked"), somebody.transaction():
            await somebody.execute("SELECT FROM soniq_jobs WHERE id = $1 FOR UPDATE", held)
            gate.touch()
            await stage.history.until(lambda: stage.history.of(Kind.END, job=held), "end of it")
            ids = [await load.enqueue("chaos.short", f"other-{n}") for n in range(others)]
            await until(lambda: _all_done(stage, ids), "ends of others", patience=15)
    await somebody.close()
    await stage.settle()
    assert not stage.logged("outcome_degraded")
    assert not stage.logged("claim_lost")


async def _all_done(stage: Stage, ids: Sequence[str | None]) -> bool:
    jobs = [await stage.app.get_job(job) for job in ids if job is not None]
    return all(job is not None and job["status"] == "done" for job in jobs)


@scenario(
    "deadlocks",
    fault="transactions that lock running jobs and dedup keys in the wrong order, again and again",
    goal="0 lost",
    sizes=Sizes(short=2, long=6, full=8),
    place=own_server,
)
async def deadlocks(stage: ServerStage, seconds: int) -> None:
    async def entangle() -> None:
        await stage.configure(deadlock_timeout="20ms", log_line_prefix="by=%a ")
        until = time.monotonic() + seconds
        await asyncio.gather(
            *(_lock_backwards(stage, until) for _ in range(4)), _take_keys_backwards(stage, until)
        )

    await through(stage, "deadlocks", entangle)
    log = stage.server.log.read_text().splitlines()
    met = [line for line in log if "deadlock detected" in line and not line.startswith(_OURS)]
    assert met, "Soniq was no deadlock's victim: nothing was shown"
    stage.measured["deadlocks that Soniq met"] = len(met)


_OURS: Final = "by=others "
"""How the server's log begins a line of the connections that get in Soniq's way."""


async def _other(stage: ServerStage) -> asyncpg.Connection[asyncpg.Record]:
    return await asyncpg.connect(stage.url, server_settings={"application_name": "others"})


async def _lock_backwards(stage: ServerStage, until: float) -> None:
    connection = await _other(stage)
    while time.monotonic() < until:
        # Without updating: what is locked here is what Soniq wants to end.
        with suppress(asyncpg.DeadlockDetectedError):
            async with connection.transaction():
                rows = await connection.fetch(
                    "SELECT id FROM soniq_jobs WHERE status IN ('processing', 'queued') "
                    "ORDER BY id DESC LIMIT 20"
                )
                for row in rows:
                    await connection.execute(
                        "SELECT FROM soniq_jobs WHERE id = $1 FOR UPDATE", row["id"]
                    )
                    await asyncio.sleep(random.uniform(0, 0.01))
        await asyncio.sleep(0.02)
    await connection.close()


async def _take_keys_backwards(stage: ServerStage, until: float) -> None:
    """Callers who take two keys in one order while others enqueue them in the other.

    The callers' transactions wait long enough for the deadlock, or the wait, to be Soniq's.
    """
    connection = await _other(stage)
    await connection.execute("SET deadlock_timeout = '10s'")
    load = stage.load()

    async def take(key: str) -> None:
        job = await load.enqueue(
            "chaos.keyed", f"caller-{key}", dedup_key=key, connection=connection
        )
        assert job is not None, "a caller who waits for as long as need be was refused"

    for turn in itertools.takewhile(lambda _: time.monotonic() < until, itertools.count()):
        keys = [f"{name}-{turn}" for name in "ab"]
        async with asyncio.TaskGroup() as group, connection.transaction():
            await take(keys[1])
            group.create_task(_enqueue_both(stage, keys))
            await asyncio.sleep((0.01, 0.2)[turn % 2])
            await take(keys[0])
    await connection.close()


async def _enqueue_both(stage: ServerStage, keys: Sequence[str]) -> None:
    """In one call, which must succeed; written down as the load does."""
    names = [f"other-{key}" for key in keys]
    for name, key in zip(names, keys, strict=True):
        stage.history.note(Kind.ASKED, key=name, name="chaos.keyed", dedup_key=key)
    many = [{"key": name} for name in names]
    jobs = await stage.app.enqueue_many("chaos.keyed", many, dedup_keys=keys)
    for name, job in zip(names, jobs, strict=True):
        stage.history.note(Kind.ACCEPTED, key=name, job=job)
