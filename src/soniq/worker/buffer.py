"""Claimed jobs that wait for a slot, in the order they should start."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, zip_longest
from operator import attrgetter
from typing import NamedTuple

from soniq.records import ClaimedJob


class Buffered(NamedTuple):
    job: ClaimedJob
    since: float
    """Loop time at which it was claimed."""


class Buffer:
    """Better priorities first; within one priority in the order of the claims.

    A batch is dealt out queue by queue, so that the head of a short queue does not wait behind the
    backlog of another.
    """

    def __init__(self) -> None:
        self._lanes: dict[int, deque[Buffered]] = {}
        self._priorities: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Buffered]:
        return chain.from_iterable(self._lanes[priority] for priority in self._priorities)

    @property
    def worst_priority(self) -> int | None:
        """The least urgent priority that waits here, None when nothing does."""
        return next((p for p in reversed(self._priorities) if self._lanes[p]), None)

    def add(self, jobs: Iterable[ClaimedJob], now: float) -> None:
        """Append one claim's jobs, which come in claim order."""
        for priority, group in groupby(jobs, attrgetter("priority")):
            lane = self._lanes.get(priority)
            if lane is None:
                insort(self._priorities, priority)
                lane = self._lanes[priority] = deque()
            before = len(lane)
            lane.extend(Buffered(job, now) for job in _dealt(list(group)))
            self._size += len(lane) - before

    def pop(self) -> Buffered:
        """The next to start. IndexError when there is none."""
        for priority in self._priorities:
            if lane := self._lanes[priority]:
                self._size -= 1
                return lane.popleft()
        raise IndexError("pop from an empty buffer")

    def take_older(self, than: float, keep: int) -> list[ClaimedJob]:
        """Remove what was claimed before `than`, except the first `keep` in line."""
        taken = [item.job for item in list(self)[keep:] if item.since < than]
        self.remove({job.id for job in taken})
        return taken

    def remove(self, ids: set[str]) -> list[ClaimedJob]:
        """Remove these jobs, if they are here, and return them."""
        removed = [item.job for item in self if item.job.id in ids] if ids else []
        if removed:
            for priority, lane in self._lanes.items():
                self._lanes[priority] = deque(item for item in lane if item.job.id not in ids)
            self._size -= len(removed)
        return removed

    def clear(self) -> list[ClaimedJob]:
        """Remove and return everything."""
        jobs = [item.job for item in self]
        self._lanes.clear()
        self._priorities.clear()
        self._size = 0
        return jobs


def _dealt(jobs: list[ClaimedJob]) -> list[ClaimedJob]:
    """One job of each queue in turn, each queue's own order kept."""
    queues: dict[str, list[ClaimedJob]] = {}
    for job in jobs:
        queues.setdefault(job.queue, []).append(job)
    if len(queues) == 1:
        return jobs
    return [job for turn in zip_longest(*queues.values()) for job in turn if job is not None]
