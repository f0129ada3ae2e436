"""The database is there, and refuses: no room, no connections, no writes, no time."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg

from tests.chaos.places import (
    DiskStage,
    PoolerStage,
    ServerStage,
    behind_pgbouncer,
    few_connections,
    on_a_small_tablespace,
    own_server,
    with_a_small_wal,
)
from tests.chaos.rates import resumed_after
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.backlog import rate_in, saturated
from tests.chaos.scenarios.network import far_load, resumes
from tests.chaos.scenarios.servers import (
    RATE,
    SLOTS,
    aim_at_share,
    assert_taken_for_away,
    in_peace,
    working_pair,
)

_PATIENCE: Final = 20.0
_TIMEOUTS: Final = {"lock_timeout": "55P03", "statement_timeout": "57014"}
"""Settings, and the SQLSTATE of what they refuse."""


async def through(stage: ServerStage, name: str, fault: Callable[[], Awaitable[None]]) -> None:
    """Play `fault` under load, after which work must go on by itself."""
    await working_pair(stage)
    async with stage.load(rate=RATE) as load:
        await load.grown(60)
        async with stage.fault(name):
            await fault()
        over = time.monotonic()
        await load.grown(60)
        await stage.history.until(
            lambda: resumed_after(stage.history.events(), over) < 60, "work to resume"
        )
    await stage.settle()
    assert_taken_for_away(stage)
    resumed = resumed_after(stage.facts.events, over)
    stage.aim("work resumes after", resumed, goal=10)


@scenario(
    "connections-exhausted",
    fault="every connection of the server taken by others, Soniq's ended",
    goal="0 lost, work resumes ≤ 10 s after",
    sizes=Sizes(short=2, long=6, full=6),
    place=few_connections,
)
async def connections_exhausted(stage: ServerStage, seconds: int) -> None:
    async def exhaust() -> None:
        hogs: list[asyncpg.Connection[asyncpg.Record]] = []
        async with stage.administrator() as administrator:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                with suppress(asyncpg.TooManyConnectionsError):
                    while True:
                        hogs.append(await asyncpg.connect(stage.server.url))
                await administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chaos'"
                )
                await asyncio.sleep(0.05)
        for hog in hogs:
            hog.terminate()

    await through(stage, "connections exhausted", exhaust)


@scenario(
    "read-only",
    fault="the server read-only (`default_transaction_read_only`)",
    goal="0 lost, work resumes ≤ 10 s after",
    sizes=Sizes(short=1, long=4, full=6),
    place=own_server,
)
async def read_only(stage: ServerStage, seconds: int) -> None:
    async def forbid() -> None:
        await stage.configure(default_transaction_read_only="on")
        await asyncio.sleep(seconds)
        await stage.configure(default_transaction_read_only=None)

    await through(stage, "read-only", forbid)


@scenario(
    "timeouts",
    fault="`lock_timeout` and `statement_timeout` of 1 ms in turn, the table locked meanwhile",
    goal="0 lost, work resumes ≤ 10 s after",
    sizes=Sizes(short=1, long=2, full=3),
    place=own_server,
)
async def timeouts(stage: ServerStage, times: int) -> None:
    async def hurry() -> None:
        await stage.configure(log_line_prefix="%e ")
        for name, code in (*_TIMEOUTS.items(),) * times:
            before = _refused_claims(stage)[code]
            until = time.monotonic() + _PATIENCE
            # A claim that began before its session knew of the setting waits for the table instead.
            while _refused_claims(stage)[code] == before:
                assert time.monotonic() < until, f"no claim met {name}: nothing was shown"
                await stage.configure(**{name: "1ms"})
                await _lock_table(stage, 1.0)
                await stage.configure(**{name: None})
                await asyncio.sleep(1)

    await through(stage, "timeouts", hurry)
    for name, code in _TIMEOUTS.items():
        stage.measured[f"claims refused by {name}"] = _refused_claims(stage)[code]


def _refused_claims(stage: ServerStage) -> Counter[str]:
    """How often the server refused to claim, by SQLSTATE.

    A claim sets no lock_timeout of its own, as ends and keyed enqueues do.
    """
    told = re.findall(
        r"^(\w{5}) STATEMENT:(.*(?:\n\t.*)*)", stage.server.log.read_text(), re.MULTILINE
    )
    return Counter(code for code, statement in told if "SET status = 'processing'" in statement)


async def _lock_table(stage: ServerStage, seconds: float) -> None:
    connection = await asyncpg.connect(stage.url)
    await connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
    async with connection.transaction():
        await connection.execute("LOCK TABLE soniq_jobs IN EXCLUSIVE MODE")
        await asyncio.sleep(seconds)
    await connection.close()


@scenario(
    "analytics",
    fault="an analytics transaction held open for two and a half minutes",
    goal="0 lost, ≥ 90 % of the undisturbed rate",
    sizes=Sizes(short=3, long=10, full=150),
    place=own_server,
)
async def analytics(stage: ServerStage, seconds: int) -> None:
    """What it costs grows with its age: the last part of its life is what is compared."""
    async with saturated(stage):
        before = await in_peace(stage, seconds)
        async with stage.fault("analytics"):
            analyst = await asyncpg.connect(stage.url)
            async with analyst.transaction(isolation="repeatable_read"):
                await analyst.fetch("SELECT count(*) FROM soniq_jobs")
                await asyncio.sleep(seconds)
                over = time.monotonic()
            await analyst.close()
        during = rate_in(stage, over - min(seconds, 30), over)
    await stage.settle()
    stage.measured["held open (s)"] = seconds
    aim_at_share(stage, during, [before])


@scenario(
    "disk-full",
    fault="the disk of the tables full, then freed",
    goal="0 lost, work resumes ≤ 10 s after",
    sizes=Sizes(short=1, long=4, full=6),
    place=on_a_small_tablespace,
)
async def disk_full(stage: DiskStage, seconds: int) -> None:
    async def fill() -> None:
        stage.disk.fill()
        await asyncio.sleep(seconds)
        stage.disk.free()

    await through(stage, "disk full", fill)


@scenario(
    "wal-full",
    fault="the disk of the write-ahead log full: the server panics; freed and started again",
    goal="0 lost, work resumes ≤ 10 s after",
    sizes=Sizes(short=1, long=1, full=1),
    place=with_a_small_wal,
)
async def wal_full(stage: DiskStage, times: int) -> None:
    async def panic() -> None:
        for _ in range(times):
            stage.disk.fill()
            await _use_up_wal(stage)
            stage.disk.free()
            await asyncio.to_thread(stage.server.stop, "immediate")
            await stage.start_again()

    await through(stage, "write-ahead log full", panic)
    assert "PANIC" in stage.server.log.read_text()


async def _use_up_wal(stage: DiskStage) -> None:
    """Write until the server is down."""
    gone = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
    with suppress(*gone):
        async with stage.administrator() as administrator:
            while True:
                await administrator.execute(
                    "SELECT pg_logical_emit_message(true, 'x', repeat('x', 99999))"
                )


@scenario(
    "pgbouncer",
    fault="PgBouncer in between (`server_login_retry=1`), the server restarted behind it",
    goal="0 lost, work resumes ≤ 10 s after",
    sizes=Sizes(short=1, long=1, full=3),
    place=behind_pgbouncer,
)
async def pgbouncer(stage: PoolerStage, times: int) -> None:
    """Callers' transactions go past it, which keeps no prepared statement of theirs."""
    settings: dict[str, Any] = {"database_url": stage.far_url, "poll_interval": 0.5}
    await stage.workers(2, "--concurrency", SLOTS, **settings)
    resumed = []
    async with far_load(stage, transactions=stage.url) as load:
        for _ in range(times):
            await load.grown(100)
            async with stage.fault("restart"):
                await asyncio.to_thread(stage.server.restart, "immediate")
            resumed.append(await resumes(stage, time.monotonic()))
        await load.grown(100)
    await stage.settle()
    assert_taken_for_away(stage)
    stage.aim("work resumes, max", max(resumed), goal=10)
