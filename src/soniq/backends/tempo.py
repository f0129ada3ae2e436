"""How long jobs waited and ran, in figures, for stores that cannot tell by themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from soniq.backends.overview import QueuePace, Span
from soniq.records import JobStatus


class Ended(NamedTuple):
    """A job that has ended; times are seconds, None for one that was never begun."""

    queue: str
    status: str
    age: float
    """Since its end."""
    at: float
    """Its end, since the epoch."""
    attempts: int
    run: float | None
    waited: float | None


class GivenUp(NamedTuple):
    """A dead letter: when it was moved, in seconds since the epoch, and its attempts."""

    at: float
    attempts: int


def percentile_ms(values: Sequence[float], share: float) -> float | None:
    """The value, in milliseconds, that `share` of the values (seconds) do not exceed.

    Between two values the line from one to the other decides, as SQL's percentile_cont has it.
    """
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return 1000 * (ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def average_ms(values: Sequence[float]) -> float | None:
    """Their mean, of seconds in milliseconds."""
    return 1000 * sum(values) / len(values) if values else None


def paces_of(ended: Sequence[Ended], most: int) -> list[QueuePace]:
    """By queue, how these jobs went: those that ended last, `most` of them at most."""
    oldest = max((one.age for one in ended), default=0.0)
    seconds = 60.0 if len(ended) < most else min(60.0, max(oldest, 0.001))
    by_queue: dict[str, list[Ended]] = defaultdict(list)
    for one in ended:
        by_queue[one.queue].append(one)
    return [_pace(queue, by_queue[queue], seconds) for queue in sorted(by_queue)]


def _pace(queue: str, ended: Sequence[Ended], seconds: float) -> QueuePace:
    runs, waits = _times(ended)
    return QueuePace(
        queue,
        sum(one.age < seconds for one in ended) * 60.0 / seconds,
        average_ms(runs),
        percentile_ms(runs, 0.5),
        percentile_ms(runs, 0.95),
        percentile_ms(waits, 0.5),
        percentile_ms(waits, 0.95),
    )


def _times(ended: Iterable[Ended]) -> tuple[list[float], list[float]]:
    done = [one for one in ended if one.status == JobStatus.DONE]
    runs = [one.run for one in done if one.run is not None]
    return runs, [one.waited for one in done if one.waited is not None]


def spans_of(ended: Iterable[Ended], given_up: Iterable[GivenUp], step: float) -> list[Span]:
    """What ended, in spans of `step` seconds of the epoch, oldest first."""
    jobs: dict[float, list[Ended]] = defaultdict(list)
    letters: dict[float, list[GivenUp]] = defaultdict(list)
    for one in ended:
        jobs[one.at // step * step].append(one)
    for letter in given_up:
        letters[letter.at // step * step].append(letter)
    return [_span(at, jobs[at], letters[at]) for at in sorted({*jobs, *letters})]


def _span(at: float, ended: Sequence[Ended], letters: Sequence[GivenUp]) -> Span:
    runs, waits = _times(ended)
    done = [one for one in ended if one.status == JobStatus.DONE]
    retried = sum(max(one.attempts - 1, 0) for one in done)
    return Span(
        at=datetime.fromtimestamp(at, UTC),
        done=len(done),
        cancelled=len(ended) - len(done),
        failed=retried + sum(letter.attempts for letter in letters),
        dead_letter=len(letters),
        run_avg_ms=average_ms(runs),
        run_p50_ms=percentile_ms(runs, 0.5),
        run_p95_ms=percentile_ms(runs, 0.95),
        wait_p95_ms=percentile_ms(waits, 0.95),
    )
