"""What a history says in numbers. Pure over `Facts`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.facts import Facts
from tests.chaos.history import Event, Kind


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long what a killed process was running waited to be run again, in seconds."""

    jobs: int
    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One history in numbers.

    Attributes:
        jobs: enqueues that returned, and scheduled jobs.
        kills: processes that the harness killed.
        restarts: worker processes started beyond the first ones.
        lost: accepted jobs that are gone or have not ended.
        duplicates_per_million: effects beyond a job's first, a million jobs.
        recovery: None where no process was killed with runs.
    """

    jobs: int
    kills: int
    restarts: int
    lost: int
    duplicates_per_million: float
    recovery: Recovery | None


def figures(facts: Facts) -> Figures:
    """Work out the figures of a history."""
    jobs = {row["id"] for row in (*facts.jobs, *facts.dead)}
    accepted = {e.job for e in facts.events if e.kind is Kind.ACCEPTED}
    ended = {row["id"] for row in facts.jobs if row["status"] in {"done", "cancelled"}}
    ended |= {row["id"] for row in facts.dead}
    effects = Counter(e.job for e in facts.events if e.kind is Kind.EFFECT)
    kills = [e for e in facts.events if e.kind is Kind.KILLED]
    again = sum(number - 1 for number in effects.values())
    return Figures(
        jobs=len(jobs | accepted),
        kills=len(kills),
        restarts=_restarts(facts.events),
        lost=len(accepted - ended),
        duplicates_per_million=again * 1e6 / max(1, len(jobs)),
        recovery=spread(recoveries(facts.events)),
    )


def recoveries(events: Sequence[Event], *, since_start: bool = False) -> list[float]:
    """Seconds from each kill to the next start of each job that the killed process was running.

    Args:
        since_start: count from the first start of another process after the kill instead.
    """
    found = []
    for kill in (e for e in events if e.kind is Kind.KILLED):
        after = _first_process_after(events, kill) if since_start else kill.at
        held = _running_in(events, kill)
        for event in events:
            again = event.kind is Kind.START and event.job in held and event.at > kill.at
            if again and event.pid != kill["target"]:
                held.discard(event.job)
                found.append(event.at - after)
    return found


def spread(seconds: Sequence[float]) -> Recovery | None:
    """Median, 95th percentile and maximum."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    return Recovery(len(ordered), _at(ordered, 0.5), _at(ordered, 0.95), ordered[-1])


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _running_in(events: Sequence[Event], kill: Event) -> set[str | None]:
    running: dict[str, str | None] = {}
    for event in events:
        if event.pid == kill["target"] and event.at <= kill.at:
            if event.kind is Kind.START:
                running[event["run"]] = event.job
            elif event.kind is Kind.END:
                running.pop(event["run"], None)
    return set(running.values())


def _first_process_after(events: Sequence[Event], kill: Event) -> float:
    starts = (e.at for e in events if e.kind is Kind.PROCESS_STARTED and e.at > kill.at)
    return min(starts, default=kill.at)


def _restarts(events: Sequence[Event]) -> int:
    """Processes that were started after another had ended."""
    number, ended = 0, False
    for event in events:
        ended = ended or event.kind in {Kind.KILLED, Kind.PROCESS_ENDED}
        number += ended and event.kind is Kind.PROCESS_STARTED
    return number
