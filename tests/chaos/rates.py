"""How fast jobs have their effects. Pure over a history's events."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from tests.chaos.history import Event, Kind

_STEP = 0.1


def effects(events: Sequence[Event]) -> list[float]:
    """When effects were had, in order."""
    return sorted(event.at for event in events if event.kind is Kind.EFFECT)


def rate(times: Sequence[float], begin: float, end: float) -> float:
    """Of `times` in order, how many a second lie between two."""
    return (bisect_left(times, end) - bisect_left(times, begin)) / (end - begin)


def full_rate_after(
    times: Sequence[float], at: float, wanted: float, *, window: float = 1.0
) -> float:
    """Seconds from `at` until the rate, over a window that ends then, is at least `wanted`.

    The window begins at `at` or later, so that nothing is counted which was before: no answer is
    less than its length.
    """
    last = times[-1] if times else at
    begin = at
    while begin <= last:
        if rate(times, begin, begin + window) >= wanted:
            return begin + window - at
        begin += _STEP
    return float("inf")


def resumed_after(events: Sequence[Event], at: float) -> float:
    """Seconds from `at` to the first effect of a job that was accepted after it.

    What had been claimed before goes on running whatever happens, and says nothing.
    """
    fresh: set[str | None] = set()
    for event in events:
        if event.at > at and event.kind is Kind.ACCEPTED:
            fresh.add(event.job)
        elif event.kind is Kind.EFFECT and event.job in fresh:
            return event.at - at
    return float("inf")
