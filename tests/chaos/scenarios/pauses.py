"""Workers are stopped in their tracks, or stop themselves, and go on later."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from tests.chaos.history import Event, Kind
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.stage import Breach, Stage, until


@scenario(
    "zombie",
    fault="SIGSTOP, its sessions terminated, SIGCONT once its jobs run elsewhere",
    goal="100 % of its stale writes refused, `should_stop` true",
    sizes=Sizes(short=1, long=2, full=6),
)
async def zombie(stage: Stage, times: int) -> None:
    for number in range(times):
        await _haunt(stage, f"zombie-{number}", terminate=True)
    await _settle(stage)


@scenario(
    "zombie-past-its-time",
    fault="SIGSTOP past `heartbeat_timeout=60`, connections left alone, then SIGCONT",
    goal="its jobs run elsewhere, 100 % of its stale writes refused",
    sizes=Sizes(short=None, long=1, full=1),
)
async def zombie_past_its_time(stage: Stage, times: int) -> None:
    for number in range(times):
        await _haunt(stage, f"late-{number}", terminate=False)
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

    def open_for(self, worker: subprocess.Popen[bytes]) -> None:
        Path(f"{self.ending}-{worker.pid}").touch()


async def _haunt(stage: Stage, name: str, *, terminate: bool) -> None:
    """A worker is stopped until another runs its jobs; then it goes on, and so does the other.

    While the fence is tried the other one is still at it: no ended job can do the fence's work.
    """
    heartbeat, timeout = (0.5, 300) if terminate else (5, 60)
    settings = {"heartbeat_interval": heartbeat, "heartbeat_timeout": timeout}
    (victim,) = await stage.workers(1, **settings)
    gates = _Gates(stage.folder / f"{name}-ending", stage.folder / f"{name}-told")
    await _enqueue(stage, name, gates)
    stale = await stage.busy(victim, 4)
    (rescuer,) = await stage.workers(1, **settings)
    async with stage.fault(name):
        stage.fleet.signal(victim, signal.SIGSTOP)
        if terminate:
            await _terminate_sessions(stage, victim)
        await _runs_elsewhere(stage, {event.job for event in stale}, rescuer)
        gates.open_for(victim)
        stage.fleet.signal(victim, signal.SIGCONT)
    await _told(stage, victim)
    gates.told.touch()
    await _over(stage, stale)
    await _declared_dead(stage, victim)
    gates.ending.touch()
    await stage.quiet()
    await stage.fleet.leave()


async def _enqueue(stage: Stage, name: str, gates: _Gates) -> None:
    load = stage.load()
    for kind, gate in (("hold", gates.ending), ("hold_thread", gates.told)):
        for number in range(2):
            await load.enqueue(f"chaos.{kind}", f"{name}-{kind}-{number}", {"gate": str(gate)})


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


async def _runs_elsewhere(
    stage: Stage, jobs: set[str | None], rescuer: subprocess.Popen[bytes]
) -> None:
    """Wait until another has one of these; it takes them one at a time, as they are suspects."""
    await stage.history.until(
        lambda: jobs & {event.job for event in stage.runs_of(rescuer)},
        "a run elsewhere",
        patience=120,
    )


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
    stage.measured["stale ends, all refused"] = len(stale)


def _stored(stage: Stage) -> set[str]:
    return {str(row["result"]).strip('"') for row in stage.facts.jobs}
