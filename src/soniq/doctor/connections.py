"""Connections: those the server has left, and those the workers may come to want."""

from __future__ import annotations

from collections.abc import Sequence

from soniq.backends.diagnosis import Connections, PresentWorker
from soniq.doctor.examination import Examination, Limits
from soniq.doctor.finding import Finding, error, ok, warning
from soniq.doctor.wording import counted
from soniq.errors import SoniqError
from soniq.running import check_worker
from soniq.settings import SoniqSettings


async def check_connections(examination: Examination) -> list[Finding]:
    room = await examination.facts.connections()
    if room is None:
        return []
    workers = await examination.live_workers()
    return (
        _pool(examination.settings) + _used(room, examination.limits) + _wanted(room, workers)
    ) or ok(f"{room.in_use} of {room.allowed} connections are in use")


def _pool(settings: SoniqSettings) -> list[Finding]:
    try:
        check_worker(settings.concurrency, None, settings)
    except SoniqError as problem:
        return error(problem.message, " ".join(problem.suggestions))
    return []


def _used(room: Connections, limits: Limits) -> list[Finding]:
    if room.in_use < limits.connections * room.allowed:
        return []
    return warning(
        f"{room.in_use} of the {room.allowed} connections that the server allows are in use",
        "Raise max_connections, or lower the pools: a worker that finds none left waits and tries "
        "again.",
    )


def _wanted(room: Connections, workers: Sequence[PresentWorker]) -> list[Finding]:
    wanted = sum(worker.connections or 0 for worker in workers)
    if wanted <= room.allowed:
        return []
    return warning(
        f"{counted(len(workers), 'worker')} may open {wanted} connections, and the server allows "
        f"{room.allowed}",
        "Lower SONIQ_POOL_MAX_SIZE or the number of workers, or raise max_connections.",
    )
