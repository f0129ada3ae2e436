"""Lists of dead letters, page by page."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from soniq.backends.dead_letters import DeadLetterJob, Picked, Selection
from soniq.backends.overview import EXACT
from soniq.dashboard.answers import DeadLetter, Job, JobsPage, LettersPage
from soniq.dashboard.cursors import FOREIGN, read, written
from soniq.dashboard.desk import Desk
from soniq.dashboard.operations import Refused
from soniq.dashboard.questions import Page


async def letters_page(desk: Desk, selection: Selection, page: Page) -> LettersPage:
    """A page of the dead letters that match, the one given up last first."""
    letters, told = await _page(desk, selection, page)
    return LettersPage(jobs=[desk.shown_letter(one) for one in letters], **told)


async def letters_as_jobs(desk: Desk, selection: Selection, page: Page) -> JobsPage:
    """The same, with the keys that every job has."""
    letters, told = await _page(desk, selection, page)
    return JobsPage(jobs=[_as_job(desk.shown_letter(one)) for one in letters], **told)


def _as_job(letter: DeadLetter) -> Job:
    return Job(**{field.name: getattr(letter, field.name) for field in fields(Job)})


async def _page(
    desk: Desk, selection: Selection, page: Page
) -> tuple[list[DeadLetterJob], dict[str, Any]]:
    after = _place(page.cursor)
    picked = await desk.ask(
        lambda backend: backend.dead_letters.pick(
            selection, after=after, limit=page.limit + 1, offset=page.offset
        )
    )
    shown = picked[: page.limit]
    letters = await desk.ask(lambda backend: backend.dead_letters.show([one.id for one in shown]))
    more = len(picked) > page.limit
    total, estimated = await _total(desk, selection)
    return letters, {
        "total_count": total,
        "estimated": estimated,
        "limit": page.limit,
        "offset": page.offset,
        "has_more": more,
        "next_cursor": written(shown[-1].id, shown[-1].moved_at) if more else None,
    }


async def _total(desk: Desk, selection: Selection) -> tuple[int, bool]:
    if selection == Selection():
        counts = await desk.counts()
        number = sum(each.dead_letter for each in counts.queues)
        return number, counts.estimated and number > EXACT
    number = await desk.memo.recall(
        selection, lambda: desk.ask(lambda backend: backend.dead_letters.count(selection))
    )
    return number, False


def _place(cursor: str | None) -> Picked | None:
    if cursor is None:
        return None
    job_id, moved = read(cursor)
    if moved is None:
        raise Refused(400, FOREIGN)
    return Picked(job_id, "", moved, 0)
