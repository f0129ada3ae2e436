"""Lists of jobs, page by page, in a time that does not grow with the number of jobs.

A list walks from the newest job down, or from the one that ended last where jobs are listed that
have ended. What it finds within a fraction of a second is the page; where that is less than was
asked for, the page says from where to go on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from soniq.backends.overview import ENDED, EXACT, Condition, Found, Place
from soniq.dashboard.answers import Job, JobsPage
from soniq.dashboard.cursors import FOREIGN, read, written
from soniq.dashboard.desk import Desk
from soniq.dashboard.operations import Refused
from soniq.dashboard.questions import Page
from soniq.dashboard.seen import only_seen
from soniq.records import JobStatus

_FIRST_ROWS: Final = 2_000
_MOST_ROWS: Final = 50_000
_MOST_READ: Final = 16_000
"""Rows of a look that reads their arguments."""
_SECONDS: Final = 0.08


@dataclass(slots=True)
class _Walk:
    """What a walk has come to."""

    places: list[Place] = field(default_factory=list)
    looked_at: int = 0
    matching: int = 0
    rest_from: Place | None = None

    def add(self, found: Found) -> None:
        """What one look has brought."""
        self.places += found.places
        self.looked_at += found.looked_at
        self.matching += found.matching
        self.rest_from = found.rest_from


async def jobs_page(desk: Desk, condition: Condition, page: Page) -> JobsPage:
    """A page of the jobs that match."""
    below = _place(page.cursor, condition)
    known = await _by_id(desk, condition) if below is None else None
    if known is not None:
        return _answer(page, [known], 1, None, estimated=False)
    wanted = page.offset + page.limit
    walk = await _walk(desk, condition, below, wanted + 1)
    ids = [place.id for place in walk.places[page.offset : wanted]]
    jobs = await desk.look_up(lambda one: one.show(ids))
    total, estimated = await _total(desk, condition, walk, whole=below is None)
    after = walk.places[wanted - 1] if len(walk.places) > wanted else walk.rest_from
    return _answer(page, [desk.shown(job) for job in jobs], total, after, estimated=estimated)


def _answer(
    page: Page, jobs: list[Job], total: int, after: Place | None, *, estimated: bool
) -> JobsPage:
    return JobsPage(
        jobs=jobs,
        total_count=total,
        estimated=estimated,
        limit=page.limit,
        offset=page.offset,
        has_more=after is not None,
        next_cursor=None if after is None else written(*after),
    )


async def _walk(desk: Desk, condition: Condition, below: Place | None, most: int) -> _Walk:
    """Look at more and more rows, until there are enough, or none left, or the time is over."""
    walk = _Walk(rest_from=below)
    deadline = time.monotonic() + _SECONDS
    rows = first = max(_FIRST_ROWS, most)
    cap = _MOST_ROWS if condition.text is None else _MOST_READ
    while True:
        began = time.monotonic()
        found = await _look(desk, condition, walk.rest_from, most - len(walk.places), rows)
        walk.add(found)
        if found.rest_from is None or len(walk.places) >= most:
            return walk
        now = time.monotonic()
        # As many as the time that is left will do for, at the pace of this look.
        affordable = int(rows * (deadline - now) / max(now - began, 1e-6))
        rows = min(rows * 4, max(cap, first), affordable)
        if rows < first:
            return walk


async def _look(
    desk: Desk, condition: Condition, below: Place | None, most: int, rows: int
) -> Found:
    found = await desk.look_up(lambda one: one.find(condition, below=below, most=most, rows=rows))
    if condition.text is None or not found.places:
        return found
    return await only_seen(desk, condition.text, found, most)


async def _total(desk: Desk, condition: Condition, walk: _Walk, *, whole: bool) -> tuple[int, bool]:
    """How many match in all, and whether that is judged by those that were looked at."""
    if whole and walk.rest_from is None:
        return walk.matching, False
    counts = await desk.counts()
    queues = [each for each in counts.queues if condition.queue in (None, each.queue)]
    statuses = [condition.status] if condition.status else _LIVING
    number = sum(getattr(each, status) for each in queues for status in statuses)
    if condition.job_name is None and condition.text is None:
        judged = condition.status not in _COUNTED or number > EXACT
        return number, counts.estimated and judged
    walked = ENDED if condition.status in ENDED else _LIVING
    every = sum(getattr(each, status) for each in counts.queues for status in walked)
    share = walk.matching / walk.looked_at if walk.looked_at else 0.0
    return max(walk.matching, min(number, round(share * every))), True


_COUNTED: Final = (JobStatus.QUEUED, JobStatus.PROCESSING)
_LIVING: Final = tuple(status.value for status in JobStatus if status is not JobStatus.DEAD_LETTER)


async def _by_id(desk: Desk, condition: Condition) -> Job | None:
    """The job, or dead letter, whose whole id is looked for."""
    text = (condition.text or "").strip().lower()
    if not _is_id(text):
        return None
    job = await desk.app.get_job(text)
    if job is None or not _fulfils(job["queue"], job["status"], job["job_name"], condition):
        return None
    return desk.shown(job)


def _fulfils(queue: str, status: str, name: str, condition: Condition) -> bool:
    return (
        condition.queue in (None, queue)
        and condition.status in (None, status)
        and condition.job_name in (None, name)
    )


def _place(cursor: str | None, condition: Condition) -> Place | None:
    if cursor is None:
        return None
    job_id, moment = read(cursor)
    if (moment is not None) is not (condition.status in ENDED):
        raise Refused(400, FOREIGN)
    return Place(job_id, moment)


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
