"""Dead letters in Postgres."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

from asyncpg import Record

from soniq.backends.base import Contended
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
from soniq.backends.postgres.connection import Borrow, Connection, Database, transaction
from soniq.backends.postgres.lanes import LaneKey
from soniq.backends.postgres.rows import is_id
from soniq.backends.postgres.wakeups import Arrival
from soniq.globs import as_regex
from soniq.jsontext import document
from soniq.limits import LONGEST_ERROR
from soniq.records import reason_of

Tell = Callable[[Connection, Sequence[Arrival]], Awaitable[None]]
Announce = Callable[[Sequence[Arrival], datetime], None]

_LIMITS: Final = {"lock_timeout": "1s", "statement_timeout": "20s", "enable_seqscan": "off"}
_ROUNDS: Final = 20
_OLDEST: Final = 1000 * 366 * 86400.0
"""Seconds: older than any dead letter, and yet a time that the database can tell."""


class PostgresDeadLetters:
    """See `DeadLetterStore`.

    Args:
        database: whose tables.
        borrow: a connection of the backend's pool.
        tell: notifies, in the transaction that is open, of new jobs.
        announce: wakes the workers of this process once it is committed.
    """

    def __init__(self, database: Database, borrow: Borrow, tell: Tell, announce: Announce) -> None:
        self._database = database
        self._borrow = borrow
        self._tell = tell
        self._announce = announce

    async def _fetch(self, statement: str, *args: Any) -> list[Record]:
        async with self._borrow() as connection:
            return await self._database.fetch(connection, statement, *args)

    async def _select(self, statement: str, selection: Selection, *args: Any) -> list[Record]:
        return await self._fetch(statement, *_conditions(selection), *args)

    # --- looking -------------------------------------------------------------------------------

    async def pick(
        self, selection: Selection, *, after: Picked | None, limit: int, offset: int
    ) -> list[Picked]:
        place = (None, None) if after is None else (after.moved_at, after.id)
        rows = await self._select("pick_dead_letters", selection, *place, limit, offset)
        return [Picked(*row) for row in rows]

    async def show(self, ids: Sequence[str]) -> list[DeadLetterJob]:
        wanted = [each for each in ids if is_id(each)]
        rows = await self._fetch("show_dead_letters", wanted) if wanted else []
        found = {row["id"]: _dead_letter(row) for row in rows}
        return [found[each] for each in wanted if each in found]

    async def count(self, selection: Selection) -> int:
        rows = await self._select("count_dead_letters", selection)
        return int(rows[0][0])

    async def tally(self, selection: Selection) -> list[Tally]:
        return [Tally(*row) for row in await self._select("tally_dead_letters", selection)]

    # --- changing ------------------------------------------------------------------------------

    async def replay(self, replays: Sequence[Replay], changes: Changes) -> list[Replayed]:
        wanted = [one for one in replays if is_id(one.dead_id)]
        if not wanted:
            return []
        async with self._borrow() as connection, transaction(connection, **_LIMITS):
            await self._database.fetch(
                connection, "lock_dead_letters", [one.dead_id for one in wanted]
            )
            replayed, arrived, now = await self._store(connection, wanted, changes)
            await self._tell(connection, arrived)
        if now is not None:
            self._announce(arrived, now)
        return replayed

    async def _store(
        self, connection: Connection, wanted: Sequence[Replay], changes: Changes
    ) -> tuple[list[Replayed], list[Arrival], datetime | None]:
        """Insert, then look who stood in the way; whose holder is gone by then is tried again."""
        lanes: set[LaneKey] = set()
        now: datetime | None = None
        columns = [list(column) for column in zip(*wanted, strict=True)]
        for _ in range(_ROUNDS):
            rows = await self._database.fetch(connection, "replay", *columns, *changes)
            lanes.update(LaneKey(row["queue"], row["priority"]) for row in rows)
            now = rows[0]["now"] if rows else now
            shown = await self._database.fetch(connection, "show_replayed", *columns)
            if not any(row["stuck"] and row["job_id"] is None for row in shown):
                return _replayed(shown), [Arrival(lane, None, 0.0) for lane in lanes], now
        raise Contended("A dedup key changed hands again and again; nothing was replayed")

    async def delete(self, ids: Sequence[str]) -> list[str]:
        wanted = [each for each in ids if is_id(each)]
        if not wanted:
            return []
        async with self._borrow() as connection, transaction(connection, **_LIMITS):
            rows = await self._database.fetch(connection, "delete_dead_letters", wanted)
        return [row[0] for row in rows]

    async def tag(self, dead_id: str, tags: Sequence[str]) -> bool:
        return is_id(dead_id) and bool(await self._fetch("tag_dead_letter", dead_id, list(tags)))

    async def bury(self, job_id: str, note: str | None) -> bool:
        return is_id(job_id) and bool(await self._fetch("bury_job", job_id, note, LONGEST_ERROR))


def _conditions(selection: Selection) -> tuple[Any, ...]:
    """The selection as the first nine parameters of a statement."""
    globs = selection.job_names
    return (
        None if globs is None else [as_regex(glob) for glob in globs],
        selection.queues,
        selection.reasons,
        selection.date_from,
        selection.date_to,
        selection.tags,
        selection.resurrected,
        _age(selection.min_age),
        _age(selection.max_age),
    )


def _age(seconds: float | None) -> float | None:
    return None if seconds is None else min(seconds, _OLDEST)


def _dead_letter(row: Record) -> DeadLetterJob:
    values = dict(row)
    values["args"] = document(values["args"])
    values["tags"] = tags_of(values["tags"])
    values["dead_letter_reason"] = reason_of(values["dead_letter_reason"])
    return DeadLetterJob(**values)


def _replayed(rows: Sequence[Record]) -> list[Replayed]:
    return [
        Replayed(row["dead_id"], row["job_id"], row["is_new"])
        for row in rows
        if row["job_id"] is not None
    ]
