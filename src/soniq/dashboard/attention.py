"""What an operator should look at now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from soniq.backends.diagnosis import Burials, PresentWorker
from soniq.backends.overview import QueueCounts
from soniq.backends.schedules import Schedule
from soniq.dashboard.desk import Desk
from soniq.dashboard.drift import live_workers, skewed_names
from soniq.dashboard.figures import AttentionItem
from soniq.doctor.wording import counted, lasting, some_of

_HOUR: Final = 3600.0
_OLD: Final = 300.0
_VERY_OLD: Final = 3600.0
_LATE: Final = 60.0
_LOOKED_AT: Final = 100
_NAMED: Final = 3
_GRADES: Final = ("critical", "warning", "info")


async def attention_now(desk: Desk) -> list[AttentionItem]:
    """Everything of note, the worst first."""
    return await desk.memo.recall("attention", lambda: _look(desk))


async def _look(desk: Desk) -> list[AttentionItem]:
    queues = (await desk.counts()).queues
    workers = await live_workers(desk)
    items = [
        *_unserved(queues, workers),
        *_old(queues),
        *_buried(await desk.ask(lambda backend: backend.diagnosis.burials())),
        *await _late(desk),
        *_crashing(await desk.look_up(lambda one: one.suspects())),
    ]
    if workers:
        items += _unknown([each.job_name for each in await skewed_names(desk, 0.0)])
    return sorted(items, key=lambda item: _GRADES.index(item.severity))


def _unserved(
    queues: Sequence[QueueCounts], workers: Sequence[PresentWorker]
) -> Iterator[AttentionItem]:
    """Jobs that are due, and nobody runs."""
    waiting = [each for each in queues if each.oldest_for is not None]
    if waiting and not workers:
        due = counted(sum(each.queued for each in waiting), "job")
        yield AttentionItem(
            "critical",
            "No worker is running",
            f"{due} wait. Start one with `soniq worker`.",
            "workers",
            {},
        )
        return
    unserved = [
        each for each in waiting if not any(worker.serves(each.queue) for worker in workers)
    ]
    for each in unserved[:_NAMED]:
        yield AttentionItem(
            "critical",
            f"Nobody works the queue {each.queue}",
            f"{counted(each.queued, 'job')} wait. Start a worker that serves it:"
            f" `soniq worker --queues {each.queue}`.",
            "queues",
            {"query": each.queue},
        )
    if others := unserved[_NAMED:]:
        yield AttentionItem(
            "critical",
            f"Nobody works {counted(len(others), 'other queue')}",
            f"{counted(sum(each.queued for each in others), 'job')} wait there.",
            "queues",
            {},
        )


def _old(queues: Sequence[QueueCounts]) -> Iterator[AttentionItem]:
    """The queues whose jobs wait for long, the longest."""
    old = [each for each in queues if (each.oldest_for or 0.0) > _OLD]
    old.sort(key=lambda each: each.oldest_for or 0.0, reverse=True)
    for each in old[:_NAMED]:
        age = each.oldest_for or 0.0
        yield AttentionItem(
            "critical" if age > _VERY_OLD else "warning",
            f"Jobs wait in {each.queue} for {lasting(age)}",
            f"{counted(each.queued, 'job')} queued. Run more workers, or raise their concurrency.",
            "jobs",
            {"queue": each.queue, "status": "queued"},
        )


def _buried(burials: Burials) -> Iterator[AttentionItem]:
    if burials.last_hour and burials.commonest is not None:
        name, reason, number = burials.commonest
        yield AttentionItem(
            "warning",
            f"{counted(burials.last_hour, 'job')} given up in the last hour",
            f"Most often {name}: {reason}, {counted(number, 'time')}.",
            "dead-letter",
            {"job_name": name, "reason": reason},
        )


async def _late(desk: Desk) -> list[AttentionItem]:
    """Schedules that should have fired."""
    upcoming = await desk.ask(lambda backend: backend.schedules.upcoming(_LOOKED_AT))
    late = [one for one in upcoming.schedules if _seconds_late(one, upcoming.now) > _LATE]
    if not late:
        return []
    running = await desk.app.scheduler.schedulers()
    return [
        AttentionItem(
            "warning" if running else "critical",
            f"{counted(len(late), 'schedule')} late: {some_of([one.name for one in late])}",
            f"The first was due {lasting(_seconds_late(late[0], upcoming.now))} ago. "
            + (
                "The scheduler does not keep up, or cannot store jobs: see its log."
                if running
                else "No scheduler runs: start `soniq scheduler`."
            ),
            "schedules",
            {},
        )
    ]


def _seconds_late(schedule: Schedule, now: datetime) -> float:
    return (now - schedule.fires_at).total_seconds()


def _crashing(suspects: int) -> list[AttentionItem]:
    if not suspects:
        return []
    return [
        AttentionItem(
            "warning",
            f"{counted(suspects, 'job')} have crashed a worker",
            "They are tried again one at a time; look at what they do to their process.",
            "jobs",
            {"status": "queued"},
        )
    ]


def _unknown(names: Sequence[str]) -> list[AttentionItem]:
    if not names:
        return []
    return [
        AttentionItem(
            "warning",
            f"No worker knows {some_of(names)}",
            "Their jobs wait until one does, and are given up when the grace is over. Deploy the"
            " code, or cancel the jobs.",
            "jobs",
            {"job_name": names[0], "status": "queued"},
        )
    ]
