"""The record, in Postgres, of what was done by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from uuid_utils import uuid7

from soniq.backends.overview import AuditEntry, AuditPage
from soniq.backends.postgres.connection import Connection, Database, Rows
from soniq.backends.postgres.rows import is_id


class PostgresAudit:
    """The part of `Overview` that is about the record.

    Args:
        database: whose table.
        borrow: a connection of the backend's pool.
    """

    def __init__(
        self, database: Database, borrow: Callable[[], AbstractAsyncContextManager[Connection]]
    ) -> None:
        self._database = database
        self._borrow = borrow

    async def _fetch(self, statement: str, *args: Any) -> Rows:
        async with self._borrow() as connection:
            return await self._database.fetch(connection, statement, *args)

    async def begin_audit(
        self, *, actor: str, action: str, target: str, address: str, detail: str
    ) -> str:
        entry_id = str(uuid7())
        await self._fetch("begin_audit", entry_id, actor, action, target, address, detail)
        await self._fetch("prune_audit")
        return entry_id

    async def end_audit(self, entry_id: str, detail: str) -> None:
        await self._fetch("end_audit", entry_id, detail)

    async def audit(self, *, after: str | None, limit: int) -> AuditPage:
        rows = await self._fetch("list_audit", *_place(after), limit + 1)
        entries = [AuditEntry(*row[1:]) for row in rows[:limit]]
        more = len(rows) > limit
        return AuditPage(entries, _cursor(rows[limit - 1]) if more else None)


def _cursor(row: Any) -> str:
    return f"{row['at'].isoformat()} {row['id']}"


def _place(cursor: str | None) -> tuple[datetime | None, str | None]:
    """The time and the id of a cursor; one that is none begins anew."""
    time, _, entry_id = (cursor or "").partition(" ")
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return None, None
    return (at, entry_id) if is_id(entry_id) and at.utcoffset() is not None else (None, None)
