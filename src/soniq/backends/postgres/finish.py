"""The ends of claims, stored in one transaction, each fenced by its claim number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from asyncpg import Record

from soniq.backends.postgres.connection import Connection, Database, Rows
from soniq.backends.postgres.insert import CHUNK_BYTES
from soniq.backends.postgres.lanes import LaneKey
from soniq.backends.postgres.wakeups import Arrival, earlier
from soniq.records import Dead, Done, Ending, JobStatus, Released, Retry, Snoozed

_ROW_BYTES = 100
_CHARACTER_BYTES = 3


Statement = tuple[str, Sequence[tuple[Any, ...]]]
"""The name of a statement, and the rows it takes."""


@dataclass(slots=True)
class _Batch:
    """Endings as rows for the statement that stores their kind."""

    characters: int = 0
    """Of all results and error texts."""

    done: list[tuple[Any, ...]] = field(default_factory=list)
    deleted: list[tuple[Any, ...]] = field(default_factory=list)
    queued: list[tuple[Any, ...]] = field(default_factory=list)
    dead: list[tuple[Any, ...]] = field(default_factory=list)

    @classmethod
    def of(cls, endings: Iterable[Ending]) -> _Batch:
        batch = cls()
        for job_id, claim, outcome in endings:
            match outcome:
                case Done(result, keep=True):
                    batch.done.append((job_id, claim, result))
                    batch.characters += len(result) if result else 0
                case Done():
                    batch.deleted.append((job_id, claim))
                case Retry(delay, error):
                    batch.queued.append((job_id, claim, delay, error, 0))
                    batch.characters += len(error)
                case Snoozed(delay, note):
                    batch.queued.append((job_id, claim, delay, note, 1))
                    batch.characters += len(note)
                case Released(delay):
                    batch.queued.append((job_id, claim, delay, None, 1))
                case Dead(reason, error):
                    batch.dead.append((job_id, claim, reason.value, error))
                    batch.characters += len(error)
                case _:
                    assert_never(outcome)
        return batch

    def statements(self) -> list[Statement]:
        kinds = (
            ("finish_done", self.done),
            ("finish_deleted", self.deleted),
            ("finish_queued", self.queued),
            ("finish_dead", self.dead),
        )
        if self.characters * _CHARACTER_BYTES < CHUNK_BYTES // 2:
            return [(name, rows) for name, rows in kinds if rows]
        return [(name, part) for name, rows in kinds if rows for part in _chunks(rows)]


def statements_for(endings: Iterable[Ending]) -> list[Statement]:
    """The statements that store these endings."""
    return _Batch.of(endings).statements()


def stands_alone(statements: Sequence[Statement]) -> bool:
    """Whether no transaction is needed: one statement is one, unless it is to notify as well."""
    return len(statements) == 1 and statements[0][0] != "finish_queued"


def _chunks(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """`rows` in parts that one statement may carry."""
    start = size = 0
    for index, row in enumerate(rows):
        more = _ROW_BYTES + sum(
            len(value) * _CHARACTER_BYTES for value in row if isinstance(value, str)
        )
        if index > start and size + more > CHUNK_BYTES:
            yield rows[start:index]
            start, size = index, 0
        size += more
    yield rows[start:]


async def store(
    database: Database, connection: Connection, statements: Sequence[Statement], worker_id: str
) -> tuple[set[str], Rows]:
    """Store what is still fenced in; the ids stored, and the rows of what is queued again.

    Several statements first lock all rows in the order of their ids, so that two workers that end
    the same jobs cannot deadlock.
    """
    if len(statements) > 1:
        ids = [row[0] for _, rows in statements for row in rows]
        await database.fetch(connection, "lock_jobs", ids)
    stored: set[str] = set()
    queued: Rows = []
    for name, rows in statements:
        ended = await database.fetch(connection, name, *zip(*rows, strict=True), worker_id)
        stored.update([row[0] for row in ended])
        if name == "finish_queued":
            queued += ended
    return stored, queued


def queued_arrivals(rows: Iterable[Record]) -> list[Arrival]:
    """One arrival for each lane in which rows were queued again."""
    lanes: dict[tuple[LaneKey, bool], Arrival] = {}
    for row in rows:
        one = Arrival(
            LaneKey(row["queue"], row["priority"]), row["scheduled_at"], None, row["suspect"]
        )
        key = (one.lane, one.suspect)
        lanes[key] = earlier(lanes.get(key), one)
    return list(lanes.values())


async def already_stored(
    database: Database, connection: Connection, endings: Sequence[Ending], worker_id: str
) -> set[str]:
    """Of endings that were refused: the ids whose rows show that an earlier call stored them."""
    ids = [ending.job_id for ending in endings]
    rows = {row["id"]: row for row in await database.fetch(connection, "show_jobs", ids)}
    return {
        ending.job_id for ending in endings if _shows(rows.get(ending.job_id), ending, worker_id)
    }


def _shows(row: Record | None, ending: Ending, worker_id: str) -> bool:
    outcome = ending.outcome
    if row is None:
        return isinstance(outcome, Done) and not outcome.keep
    if isinstance(outcome, Dead):
        return (row["status"], row["reason"]) == (JobStatus.DEAD_LETTER, outcome.reason)
    if row["worker_id"] != worker_id or row["claim"] != ending.claim:
        return False
    match outcome:
        case Done(keep=keep):
            return keep and row["status"] == JobStatus.DONE
        case Retry(_, text) | Snoozed(_, text):
            return (row["status"], row["last_error"]) == (JobStatus.QUEUED, text)
        case Released():
            return bool(row["status"] == JobStatus.QUEUED)
        case _:
            assert_never(outcome)
