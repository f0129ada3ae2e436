"""Workers are stopped in their tracks, or stop themselves, and go on later."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import psutil

from tests.chaos.history import Event, Kind
from tests.chaos.load import Load
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.stale_writes import Hold, accepted, holds, refused
from tests.chaos.stage import Breach, Stage, until


@scenario(
    "zombie",
    fault="SIGSTOP, its sessions terminated, SIGCONT once its jobs run elsewhere",
    goal="100 % of its stale writes refused, `should_stop` true",
    sizes=Sizes(short=1, long=2, full=4),
)
async def zombie(stage: Stage, times: int) -> None:
    load = stage.load(rate=10)
    for number in range(times):
        await _haunt(stage, load, f"zombie-{number}", terminate=True)
    await _settle(stage)


@scenario(
    "zombie-past-its-time",
    fault="SIGSTOP past `heartbeat_timeout=60`, connections left alone, then SIGCONT",
    goal="its jobs run elsewhere, 100 % of its stale writes refused",
    sizes=Sizes(short=None, long=1, full=1),
)
async def zombie_past_its_time(stage: Stage, times: int) -> None:
    load = stage.load(rate=10)
    for number in range(times):
        await _haunt(stage, load, f"late-{number}", terminate=False)
    await _settle(stage)


@scenario(
    "pause",
    fault="SIGSTOP for 30 s, connections left alone",
    goal="nothing runs twice",
    sizes=Sizes(short=2, long=30, full=30),
)
async def pause(stage: Stage, seconds: int) -> None:
    heartbeat = seconds / 6  # so that others miss it long before its pause is over
    paused, _ = await stage.workers(2, heartbeat_interval=heartbeat)
    async with stage.load(rate=20):
        await stage.busy(paused, 2)
        async with stage.fault("pause"):
            stage.fleet.signal(paused, signal.SIGSTOP)
            await silent(stage, paused, seconds)
            stage.fleet.signal(paused, signal.SIGCONT)
    await stage.settle()
    assert_nothing_ran_twice(stage)


async def silent(stage: Stage, worker: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until the others' heartbeats are so many seconds younger than this worker's."""

    async def missed() -> bool:
        workers = await stage.app.list_workers()
        beats = {w["pid"]: w["last_heartbeat"] for w in workers if w["status"] != "stopped"}
        if worker.pid not in beats:
            raise Breach("a worker that was only silent has been declared dead")
        ahead = max(beats.values()) - beats[worker.pid]
        return bool(ahead.total_seconds() > seconds)

    await until(missed, f"{seconds:g} s without a heartbeat", patience=seconds + 60)


def assert_nothing_ran_twice(stage: Stage) -> None:
    """Each job began once, and once more only after it had failed."""
    failed = [e.job for e in stage.history.of(Kind.END, how="raised")]
    starts = [e.job for e in stage.history.of(Kind.START)]
    assert len(starts) - len(failed) == len(set(starts))


# --- zombies -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Gates:
    """What handlers wait for; a file with a process's id at its end lets only those there go."""

    ending: Path
    """Those that end by themselves."""
    told: Path
    """Those that wait to be told that they should stop."""

    def let_end(self, worker: subprocess.Popen[bytes]) -> None:
        Path(f"{self.ending}-{worker.pid}").touch()

    def let_the_told_go(self, worker: subprocess.Popen[bytes]) -> None:
        Path(f"{self.told}-{worker.pid}").touch()

    def open(self) -> None:
        """For everybody."""
        self.ending.touch()
        self.told.touch()


async def _haunt(stage: Stage, load: Load, name: str, *, terminate: bool) -> None:
    """A worker is stopped until others run its jobs; then it goes on, and so do the others.

    While the fence is tried these are still at it: no ended job can do the fence's work.
    """
    heartbeat, timeout = (0.5, 300) if terminate else (5, 60)
    settings = {"heartbeat_interval": heartbeat, "heartbeat_timeout": timeout}
    (victim,) = await stage.workers(1, **settings)
    gates = _Gates(stage.folder / f"{name}-ending", stage.folder / f"{name}-told")
    jobs = await _enqueue(load, name, gates)
    stale = await stage.busy(victim, len(jobs))
    lost = await holds(stage.url, jobs)
    assert lost.keys() == jobs
    async with load:
        # One for each: what may have ended a worker is run one at a time in a process.
        rescuers = await stage.workers(len(jobs), **settings)
        async with stage.fault(name):
            stage.fleet.signal(victim, signal.SIGSTOP)
            if terminate:
                await _terminate_sessions(stage, victim)
            await _run_elsewhere(stage, jobs, rescuers)
            await _try_the_fence(stage, lost)
            gates.let_end(victim)
            stage.fleet.signal(victim, signal.SIGCONT)
        await _told(stage, victim)
        gates.let_the_told_go(victim)
        await _over(stage, stale)
        await _declared_dead(stage, victim)
    gates.open()
    await stage.quiet()
    await _count_refused(stage, lost)
    await stage.fleet.leave()


async def _enqueue(load: Load, name: str, gates: _Gates) -> set[str]:
    """Ahead of all others, so that they are the first to be run again."""
    jobs = set()
    for kind, gate in (("hold", gates.ending), ("hold_thread", gates.told)):
        job = await load.enqueue(
            f"chaos.{kind}", f"{name}-{kind}", {"gate": str(gate)}, priority=10
        )
        assert job is not None
        jobs.add(job)
    return jobs


async def _try_the_fence(stage: Stage, lost: Mapping[str, Hold]) -> None:
    """Write ends in the zombie's name, while others hold what it held."""
    current = await holds(stage.url, lost)
    assert current.keys() == lost.keys()
    await accepted(stage.url, current)
    await _count_refused(stage, lost)


async def _count_refused(stage: Stage, lost: Mapping[str, Hold]) -> None:
    earlier = int(stage.measured.get(_WRITES, 0))
    stage.measured[_WRITES] = earlier + await refused(stage.url, lost)


_WRITES: Final = "stale ends that reached the store, all refused"


async def _terminate_sessions(stage: Stage, worker: subprocess.Popen[bytes]) -> None:
    """End the server's sessions with this process, as an operator or a failing switch would."""
    ports = [
        c.laddr.port
        for c in psutil.Process(worker.pid).net_connections()
        if c.status == psutil.CONN_ESTABLISHED
    ]
    connection = await asyncpg.connect(stage.url)
    try:
        ended = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE client_port = ANY ($1::int[])",
            ports,
        )
    finally:
        await connection.close()
    assert len(ended) >= 3, "a worker has three connections"


async def _run_elsewhere(
    stage: Stage, jobs: set[str], rescuers: Sequence[subprocess.Popen[bytes]]
) -> None:
    """Wait until others run all of these."""

    def all_run() -> bool:
        return jobs <= {event.job for process in rescuers for event in stage.runs_of(process)}

    await stage.history.until(all_run, "runs elsewhere of all that it held", patience=120)


async def _told(stage: Stage, worker: subprocess.Popen[bytes]) -> None:
    """Wait until a handler of the worker has seen that it should stop."""
    await stage.history.until(
        lambda: stage.history.of(Kind.WARNED, pid=worker.pid), "`should_stop` in the zombie"
    )


async def _over(stage: Stage, starts: list[Event]) -> None:
    runs = {event["run"] for event in starts}
    await stage.history.until(
        lambda: runs <= {event["run"] for event in stage.history.of(Kind.END)}, "their ends"
    )


async def _declared_dead(stage: Stage, worker: subprocess.Popen[bytes]) -> None:
    """Wait until the worker goes on under a new id."""

    async def renewed() -> bool:
        ids = [w["status"] for w in await stage.app.list_workers() if w["pid"] == worker.pid]
        return sorted(ids) == ["active", "stopped"]

    await until(renewed, "a new id of the zombie")


async def _settle(stage: Stage) -> None:
    await stage.settle()
    stopped = {event["target"] for event in stage.history.of(Kind.SIGNALLED, signal="SIGSTOP")}
    stale = [
        event
        for event in stage.history.of(Kind.EFFECT)
        if event.pid in stopped and event["run"] not in _stored(stage)
    ]
    # The checker has seen that no run of a lost claim is stored; here, that there were some.
    assert stale, "no stale run came to its end: nothing was shown"
    stage.measured["stale runs that came to their end, none stored"] = len(stale)


def _stored(stage: Stage) -> set[str]:
    return {str(row["result"]).strip('"') for row in stage.facts.jobs}
