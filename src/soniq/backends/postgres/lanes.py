"""Where a worker's next claim looks: lanes, floors and shares. No I/O, no clock of its own.

A lane is a (queue, priority) that has, or may have, queued jobs. Its floor is the point in the
lane's order, a pair of due time and id, before which this worker need not look again: without it
every claim would walk over the index entries of all jobs claimed since the oldest open
transaction began. Floors and the set of lanes are only hints. What lowers a floor or adds a lane
is an announcement or a discovery; both may say too much, and the next claim corrects them.

Times that end in ``_at`` are readings of the event loop's clock; floors are the database's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from itertools import count, groupby
from math import ceil
from typing import Final, NamedTuple

MAX_LANES: Final = 256
"""Lanes one claim walks at most."""

LOWEST_ID: Final = "00000000-0000-0000-0000-000000000000"


class LaneKey(NamedTuple):
    """A lane's name."""

    queue: str
    priority: int


class Floor(NamedTuple):
    """Where in a lane to start looking."""

    due: datetime
    id: str


class News(NamedTuple):
    """A lane has jobs that an earlier look may have missed; the earliest is due at `due`."""

    lane: LaneKey
    due: datetime
    wait: float
    """Seconds until then; 0 or less when it is due."""
    id: str = LOWEST_ID


class Pick(NamedTuple):
    """One lane of a planned claim: where to start, and how many jobs at most."""

    lane: LaneKey
    floor: Floor
    share: int


class Answer(NamedTuple):
    """What one planned claim found."""

    taken: Mapping[LaneKey, tuple[int, Floor]]
    """By lane: how many jobs were claimed, and the place of the last one."""
    next_due: Mapping[LaneKey, float | None]
    """By lane that was asked: seconds until its next future job."""
    now: datetime | None
    """The database's time of the claim, if a lane was asked."""


@dataclass(slots=True)
class _Lane:
    floor: Floor
    opens_at: float
    turn: int
    discovered: bool = False


class Lanes:
    """The lanes of one worker.

    Args:
        queues: the queues it serves, None for all.
    """

    def __init__(self, queues: Collection[str] | None) -> None:
        self._queues = None if queues is None else frozenset(queues)
        self._lanes: dict[LaneKey, _Lane] = {}
        self._turns = count()
        self._since: list[News] | None = None

    def serves(self, queue: str) -> bool:
        return self._queues is None or queue in self._queues

    # --- what comes in -------------------------------------------------------------------------

    def announce(self, news: Iterable[News], now_at: float) -> None:
        """Look again where `news` says, even if a claim under way may have looked already."""
        served = [one for one in news if self.serves(one.lane.queue)]
        if self._since is not None:
            self._since.extend(served)
        for one in served:
            self._apply(one, now_at)

    def _apply(self, news: News, now_at: float) -> None:
        opens_at = now_at + max(0.0, news.wait)
        floor = Floor(news.due, news.id)
        lane = self._lanes.get(news.lane)
        if lane is None:
            self._lanes[news.lane] = _Lane(floor, opens_at, next(self._turns))
        else:
            lane.floor = min(lane.floor, floor)
            lane.opens_at = min(lane.opens_at, opens_at)

    def begin(self) -> None:
        """A claim or discovery sets out: from here on, news is kept to be applied to its result."""
        self._since = []

    def end(self, now_at: float) -> None:
        """It is back, or lost; its result, if any, has been applied."""
        since, self._since = self._since or [], None
        for news in since:
            self._apply(news, now_at)

    def discovered(self, found: Iterable[News], now_at: float) -> None:
        """Take over the first job of each lane as a look at the whole index has found it."""
        for news in found:
            lane = self._lanes.get(news.lane)
            turn = lane.turn if lane else next(self._turns)
            opens_at = now_at + max(0.0, news.wait)
            self._lanes[news.lane] = _Lane(Floor(news.due, news.id), opens_at, turn, True)

    # --- a claim -------------------------------------------------------------------------------

    def plan(self, limit: int, now_at: float) -> list[Pick]:
        """The lanes of the next claim, in the order in which it walks them.

        Lanes of one priority share the limit, and what a share cuts off must not be passed by
        a worse priority: so such a group ends the plan.
        """
        first = nsmallest(MAX_LANES, self._open(now_at))
        picks: list[Pick] = []
        for _, group in groupby(first, key=lambda entry: entry[0]):
            keys = [key for _, _, key in group]
            share = ceil(limit / len(keys))
            picks += [Pick(key, self._lanes[key].floor, share) for key in keys]
            if len(keys) > 1:
                break
        return picks

    def _open(self, now_at: float) -> Iterable[tuple[int, int, LaneKey]]:
        for key, lane in self._lanes.items():
            if lane.opens_at <= now_at:
                yield key.priority, lane.turn, key

    def walks_discovered(self, picks: Iterable[Pick]) -> bool:
        """Whether a claim of `picks` may have to walk what it would not have without discovery."""
        return any(self._lanes[pick.lane].discovered for pick in picks)

    def claimed(self, picks: Sequence[Pick], limit: int, answer: Answer, now_at: float) -> None:
        """Learn from the answer to a claim of `picks` under `limit`."""
        left = limit
        for key, _, share in picks:
            taken, last = answer.taken.get(key, (0, None))
            asked = min(share, left)
            left -= taken
            if taken < asked and answer.now is not None and key in answer.next_due:
                self._exhausted(key, answer.next_due[key], answer.now, now_at)
            elif last is not None:
                lane = self._lanes[key]
                self._lanes[key] = _Lane(last, lane.opens_at, next(self._turns))

    def _exhausted(self, key: LaneKey, wait: float | None, now: datetime, now_at: float) -> None:
        """Nothing due is left: the lane leaves the walk until its next job is due, if any."""
        if wait is None:
            del self._lanes[key]
        else:
            floor = Floor(now, LOWEST_ID)
            self._lanes[key] = _Lane(floor, now_at + wait, next(self._turns))

    # --- what is known -------------------------------------------------------------------------

    def next_at(self) -> float | None:
        """When the first lane is worth a claim; None when no lane is known."""
        return min((lane.opens_at for lane in self._lanes.values()), default=None)
