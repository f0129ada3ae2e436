"""Dead letters in a SQLite file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from soniq.backends.dead_letters import (
    Changes,
    DeadLetterJob,
    Picked,
    Replay,
    Replayed,
    Selection,
    Tally,
    tags_of,
)
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.failures import check_text
from soniq.backends.sqlite.finish import bury
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.rows import canonical_id, legible
from soniq.backends.sqlite.times import ago, seen, stamp
from soniq.jsontext import document
from soniq.limits import LONGEST_ERROR
from soniq.records import DeadLetterReason, reason_of

T = TypeVar("T")

_COLUMNS: Final = tuple(field.name for field in fields(DeadLetterJob))
_TIMES: Final = ("original_created_at", "moved_to_dead_letter_at", "last_resurrection_at")

# Greater than any time and any id that is stored.
_BEFORE_ALL: Final = {"after_moved": "9999-12-31T23:59:59.999999Z", "after_id": "~"}


class Run(Protocol):
    """Runs a function over the database, in the thread of a connection."""

    def __call__(self, work: Callable[[Database], T]) -> Awaitable[T]: ...


class SQLiteDeadLetters:
    """See `DeadLetterStore`.

    Args:
        read: runs what only looks.
        write: runs what may change something.
    """

    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def pick(
        self, selection: Selection, *, after: Picked | None, limit: int, offset: int
    ) -> list[Picked]:
        return await self._read(lambda db: _pick(db, selection, after, limit, offset))

    async def show(self, ids: Sequence[str]) -> list[DeadLetterJob]:
        wanted = text_of(filter(None, map(canonical_id, ids)))
        rows = await self._read(lambda db: db.rows("show_dead_letters", ids=wanted))
        return [_dead_letter(row) for row in rows]

    async def count(self, selection: Selection) -> int:
        return await self._read(
            lambda db: int(db.value("count_dead_letters", **_conditions(db, selection)))
        )

    async def tally(self, selection: Selection) -> list[Tally]:
        return await self._read(lambda db: _tally(db, selection))

    async def replay(self, replays: Sequence[Replay], changes: Changes) -> list[Replayed]:
        check_text(changes.queue, changes.producer_id)
        wanted = [(canonical_id(one.dead_id), *one[1:]) for one in replays]
        return await self._write(lambda db: _replay(db, text_of(wanted), changes))

    async def delete(self, ids: Sequence[str]) -> list[str]:
        wanted = text_of(filter(None, map(canonical_id, ids)))
        return await self._write(lambda db: _delete(db, wanted))

    async def tag(self, dead_id: str, tags: Sequence[str]) -> bool:
        check_text(*tags)
        return await self._write(lambda db: _tag(db, canonical_id(dead_id), tags))

    async def bury(self, job_id: str, note: str | None) -> bool:
        check_text(note)
        return await self._write(lambda db: _bury(db, canonical_id(job_id), note))


def _pick(
    database: Database, selection: Selection, after: Picked | None, limit: int, offset: int
) -> list[Picked]:
    place = _BEFORE_ALL
    if after is not None:
        place = {"after_moved": stamp(after.moved_at), "after_id": after.id}
    rows = database.rows(
        "pick_dead_letters",
        **_conditions(database, selection),
        **place,
        limit=limit,
        offset=offset,
    )
    return [Picked(row[0], row[1], seen(row[2]), row[3]) for row in rows]


def _tally(database: Database, selection: Selection) -> list[Tally]:
    now = database.clock()
    rows = database.rows("tally_dead_letters", **_conditions(database, selection))
    return [_tallied(row, now) for row in rows]


def _tallied(row: tuple[Any, ...], now: datetime) -> Tally:
    name, queue, reason, day, jobs, oldest, resurrected, revived = row
    age = (now - seen(oldest)).total_seconds()
    return Tally(name, queue, reason, seen(day).date(), jobs, age, resurrected, revived)


def _replay(database: Database, replays: str, changes: Changes) -> list[Replayed]:
    with database.writing() as begun:
        now = stamp(begun)
        database.change("replay", replays=replays, now=now, **changes._asdict())
        database.change("count_replayed", replays=replays, now=now)
        rows = database.rows("show_replayed", replays=replays)
        return [Replayed(dead_id, job_id, bool(is_new)) for dead_id, job_id, is_new in rows]


def _delete(database: Database, ids: str) -> list[str]:
    with database.writing():
        there = [row[0] for row in database.rows("dead_among", ids=ids)]
        database.change("delete_dead_letters", ids=ids)
        return there


def _tag(database: Database, dead_id: str | None, tags: Sequence[str]) -> bool:
    with database.writing():
        rows = database.rows("show_tags", id=dead_id)
        if not rows:
            return False
        present = tags_of(rows[0][0])
        database.change(
            "tag_dead_letter", id=dead_id, tags=text_of(dict.fromkeys([*present, *tags]))
        )
        return True


def _bury(database: Database, job_id: str | None, note: str | None) -> bool:
    with database.writing() as now:
        rows = database.rows("find_unfinished", id=job_id)
        for row, last_error in rows:
            told = "\n".join(filter(None, [note, last_error]))[:LONGEST_ERROR]
            bury(database, [(row, DeadLetterReason.MANUAL.value, told or None)], stamp(now))
        return bool(rows)


def _conditions(database: Database, selection: Selection) -> dict[str, Any]:
    """The selection as the named parameters of a statement."""
    now = database.clock()
    return {
        "job_names": _listed(selection.job_names),
        "queues": _listed(selection.queues),
        "reasons": _listed(selection.reasons),
        "date_from": _stamped(selection.date_from),
        "date_to": _stamped(selection.date_to),
        "tags": _listed(selection.tags),
        "resurrected": selection.resurrected,
        "moved_before": None if selection.min_age is None else ago(now, selection.min_age),
        "moved_since": None if selection.max_age is None else ago(now, selection.max_age),
    }


def _listed(values: tuple[str, ...] | None) -> str | None:
    return None if values is None else text_of(values)


def _stamped(time: datetime | None) -> str | None:
    return None if time is None else stamp(time)


def _dead_letter(row: tuple[Any, ...]) -> DeadLetterJob:
    values = dict(zip(_COLUMNS, map(legible, row), strict=True))
    for name in _TIMES:
        if values[name] is not None:
            values[name] = seen(values[name])
    values["args"] = document(values["args"])
    values["tags"] = tags_of(values["tags"])
    values["dead_letter_reason"] = reason_of(values["dead_letter_reason"])
    return DeadLetterJob(**values)
