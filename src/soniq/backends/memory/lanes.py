"""Queued rows in claim order.

A lane is the queued rows of one queue and one priority. Inside it every job name has a heap of its
own, so that rows of names a worker does not know cost its claims nothing, however many wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from operator import attrgetter

from soniq.backends.memory.rows import Row

Entry = tuple[datetime, str, int, Row]
_claim_order = attrgetter("scheduled_at", "id")
_COMPACT_FROM = 64


class Lane:
    """The queued rows of one queue and one priority."""

    def __init__(self) -> None:
        self._heaps: dict[str, list[Entry]] = {}
        self._stale = 0

    def __bool__(self) -> bool:
        return bool(self._heaps)

    def add(self, entry: Entry) -> None:
        heappush(self._heaps.setdefault(entry[3].job_name, []), entry)

    def forget(self) -> None:
        """Count one more stale entry; drop them all once they are most of the lane."""
        self._stale += 1
        if self._stale > _COMPACT_FROM and self._stale * 2 > sum(map(len, self._heaps.values())):
            for name, heap in list(self._heaps.items()):
                self._keep(name, [entry for entry in heap if entry[2] == entry[3].ticket])
            self._stale = 0

    def _keep(self, name: str, heap: list[Entry]) -> None:
        heapify(heap)
        self._heaps[name] = heap
        self._drop_if_empty(name)

    def _drop_if_empty(self, name: str) -> None:
        if not self._heaps[name]:
            del self._heaps[name]

    def _fresh(self, without: Collection[str]) -> dict[str, list[Entry]]:
        """The heaps of all names but `without`, each with a live entry at its head."""
        fresh = {}
        for name, heap in list(self._heaps.items()):
            if name not in without:
                while heap and heap[0][2] != heap[0][3].ticket:
                    heappop(heap)
                    self._stale -= 1
                if heap:
                    fresh[name] = heap
                else:
                    del self._heaps[name]
        return fresh

    def take(self, limit: int, now: datetime, without: Collection[str]) -> list[Row]:
        """Remove and return at most `limit` due rows, in order of due time and id."""
        taken: list[Row] = []
        heads = [(heap[0], name, heap) for name, heap in self._fresh(without).items()]
        heapify(heads)
        while heads and len(taken) < limit:
            _, name, heap = heads[0]
            # A heap is read on while it stays ahead of the others: mostly there is only one.
            rival = min((head[0] for head in heads[1:3]), default=None)
            self._take_run(heap, limit, now, rival, taken)
            if heap and heap[0][0] <= now:
                heapreplace(heads, (heap[0], name, heap))
            else:
                heappop(heads)
            self._drop_if_empty(name)
        return taken

    def _take_run(
        self,
        heap: list[Entry],
        limit: int,
        now: datetime,
        rival: Entry | None,
        taken: list[Row],
    ) -> None:
        while heap and len(taken) < limit:
            due, _, ticket, row = heap[0]
            if due > now or (rival is not None and heap[0] > rival):
                return
            heappop(heap)
            if ticket == row.ticket:
                row.ticket = 0
                taken.append(row)
            else:
                self._stale -= 1

    def next_due(self, without: Collection[str]) -> datetime | None:
        return min((heap[0][0] for heap in self._fresh(without).values()), default=None)

    def names(self) -> Collection[str]:
        return self._heaps.keys()

    def rows(self, names: Collection[str]) -> Iterator[Row]:
        """The rows of these names, in no order."""
        for name in names:
            for _, _, ticket, row in self._heaps.get(name, ()):
                if ticket == row.ticket:
                    yield row


class Lanes:
    """All lanes: those of a better priority first, those of one priority in turns."""

    def __init__(self) -> None:
        self._lanes: dict[int, dict[str, Lane]] = {}
        self._tickets = count(1)

    def add(self, row: Row) -> None:
        queues = self._lanes.setdefault(row.priority, {})
        lane = queues.get(row.queue)
        if lane is None:
            lane = queues[row.queue] = Lane()
        row.ticket = next(self._tickets)
        lane.add((row.scheduled_at, row.id, row.ticket, row))

    def remove(self, row: Row) -> None:
        row.ticket = 0
        self._lanes[row.priority][row.queue].forget()
        self._drop_if_empty(row.priority, row.queue)

    def _drop_if_empty(self, priority: int, queue: str) -> None:
        queues = self._lanes.get(priority, {})
        if queue in queues and not queues[queue]:
            del queues[queue]
            if not queues:
                del self._lanes[priority]

    def _served(self, queues: Collection[str] | None) -> Iterator[tuple[int, dict[str, Lane]]]:
        """By priority, best first: the lanes of these queues (None: of all)."""
        for priority in sorted(self._lanes):
            lanes = self._lanes[priority]
            names = list(lanes) if queues is None else [name for name in queues if name in lanes]
            if names:
                yield priority, {name: lanes[name] for name in sorted(names)}

    def take(
        self,
        limit: int,
        now: datetime,
        queues: Collection[str] | None,
        without: Collection[str],
        turns: dict[int, str],
    ) -> list[Row]:
        """Remove and return at most `limit` due rows in claim order.

        `turns` says for each priority which queue had the last turn; it is kept up to date.
        """
        taken: list[Row] = []
        for priority, lanes in self._served(queues):
            taken += self._take_turns(priority, lanes, limit - len(taken), now, without, turns)
            if len(taken) >= limit:
                break
        return taken

    def _take_turns(
        self,
        priority: int,
        lanes: dict[str, Lane],
        limit: int,
        now: datetime,
        without: Collection[str],
        turns: dict[int, str],
    ) -> list[Row]:
        last = turns.get(priority, "")
        waiting = [name for name in lanes if name > last] + [name for name in lanes if name <= last]
        shared = len(waiting) > 1
        taken: list[Row] = []
        while waiting and len(taken) < limit:
            share = max(1, (limit - len(taken)) // len(waiting))
            for queue in list(waiting):
                wanted = min(share, limit - len(taken))
                rows = lanes[queue].take(wanted, now, without)
                self._drop_if_empty(priority, queue)
                if len(rows) < wanted:
                    waiting.remove(queue)
                taken += rows
                if rows and shared:
                    turns[priority] = queue
                if len(taken) >= limit:
                    break
        if shared:
            taken.sort(key=_claim_order)
        return taken

    def next_due(self, queues: Collection[str] | None, without: Collection[str]) -> datetime | None:
        """When the first row of these queues is due; None when there is none."""
        times = (
            lane.next_due(without) for _, lanes in self._served(queues) for lane in lanes.values()
        )
        return min((time for time in times if time is not None), default=None)

    def names(self) -> set[str]:
        """The job names of all rows, and perhaps of some that have gone."""
        lanes = (lane for _, lanes in self._served(None) for lane in lanes.values())
        return {name for lane in lanes for name in lane.names()}

    def rows(self, queues: Collection[str] | None, names: Collection[str]) -> Iterator[Row]:
        """The rows of these queues and names, in no order."""
        for _, lanes in self._served(queues):
            for lane in lanes.values():
                yield from lane.rows(names)
