"""Dead letters: lists, replaying and deleting them, one or many."""

from __future__ import annotations

from typing import Any, Final

from soniq.backends.dead_letters import DeadLetterJob
from soniq.dashboard.answers import BulkCount, Count, DeadLetter, LettersPage, ReplayMessage
from soniq.dashboard.operations import Asked, Operation, Refused
from soniq.dashboard.questions import BulkOrder, DeadLettersQuestion
from soniq.dead_letter import DeadLetterFilter
from soniq.records import JobStatus

_UNKNOWN: Final = "There is no such dead letter; it may have been deleted since."


async def dead_letters(asked: Asked[DeadLettersQuestion, Any]) -> LettersPage:
    """Dead letters, the one given up last first."""
    page = asked.query
    which = _filter(page)
    letters = asked.desk.app.dead_letter
    which.limit, which.offset = page.limit + 1, page.offset
    found = await letters.list_dead_letter_jobs(which)
    which.limit, which.offset = None, 0
    return LettersPage(
        jobs=[_shown(asked, one) for one in found[: page.limit]],
        total_count=await letters.count(which),
        estimated=False,
        limit=page.limit,
        offset=page.offset,
        has_more=len(found) > page.limit,
        next_cursor=None,
    )


async def dead_letter(asked: Asked[Any, Any]) -> DeadLetter:
    """A dead letter, and what became of it."""
    return _shown(asked, await _letter(asked))


async def replay(asked: Asked[Any, Any]) -> ReplayMessage:
    """Make a new job of a dead letter, which stays."""
    letter = await _letter(asked)
    replayed = await asked.desk.app.dead_letter.replay_one(letter.id)
    if replayed is None:
        raise Refused(400, f"Not replayed: the job {letter.job_name} is not registered here.")
    if not replayed.is_new:
        return ReplayMessage(
            f"A live job holds the same dedup key: {replayed.job_id}", replayed.job_id
        )
    return ReplayMessage(f"Replayed as {replayed.job_id}", replayed.job_id)


async def delete(asked: Asked[Any, Any]) -> Count:
    """Delete a dead letter for good."""
    if not await asked.desk.app.dead_letter.delete_dead_letter_job(asked.path["id"]):
        raise Refused(400, _UNKNOWN)
    return Count("Deleted 1 dead letter", 1)


async def replay_many(asked: Asked[Any, BulkOrder]) -> BulkCount:
    """Make new jobs of all dead letters that a filter means."""
    which = _bulk_filter(asked.body)
    if asked.body.dry_run:
        return await _would(asked, which, "replay")
    count = 0
    async for batch in asked.desk.app.dead_letter.replaying(which):
        count += len(batch.replayed)
    return BulkCount(f"Replayed {count} dead letters", count)


async def delete_many(asked: Asked[Any, BulkOrder]) -> BulkCount:
    """Delete all dead letters that a filter means."""
    which = _bulk_filter(asked.body)
    if asked.body.dry_run:
        return await _would(asked, which, "delete")
    count = await asked.desk.app.dead_letter.bulk_delete(which)
    return BulkCount(f"Deleted {count} dead letters", count)


async def _would(asked: Asked[Any, Any], which: DeadLetterFilter, verb: str) -> BulkCount:
    count = await asked.desk.app.dead_letter.count(which)
    which.limit = 10
    sample = await asked.desk.app.dead_letter.list_dead_letter_jobs(which)
    return BulkCount(f"Would {verb} {count} dead letters", count, [one.id for one in sample])


async def _letter(asked: Asked[Any, Any]) -> DeadLetterJob:
    letter = await asked.desk.app.dead_letter.get_dead_letter_job(asked.path["id"])
    if letter is None:
        raise Refused(400 if asked.visitor.may_write else 404, _UNKNOWN)
    return letter


def _filter(page: DeadLettersQuestion) -> DeadLetterFilter:
    return DeadLetterFilter(
        job_names=[page.job_name] if page.job_name else None,
        reasons=[page.reason] if page.reason else None,
        queues=[page.queue] if page.queue else None,
    )


def _bulk_filter(order: BulkOrder) -> DeadLetterFilter:
    one = order.filter
    return DeadLetterFilter(
        job_names=one.job_names or ([one.job_name] if one.job_name else None),
        reasons=one.reasons or ([one.reason] if one.reason else None),
        queues=one.queues or ([one.queue] if one.queue else None),
    )


def _shown(asked: Asked[Any, Any], letter: DeadLetterJob) -> DeadLetter:
    return DeadLetter(
        id=letter.id,
        job_name=letter.job_name,
        args=asked.desk.arguments(letter.job_name, letter.args),
        status=JobStatus.DEAD_LETTER,
        queue=letter.queue,
        priority=letter.priority,
        attempts=letter.attempts,
        max_attempts=letter.max_attempts,
        crashes=letter.crashes,
        dedup_key=letter.dedup_key,
        scheduled_at=None,
        created_at=letter.original_created_at,
        started_at=None,
        finished_at=None,
        updated_at=letter.moved_to_dead_letter_at,
        last_error=letter.last_error,
        result=None,
        worker_id=None,
        producer_id=None,
        dead_letter_reason=letter.dead_letter_reason,
        moved_to_dead_letter_at=letter.moved_to_dead_letter_at,
        resurrection_count=letter.resurrection_count,
        last_resurrection_at=letter.last_resurrection_at,
        last_resurrection_job_id=letter.last_resurrection_job_id,
        tags=letter.tags,
    )


OPERATIONS: Final = (
    Operation("GET", "/api/dead-letter", dead_letters, LettersPage, query=DeadLettersQuestion),
    Operation(
        "POST", "/api/dead-letter/replay", replay_many, BulkCount, body=BulkOrder, writes=True
    ),
    Operation(
        "POST", "/api/dead-letter/delete", delete_many, BulkCount, body=BulkOrder, writes=True
    ),
    Operation(
        "GET", "/api/dead-letter/{id}", dead_letter, DeadLetter, errors={404: "No such dead letter"}
    ),
    Operation(
        "DELETE",
        "/api/dead-letter/{id}",
        delete,
        Count,
        writes=True,
        errors={400: "No such dead letter"},
    ),
    Operation(
        "POST",
        "/api/dead-letter/{id}/replay",
        replay,
        ReplayMessage,
        writes=True,
        errors={400: "No such dead letter, or its job is not registered here"},
    ),
)
