"""Names that jobs have and no live worker knows: code that was renamed, or not deployed yet."""

from __future__ import annotations

from soniq.backends.diagnosis import PresentWorker
from soniq.backends.overview import WaitingName
from soniq.dashboard.desk import Desk
from soniq.dashboard.figures import SkewedName
from soniq.doctor.examination import is_silent


async def live_workers(desk: Desk) -> list[PresentWorker]:
    """The workers whose heartbeats arrive."""
    present = await desk.ask(lambda backend: backend.diagnosis.workers())
    return [worker for worker in present if not is_silent(worker)]


async def skewed_names(desk: Desk, since: float) -> list[SkewedName]:
    """By name; dead letters are those of the last `since` seconds."""
    known = {name for worker in await live_workers(desk) for name in worker.job_names}
    waiting: list[WaitingName] = await desk.memo.recall(
        ("waiting names", since),
        lambda: desk.look_up(lambda one: one.waiting_names(since=since)),
    )
    return [
        SkewedName(each.job_name, each.queued, each.dead_letter, each.last_seen)
        for each in waiting
        if each.job_name not in known
    ]
