"""Recording: into the minute that is open, in memory, from any thread, and without ever raising.

A minute lies in one bucket of each resolution, so nothing coarser is kept here; `observed` deals
the minutes out when they are taken away to be stored.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from soniq.plugins.metrics.keys import (
    BAD_KEY,
    BAD_VALUE,
    MOST_KEYS,
    Dropped,
    KeyBook,
    Kind,
    number,
    text,
)
from soniq.plugins.metrics.resolutions import MINUTE
from soniq.plugins.metrics.series import KINDS, Counter, Gauge, Histogram

Content = Counter | Gauge | Histogram
MOST_KEPT: Final = 50_000
"""Series of minutes that are over, and not yet taken away."""
_MOMENT: Final = 1e-6
_AT_A_TIME: Final = 32
"""Outcomes of a tally that are counted together."""
_TIMED: Final = ("done", "dead_letter")
_TOO_OLD: Final = "age: nothing has been stored for too long"
_TOO_MANY_JOBS: Final = "number: there are too many different jobs"


StoredRun = tuple[str, str, str, float, float]
"""A job's name, its queue, the outcome (done, failed, dead_letter or snoozed), the seconds that the
run took, and those from the time it was due to the run's start. Plain, for every job makes one."""


class Tally:
    """The stored outcomes of one kind, of one job name in one queue: seven series in one place.

    What comes in is set down first and counted later, some at a time, for it comes with every job.
    """

    __slots__ = ("number", "ran", "runs", "waited", "waits")

    def __init__(self) -> None:
        self.number = 0
        self.ran = Histogram()
        self.waited = Histogram()
        self.runs: list[float] = []
        self.waits: list[float] = []

    def count(self) -> None:
        """Count what was set down."""
        self.number += len(self.waits)
        for values, histogram in ((self.runs, self.ran), (self.waits, self.waited)):
            if values:
                histogram.observe(values)
                values.clear()


class Minute:
    """What was recorded in one minute, which began at `start` (seconds since the epoch)."""

    __slots__ = ("series", "start", "tallies")

    def __init__(self, start: int) -> None:
        self.start = start
        self.series: dict[str, Content] = {}
        self.tallies: dict[tuple[str, str, str], Tally] = {}

    def __len__(self) -> int:
        return len(self.series) + len(self.tallies)

    def observations(self) -> int:
        """How many it has, those of the series that its tallies stand for among them."""
        for tally in self.tallies.values():
            tally.count()
        contents = [*self.series.values()]
        for place, tally in self.tallies.items():
            contents += (content for _, content in _series_of(*place, tally))
        return sum(content.count for content in contents)


class Recorder:
    """Takes observations until they are taken away.

    Args:
        clock: what time it is, in seconds since the epoch.
        keys: says which keys may be recorded.
        dropped: counts what is not.
    """

    def __init__(self, clock: Callable[[], float], keys: KeyBook, dropped: Dropped) -> None:
        self._clock = clock
        self._keys = keys
        self._dropped = dropped
        self._guard = threading.Lock()
        self._taken = 0.0
        self._open = Minute(0)
        self._over: deque[Minute] = deque()
        self._kept = 0

    def take(self, kind: Kind, key: object, value: object) -> None:
        """Record `value` under `key`; a bad one is dropped and counted."""
        found = number(value)
        name = key if type(key) is str else text(key)
        if found is None or name is None:
            self._refuse(BAD_KEY if name is None else BAD_VALUE, (key, value))
            return
        now = self._clock()
        with self._guard:
            content = self._content(self._minute(now), kind, name)
            if content is not None:
                content.take(found, self._moment(now))
        if self._dropped.untold:
            self._dropped.tell()

    def _refuse(self, reason: str, example: object) -> None:
        self._dropped.add(reason, example)
        self._dropped.tell()

    def stored(self, runs: Iterable[StoredRun]) -> None:
        """Record what became of some runs."""
        now = self._clock()
        with self._guard:
            tallies = self._minute(now).tallies
            for name, queue, outcome, ran, waited in runs:
                place = (name, queue, outcome)
                tally = tallies.get(place)
                if tally is None:
                    if len(tallies) >= MOST_KEYS:
                        self._dropped.add(_TOO_MANY_JOBS, place, _series_number(outcome))
                        continue
                    tally = tallies[place] = Tally()
                tally.waits.append(waited)
                if outcome in _TIMED:
                    tally.runs.append(ran)
                if len(tally.waits) >= _AT_A_TIME:
                    tally.count()
        if self._dropped.untold:
            self._dropped.tell()

    def drain(self) -> list[Minute]:
        """Everything recorded since the last time, oldest first; the recorder begins anew."""
        with self._guard:
            self._close_minute(self._open.start)
            taken, self._over, self._kept = [*self._over], deque(), 0
        for minute in taken:
            self._spread(minute)
        self._dropped.tell()
        return taken

    def _moment(self, now: float) -> float:
        """Later than the one before: of two values the later is the newer, on any clock."""
        following = self._taken + _MOMENT
        self._taken = following if now < following < now + MINUTE else now
        return self._taken

    def _minute(self, now: float) -> Minute:
        start = int(now // MINUTE) * MINUTE
        if start != self._open.start:
            # A clock that is put right by a little must not open a minute again.
            if 0 < self._open.start - start <= MINUTE:
                return self._open
            self._close_minute(start)
        return self._open

    def _close_minute(self, following: int) -> None:
        if self._open.series or self._open.tallies:
            self._over.append(self._open)
            self._kept += len(self._open)
            self._bound()
        self._open = Minute(following)

    def _bound(self) -> None:
        """A process that never stores what it records keeps the newest of it."""
        while self._kept > MOST_KEPT and len(self._over) > 1:
            oldest = self._over.popleft()
            self._kept -= len(oldest)
            self._dropped.add(_TOO_OLD, oldest.start, oldest.observations())

    def _content(self, minute: Minute, kind: Kind, key: str, number: int = 1) -> Any:
        """What `number` observations go to; None, and they are counted, if they may not."""
        content = minute.series.get(key)
        if content is not None and content.kind is kind:
            return content
        if not self._keys.admit(key, kind, number):
            return None
        minute.series[key] = made = KINDS[kind]()
        return made

    def _spread(self, minute: Minute) -> None:
        """Turn what jobs became into the series they stand for."""
        for place, tally in minute.tallies.items():
            tally.count()
            for key, content in _series_of(*place, tally):
                held = self._content(minute, content.kind, key, content.count)
                if held is not None:
                    held.merge(content)
        minute.tallies.clear()


def _series_of(
    name: str, queue: str, outcome: str, tally: Tally
) -> Iterator[tuple[str, Counter | Histogram]]:
    number = Counter(tally.number, tally.number)
    yield f"job:{name}:{outcome}", number
    yield f"queue:{queue}:{outcome}", number
    yield f"queue:{queue}:throughput", number
    yield f"global:status:{outcome}", number
    yield f"queue:{queue}:wait_time", tally.waited
    if outcome in _TIMED:
        yield f"job:{name}:execution_time", tally.ran
        yield f"queue:{queue}:execution_time", tally.ran


def _series_number(outcome: str) -> int:
    """Of how many series an outcome is an observation."""
    return sum(1 for _ in _series_of("", "", outcome, Tally()))
