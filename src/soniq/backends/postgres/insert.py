"""Jobs on their way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import asyncpg

from soniq.backends.base import Contended
from soniq.backends.postgres.callers import CallersConnection
from soniq.backends.postgres.connection import Connection, Database, transaction
from soniq.backends.postgres.wakeups import Arrival, arrivals
from soniq.records import NewJob

CHUNK_BYTES: Final = 4 * 1024 * 1024
CHUNK_ROWS: Final = 20_000
_ROW_BYTES: Final = 150
_KEY_WAIT: Final = "100ms"
_ROUNDS: Final = 20

_own = attrgetter("id", "args")
_kind = attrgetter(
    "job_name", "queue", "priority", "max_attempts", "scheduled_at", "delay", "producer_id", "trace"
)
"""What the jobs of one call, and often those of many callers, have in common."""


def chunks(jobs: Sequence[NewJob]) -> Iterator[Sequence[NewJob]]:
    """`jobs` in parts that one statement may carry."""
    start = size = 0
    for index, job in enumerate(jobs):
        bytes_more = _ROW_BYTES + _size(job.args) + len(job.trace or "")
        if index > start and (size + bytes_more > CHUNK_BYTES or index - start >= CHUNK_ROWS):
            yield jobs[start:index]
            start, size = index, 0
        size += bytes_more
    yield jobs[start:]


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


class Insert:
    """One insert of any mixture of jobs, all or none.

    Args:
        database: whose tables take them.
        jobs: what to store.
        payload: sent along once by the jobs without keys; up to the time.
        keyed_payload: what to send for those jobs with keys that were stored.
    """

    def __init__(
        self,
        database: Database,
        jobs: Sequence[NewJob],
        payload: str | None,
        keyed_payload: Callable[[list[Arrival]], str | None],
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._free = [job for job in jobs if job.dedup_key is None]
        self._keyed = sorted(
            (job for job in jobs if job.dedup_key is not None), key=lambda job: job.dedup_key or ""
        )
        self._payload = payload
        self._keyed_payload = keyed_payload
        self._ids: dict[str, str] = {}
        self._first_try = False
        self.now: datetime
        """The database's time of it."""
        self.arrived: list[Arrival] = arrivals(self._free)
        """The lanes of what was stored."""

    async def alone(self, connection: Connection, *, repeated: bool) -> list[str]:
        """Run it in a transaction of its own; the ids in the order of the jobs.

        To look for an id that is stored already costs every row a fifth more, and only a repetition
        after a lost answer can find one: so it is looked for then, or once the plain insert has met
        it.
        """
        self._first_try = not repeated
        try:
            return await self._alone(connection)
        except asyncpg.UniqueViolationError:
            self._first_try = False
            return await self._alone(connection)

    async def _alone(self, connection: Connection) -> list[str]:
        if self._keyed:
            async with transaction(connection, lock_timeout=_KEY_WAIT):
                return await self.within(connection)
        parts = list(chunks(self._free))
        if len(parts) == 1:
            await self._store_free(connection, parts[0], self._payload)
            return [job.id for job in self._jobs]
        async with transaction(connection):
            return await self.within(connection)

    async def within(self, connection: CallersConnection) -> list[str]:
        """Run it in the transaction that is open."""
        if self._free:
            payload = self._payload
            for part in chunks(self._free):
                await self._store_free(connection, part, payload)
                payload = None
        if self._keyed:
            await self._store_keyed(connection)
        return [self._ids.get(job.id, job.id) for job in self._jobs]

    async def _store_free(
        self, connection: CallersConnection, part: Sequence[NewJob], payload: str | None
    ) -> None:
        kinds = set(map(_kind, part))
        if self._first_try and len(kinds) == 1:
            ids, arguments = zip(*map(_own, part), strict=True)
            rows = await self._database.fetch(
                connection, "insert_alike", ids, arguments, *kinds.pop(), payload
            )
        else:
            rows = await self._database.fetch(connection, "insert", *_columns(part), payload)
        self.now = rows[0][0]

    async def _store_keyed(self, connection: CallersConnection) -> None:
        """Insert, then look for whoever stood in the way; who is gone by then is tried again."""
        arrived: list[Arrival] = []
        missing: list[NewJob] = self._keyed
        for _ in range(_ROUNDS):
            stored: set[str] = set()
            for part in chunks(missing):
                stored |= await self._insert_keyed(connection, part)
            arrived += arrivals(job for job in missing if job.id in stored)
            missing = [job for job in missing if job.id not in stored]
            if missing:
                missing = await self._find_holders(connection, missing)
            if not missing:
                await self._tell(connection, arrived)
                return
        raise Contended("A dedup key changed hands again and again; nothing was stored")

    async def _tell(self, connection: CallersConnection, arrived: list[Arrival]) -> None:
        """Notify of the keyed jobs that were stored; a hit wakes nobody."""
        payload = self._keyed_payload(arrived)
        if payload is not None:
            await self._database.fetch(connection, "notify", payload)
        self.arrived += arrived

    async def _insert_keyed(
        self, connection: CallersConnection, part: Sequence[NewJob]
    ) -> set[str]:
        rows = await self._database.fetch(connection, "insert_keyed", *_columns(part))
        if rows:
            self.now = rows[0][1]
        return {row[0] for row in rows}

    async def _find_holders(
        self, connection: CallersConnection, missing: Sequence[NewJob]
    ) -> list[NewJob]:
        """Note which job stands in for each; those for whom there is none are returned."""
        ids = [job.id for job in missing]
        keys = [job.dedup_key for job in missing]
        rows = await self._database.fetch(connection, "find_holders", ids, keys)
        stored = {row[0] for row in rows if row[1] is None}
        holders = {row[1]: row[0] for row in rows if row[1] is not None}
        for job in missing:
            holder = job.id if job.id in stored else holders.get(job.dedup_key)
            if holder is not None:
                self._ids[job.id] = holder
        return [job for job in missing if job.id not in self._ids]


def _columns(jobs: Sequence[NewJob]) -> tuple[Any, ...]:
    """The jobs as one array for each field of `NewJob`, in its order."""
    return tuple(zip(*jobs, strict=True))
