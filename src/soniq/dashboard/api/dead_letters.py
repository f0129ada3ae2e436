"""Dead letters: lists, replaying and deleting them, one or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from soniq.backends.dead_letters import DeadLetterJob, Selection
from soniq.dashboard.answers import BulkCount, Count, DeadLetter, LettersPage, ReplayMessage
from soniq.dashboard.letters import letters_page
from soniq.dashboard.operations import Asked, Operation, Refused
from soniq.dashboard.questions import BulkOrder, DeadLettersQuestion, LetterFilter
from soniq.dead_letter import DeadLetterFilter

_UNKNOWN: Final = "There is no such dead letter; it may have been deleted since."
_SAMPLE: Final = 10


async def dead_letters(asked: Asked[DeadLettersQuestion, Any]) -> LettersPage:
    """Dead letters, the one given up last first."""
    page = asked.query
    selection = Selection(
        job_names=(page.job_name,) if page.job_name else None,
        queues=(page.queue,) if page.queue else None,
        reasons=(page.reason.value,) if page.reason else None,
    )
    return await letters_page(asked.desk, selection, page)


async def dead_letter(asked: Asked[Any, Any]) -> DeadLetter:
    """A dead letter, and what became of it."""
    return asked.desk.shown_letter(await _letter(asked, missing=404))


async def replay(asked: Asked[Any, Any]) -> ReplayMessage:
    """Make a new job of a dead letter, which stays."""
    letter = await _letter(asked, missing=400)
    replayed = await asked.desk.app.dead_letter.replay_one(letter.id)
    if replayed is None:
        raise Refused(
            400,
            f"Not replayed: the job {letter.job_name} is not registered here. Start the dashboard"
            " with the code of the jobs: soniq dashboard APP.",
        )
    if not replayed.is_new:
        told = f"Not replayed: the job {replayed.job_id} holds its dedup key"
        return ReplayMessage(told, replayed.job_id)
    return ReplayMessage(f"Replayed {letter.id} as {replayed.job_id}", replayed.job_id)


async def delete(asked: Asked[Any, Any]) -> Count:
    """Delete a dead letter for good."""
    if not await asked.desk.app.dead_letter.delete_dead_letter_job(asked.path["id"]):
        raise Refused(400, _UNKNOWN)
    return Count(f"Deleted {asked.path['id']}", 1)


async def _letter(asked: Asked[Any, Any], *, missing: int) -> DeadLetterJob:
    letter = await asked.desk.app.dead_letter.get_dead_letter_job(asked.path["id"])
    if letter is None:
        raise Refused(missing, _UNKNOWN)
    return letter


# --- many ----------------------------------------------------------------------------------------


async def replay_many(asked: Asked[Any, BulkOrder]) -> BulkCount:
    """Make new jobs of all dead letters that a filter means."""
    ids, which = _meant(asked.body)
    if asked.body.dry_run:
        return await _would(asked, "replay", ids, which)
    letters = asked.desk.app.dead_letter
    wanted = count = 0
    if ids is not None:
        replayed = [await letters.replay_one(each) for each in ids]
        wanted, count = len(ids), sum(one is not None and one.is_new for one in replayed)
    else:
        async for batch in letters.replaying(which):
            wanted, count = wanted + batch.asked, count + len(batch.replayed)
    return BulkCount(_told("Replayed", count, wanted), count)


async def delete_many(asked: Asked[Any, BulkOrder]) -> BulkCount:
    """Delete all dead letters that a filter means."""
    ids, which = _meant(asked.body)
    if asked.body.dry_run:
        return await _would(asked, "delete", ids, which)
    letters = asked.desk.app.dead_letter
    wanted = count = 0
    if ids is not None:
        gone = [await letters.delete_dead_letter_job(each) for each in ids]
        wanted, count = len(ids), sum(gone)
    else:
        async for batch in letters.deleting(which):
            wanted, count = wanted + batch.asked, count + len(batch.deleted)
    return BulkCount(_told("Deleted", count, wanted), count)


def _told(done: str, count: int, wanted: int) -> str:
    of = "" if count == wanted else f" of {wanted}"
    return f"{done} {count}{of} dead letter{'' if wanted == 1 else 's'}"


async def _would(
    asked: Asked[Any, Any], verb: str, ids: Sequence[str] | None, which: DeadLetterFilter
) -> BulkCount:
    if ids is not None:
        there = await asked.desk.ask(lambda backend: backend.dead_letters.show(ids))
        sample, count = [one.id for one in there[:_SAMPLE]], len(there)
    else:
        count = await asked.desk.app.dead_letter.count(which)
        which.limit = _SAMPLE
        first = await asked.desk.app.dead_letter.list_dead_letter_jobs(which)
        sample = [one.id for one in first]
    return BulkCount(f"Dry run: would {verb} {count}", count, sample)


def _meant(order: BulkOrder) -> tuple[list[str] | None, DeadLetterFilter]:
    """The ids that are given, else a filter."""
    one = order.filter
    if isinstance(one, str):
        return None, DeadLetterFilter(job_names=[one])
    which = DeadLetterFilter(
        job_names=_either(one.job_names, one.job_name),
        reasons=_either(one.reasons, one.reason),
        queues=_either(one.queues, one.queue),
    )
    if one.ids is None:
        return None, which
    if _has_conditions(one):
        raise Refused(400, "Give ids, or conditions, and not both.")
    return list(dict.fromkeys(one.ids)), which


def _has_conditions(one: LetterFilter) -> bool:
    return bool(one.model_dump(exclude={"ids"}, exclude_none=True))


def _either(many: Sequence[Any] | None, one: Any) -> list[Any] | None:
    if many is not None and one is not None:
        raise Refused(400, "Give a list, or a single value, and not both.")
    return [one] if one is not None else None if many is None else list(many)


OPERATIONS: Final = (
    Operation("GET", "/api/dead-letter", dead_letters, LettersPage, query=DeadLettersQuestion),
    Operation(
        "POST",
        "/api/dead-letter/replay",
        replay_many,
        BulkCount,
        body=BulkOrder,
        action="dead_letter.replay",
    ),
    Operation(
        "POST",
        "/api/dead-letter/delete",
        delete_many,
        BulkCount,
        body=BulkOrder,
        action="dead_letter.delete",
    ),
    Operation(
        "GET",
        "/api/dead-letter/{id}",
        dead_letter,
        DeadLetter,
        errors={404: "There is no such dead letter."},
    ),
    Operation("DELETE", "/api/dead-letter/{id}", delete, Count, action="dead_letter.delete"),
    Operation(
        "POST",
        "/api/dead-letter/{id}/replay",
        replay,
        ReplayMessage,
        action="dead_letter.replay",
    ),
)
