"""Which jobs a claim takes: by priority, and in turns among the queues of one priority.

A lane is a queue and a priority that have queued jobs. Looking at the lanes costs the same however
many jobs wait in them.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from pydantic_core import to_json

from soniq.backends.sqlite.database import Database

MAX_LANES: Final = 256
"""Queues of one priority that a claim looks into; of more, the next ones at the next claim."""
MAX_BYTES: Final = 4 * 1024 * 1024
"""Arguments in one claim."""


MANY_LANES: Final = 64
"""From here on looking at the lanes takes so long that it is done less often."""
_REST_FACTOR: Final = 20
_LONGEST_REST: Final = 0.25


class Lane(NamedTuple):
    """A queue and a priority with queued jobs."""

    queue: str
    priority: int
    due: str
    """When its first job is due."""


def text_of(values: Iterable[object]) -> str:
    """A JSON array, for statements that take lists."""
    return to_json(list(values)).decode()


def look(database: Database, queues: Collection[str] | None) -> list[Lane]:
    """The lanes of these queues, None for all."""
    if queues is None:
        found = database.json("lanes")
    else:
        found = database.json("lanes_of_queues", queues=text_of(queues))
    return [Lane(*lane) for lane in found]


def rest_after(begun: float) -> float:
    """Seconds before the next look, for one that began then (monotonic) and ends now: looking gets
    a twentieth of the time, and is never put off for long."""
    return min(_LONGEST_REST, (time.monotonic() - begun) * _REST_FACTOR)


class Basket:
    """The rows one claim has taken so far, and whether it may take more."""

    def __init__(self, limit: int) -> None:
        self.rows: list[int] = []
        self._limit = limit
        self._bytes = 0

    @property
    def room(self) -> int:
        return 0 if self._bytes >= MAX_BYTES else self._limit - len(self.rows)

    def add(self, found: Iterable[tuple[str, int, int]]) -> list[int]:
        """Put in what fits of some (queue, row, bytes) and return those rows."""
        start = len(self.rows)
        for _, row, size in found:
            if not self.room:
                break
            self.rows.append(row)
            self._bytes += size
        return self.rows[start:]


class Taker:
    """Takes jobs for one worker, and remembers which queue had the last turn at each priority."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._last: dict[int, str] = {}

    def take(
        self, database: Database, lanes: Iterable[Lane], now: str, limit: int, without: str
    ) -> list[int]:
        """Claim at most `limit` due jobs in a write transaction and return their row numbers.

        Args:
            database: with the write transaction.
            lanes: where to look.
            now: the time.
            limit: how many.
            without: names to leave alone, as a JSON array.
        """
        basket = Basket(limit)
        by_priority = attrgetter("priority")
        for priority, group in groupby(sorted(lanes, key=by_priority), key=by_priority):
            waiting = self._in_turn(priority, sorted(lane.queue for lane in group))
            while waiting and basket.room:
                asked = waiting[: min(basket.room, MAX_LANES)]
                share = basket.room // len(asked)
                found = database.json(
                    "pick",
                    queues=text_of(asked),
                    priority=priority,
                    now=now,
                    without=without,
                    share=share,
                )
                database.change(
                    "claim", rows=text_of(basket.add(found)), worker=self._worker, now=now
                )
                self._last[priority] = asked[-1]
                waiting = waiting[len(asked) :] + _not_emptied(asked, found, share)
        return basket.rows

    def _in_turn(self, priority: int, queues: list[str]) -> list[str]:
        """The queues, beginning after the one that had the last turn."""
        start = bisect_right(queues, self._last.get(priority, ""))
        return queues[start:] + queues[:start]


def _not_emptied(asked: list[str], found: list[tuple[str, int, int]], share: int) -> list[str]:
    counts = Counter(queue for queue, _, _ in found)
    return [queue for queue in asked if counts[queue] == share]
