"""The ends of claims, stored in one statement, each fenced by its claim number.

A single statement is a transaction that never rests: a server may end one that does, and a worker
whose event loop is busy would take its time between two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, assert_never

from asyncpg import Record

from soniq.backends.postgres.connection import Connection, Database, Rows
from soniq.backends.postgres.insert import CHUNK_BYTES
from soniq.backends.postgres.lanes import LaneKey
from soniq.backends.postgres.wakeups import Arrival, earlier
from soniq.records import Dead, Done, Ending, JobStatus, Released, Retry, Snoozed

_ROW_BYTES = 100
_CHARACTER_BYTES = 3


class Statement(NamedTuple):
    """A statement that stores some endings, and what it takes after the worker."""

    name: str
    columns: Sequence[Sequence[Any]]


@dataclass(slots=True)
class _Batch:
    """Endings as rows, by what becomes of the job."""

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
                case Done():
                    batch.deleted.append((job_id, claim))
                case Retry(delay, error):
                    batch.queued.append((job_id, claim, delay, error, 0))
                case Snoozed(delay, note):
                    batch.queued.append((job_id, claim, delay, note, 1))
                case Released(delay):
                    batch.queued.append((job_id, claim, delay, None, 1))
                case Dead(reason, error):
                    batch.dead.append((job_id, claim, reason.value, error))
                case _:
                    assert_never(outcome)
        return batch

    def statement(self) -> Statement:
        """The one that stores them; what a healthy queue needs most has a plainer one."""
        if not self.queued and not self.dead:
            if not self.deleted:
                return Statement("finish_done", _columns(self.done, 3))
            if not self.done:
                return Statement("finish_deleted", _columns(self.deleted, 2))
        columns = (
            *_columns(self.done, 3),
            *_columns(self.deleted, 2),
            *_columns(self.queued, 5),
            *_columns(self.dead, 4),
        )
        return Statement("finish_mixed", columns)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Sequence[Sequence[Any]]:
    return tuple(zip(*rows, strict=True)) if rows else ((),) * width


def statements_for(endings: Sequence[Ending]) -> list[Statement]:
    """The statements that store these endings; one, unless their texts are very long."""
    return [_Batch.of(part).statement() for part in _chunks(endings)]


def _chunks(endings: Sequence[Ending]) -> Iterator[Sequence[Ending]]:
    """`endings` in parts that one statement may carry."""
    start = size = 0
    for index, ending in enumerate(endings):
        more = _ROW_BYTES + _characters(ending) * _CHARACTER_BYTES
        if index > start and size + more > CHUNK_BYTES:
            yield endings[start:index]
            start, size = index, 0
        size += more
    yield endings[start:]


def _characters(ending: Ending) -> int:
    match ending.outcome:
        case Done(result):
            return len(result) if result else 0
        case Retry(_, text) | Snoozed(_, text) | Dead(_, text):
            return len(text)
        case Released():
            return 0
        case _:
            assert_never(ending.outcome)


async def store(
    database: Database,
    connection: Connection,
    statements: Sequence[Statement],
    worker_id: str,
    payload_head: str | None = None,
) -> tuple[set[str], Rows]:
    """Store what is still fenced in; the ids stored, and the rows of what is queued again.

    These are notified of with `payload_head`, if there is one. Several statements first lock all
    rows in the order of their ids, so that two workers that end the same jobs cannot deadlock.
    """
    if len(statements) > 1:
        await database.fetch(connection, "lock_jobs", _ids(statements))
    stored: set[str] = set()
    queued: Rows = []
    for name, columns in statements:
        if name == "finish_mixed":
            ended = await database.fetch(connection, name, worker_id, *columns, payload_head)
            queued += [row for row in ended if row["queue"] is not None]
        else:
            ended = await database.fetch(connection, name, worker_id, *columns)
        stored.update([row[0] for row in ended])
    return stored, queued


def _ids(statements: Iterable[Statement]) -> list[str]:
    places = {"finish_done": (0,), "finish_deleted": (0,), "finish_mixed": (0, 3, 5, 10)}
    return [
        job_id
        for name, columns in statements
        for place in places[name]
        for job_id in columns[place]
    ]


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
