"""Claims: which lanes to ask, one statement, and what its answer teaches."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from asyncpg import Record

from soniq.backends.postgres.connection import Database, Link, Rows
from soniq.backends.postgres.discovery import Alarm, Discovery
from soniq.backends.postgres.lanes import Answer, Floor, LaneKey, Lanes, News, Pick
from soniq.backends.postgres.wakeups import Announcement
from soniq.records import Claimed, ClaimedJob

_STATEMENTS_A_CALL: Final = 8
_LANES_A_LOOK: Final = 10_000
_claim_order = attrgetter("priority", "scheduled_at", "id")


class Claims:
    """One worker's claims.

    Args:
        database: whose jobs to claim.
        link: the connection to claim through.
        worker_id: who claims.
        queues: the queues served, None for all.
        poll_interval: seconds after which everything there is has been found.
    """

    def __init__(
        self,
        database: Database,
        link: Link,
        worker_id: str,
        queues: Sequence[str] | None,
        poll_interval: float,
    ) -> None:
        self._database = database
        self._link = link
        self._worker_id = worker_id
        self._queues = None if queues is None else list(queues)
        self._lanes = Lanes(queues)
        self._suspects = Alarm()
        self._discovery = Discovery(poll_interval)
        self._look_after = ("", 0)

    # --- what others tell ----------------------------------------------------------------------

    def announce(self, told: Announcement) -> Announcement:
        """Look again where jobs arrived; the part of it that concerns this worker."""
        served = told.served(self._lanes.serves)
        now_at = _now()
        self._lanes.announce(served.news, now_at)
        for news in served.suspects:
            self._suspects.set(now_at + max(0.0, news.wait))
        return served

    def forget(self) -> None:
        """Something may have been missed: look everywhere again."""
        self._discovery.wanted()

    # --- claims --------------------------------------------------------------------------------

    async def claim(self, limit: int, without: Collection[str]) -> Claimed:
        if self._discovery.is_due(_now()):
            await self._discover()
        jobs: list[ClaimedJob] = []
        for _ in range(_STATEMENTS_A_CALL):
            picks = self._lanes.plan(limit - len(jobs), _now())
            if not picks:
                break
            more = await self._claim(picks, limit - len(jobs), without)
            jobs = sorted(jobs + more, key=_claim_order) if jobs else more
            if len(jobs) >= limit:
                break
        return self._claimed(jobs, all_due_taken=len(jobs) < limit)

    async def _claim(
        self, picks: Sequence[Pick], limit: int, without: Collection[str]
    ) -> list[ClaimedJob]:
        with self._timed(self._lanes.walks_discovered(picks)), self._listening():
            rows = await self._link.fetch(
                "claim", *_columns(picks), limit, self._worker_id, list(without)
            )
            jobs, lanes = _split(rows)
            jobs.sort(key=_claim_order)
            answer = _answer(picks, jobs, lanes)
            self._lanes.claimed(picks, limit, answer, _now())
        return jobs

    async def claim_suspect(self, without: Collection[str]) -> Claimed:
        with self._listening():
            rows = await self._link.fetch(
                "claim_suspect", self._queues, self._worker_id, list(without)
            )
            jobs, (following,) = _split(rows)
            self._suspects.found(_wait(following), _now())
        return self._claimed(jobs, all_due_taken=not jobs)

    def _claimed(self, jobs: list[ClaimedJob], *, all_due_taken: bool) -> Claimed:
        now_at = _now()
        suspects = self._suspects.rings(now_at)
        times = [self._lanes.next_at(), self._discovery.wanted_at(), self._suspects.ahead(now_at)]
        next_at = min((time for time in times if time is not None), default=None)
        if next_at is None or not all_due_taken:
            return Claimed(jobs, None, suspects)
        return Claimed(jobs, max(0.0, next_at - now_at), suspects)

    # --- discovery -----------------------------------------------------------------------------

    async def _discover(self) -> None:
        with self._timed(True), self._listening():
            rows = await self._look()
            now_at = _now()
            found = [_news(row) for row in rows if row["queue"] is not None]
            self._lanes.discovered(found, now_at)
            self._suspects.found(rows[-1]["wait"], now_at)
            self._discovery.done(now_at)
        self._go_on_after(found)

    async def _look(self) -> Rows:
        if self._queues is not None:
            return await self._link.fetch("discover_served", self._queues)
        return await self._link.fetch("discover", *self._look_after, _LANES_A_LOOK)

    def _go_on_after(self, found: Sequence[News]) -> None:
        """One look covers so many lanes; the next one takes the rest."""
        if self._queues is None and len(found) == _LANES_A_LOOK:
            self._look_after = found[-1].lane
            self._discovery.wanted()
        else:
            self._look_after = ("", 0)

    @contextmanager
    def _timed(self, counts: bool) -> Iterator[None]:
        started_at = _now()
        try:
            yield
        finally:
            if counts:
                self._discovery.spent(_now() - started_at, _now())

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """What is announced meanwhile is applied again to the result."""
        self._lanes.begin()
        self._suspects.begin()
        try:
            yield
        finally:
            self._lanes.end(_now())
            self._suspects.end()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _columns(picks: Sequence[Pick]) -> tuple[list[Any], ...]:
    keys, floors, shares = zip(*picks, strict=True)
    queues, priorities = zip(*keys, strict=True)
    dues, ids = zip(*floors, strict=True)
    return list(queues), list(priorities), list(dues), list(ids), list(shares)


def _split(rows: Rows) -> tuple[list[ClaimedJob], Rows]:
    """The jobs of a claim's answer, and the rows without an id."""
    end = len(rows)
    while end and rows[end - 1][0] is None:
        end -= 1
    return [ClaimedJob._make(row) for row in rows[:end]], rows[end:]


def _answer(picks: Sequence[Pick], jobs: list[ClaimedJob], lanes: Rows) -> Answer:
    next_due = {LaneKey(row["queue"], row["priority"]): _wait(row) for row in lanes}
    now = lanes[0]["created_at"] if lanes else None
    return Answer(_taken(picks, jobs), next_due, now)


def _taken(picks: Sequence[Pick], jobs: list[ClaimedJob]) -> dict[LaneKey, tuple[int, Floor]]:
    """How many jobs came from each lane, and the place of the last; `jobs` are in claim order."""
    if not jobs:
        return {}
    if len(picks) == 1:
        return {picks[0].lane: (len(jobs), _place(jobs[-1]))}
    taken: dict[LaneKey, tuple[int, Floor]] = {}
    for job in jobs:
        key = LaneKey(job.queue, job.priority)
        number, _ = taken.get(key, (0, None))
        taken[key] = (number + 1, _place(job))
    return taken


def _place(job: ClaimedJob) -> Floor:
    return Floor(job.scheduled_at, job.id)


def _wait(row: Record) -> float | None:
    """Seconds until what a row without an id tells of."""
    due: datetime | None = row["scheduled_at"]
    return None if due is None else (due - row["created_at"]).total_seconds()


def _news(row: Record) -> News:
    key = LaneKey(row["queue"], row["priority"])
    return News(key, row["scheduled_at"], row["wait"], row["id"])
