"""Dead letters in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from soniq.backends.dead_letters import Tally


@dataclass(frozen=True, slots=True)
class DeadLetterStats:
    """Dead letters in figures.

    Attributes:
        total_count: how many there are.
        by_job_name: how many of each name, the most frequent first.
        by_queue: how many of each queue.
        by_reason: how many of each reason.
        by_date: how many were given up on each day (UTC, as YYYY-MM-DD), in order.
        oldest_job_age_hours: since the first of them was given up; None without any.
        resurrection_success_rate: of those replayed, the share whose last replay is no dead letter;
            None when none was replayed.
    """

    total_count: int
    by_job_name: dict[str, int]
    by_queue: dict[str, int]
    by_reason: dict[str, int]
    by_date: dict[str, int]
    oldest_job_age_hours: float | None
    resurrection_success_rate: float | None


def stats_of(tallies: Sequence[Tally]) -> DeadLetterStats:
    """Add up what the store counted."""
    names, queues, reasons, days = (Counter[str]() for _ in range(4))
    for tally in tallies:
        names[tally.job_name] += tally.jobs
        queues[tally.queue] += tally.jobs
        reasons[tally.reason] += tally.jobs
        days[tally.day.isoformat()] += tally.jobs
    resurrected = sum(tally.resurrected for tally in tallies)
    revived = sum(tally.revived for tally in tallies)
    return DeadLetterStats(
        total_count=names.total(),
        by_job_name=dict(names.most_common()),
        by_queue=dict(queues.most_common()),
        by_reason=dict(reasons.most_common()),
        by_date=dict(sorted(days.items())),
        oldest_job_age_hours=max((tally.oldest_age / 3600 for tally in tallies), default=None),
        resurrection_success_rate=revived / resurrected if resurrected else None,
    )
