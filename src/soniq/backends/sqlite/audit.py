"""The record, in a SQLite file, of what was done by hand."""

from __future__ import annotations

from uuid_utils import uuid7

from soniq.backends.overview import AuditEntry, AuditPage
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.dead_letters import Run
from soniq.backends.sqlite.failures import check_text
from soniq.backends.sqlite.times import ago, seen, stamp

_A_YEAR = 365 * 86400.0


class SQLiteAudit:
    """The part of `Overview` that is about the record.

    Args:
        read: runs what only looks.
        write: runs what may change something.
    """

    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def begin_audit(
        self, *, actor: str, action: str, target: str, address: str, detail: str
    ) -> str:
        check_text(actor, action, target, address, detail)
        entry = {
            "id": str(uuid7()),
            "actor": actor,
            "action": action,
            "target": target,
            "address": address,
            "detail": detail,
        }

        def begin(database: Database) -> str:
            with database.writing() as now:
                database.change("begin_audit", **entry, at=stamp(now))
                database.change("prune_audit", before=ago(now, _A_YEAR))
            return entry["id"]

        return await self._write(begin)

    async def end_audit(self, entry_id: str, detail: str) -> None:
        check_text(detail)

        def end(database: Database) -> None:
            with database.writing():
                database.change("end_audit", id=entry_id, detail=detail)

        await self._write(end)

    async def audit(self, *, after: str | None, limit: int) -> AuditPage:
        at, _, entry_id = (after or "9999 ~").partition(" ")
        rows = await self._read(
            lambda db: db.rows("list_audit", at=at, id=entry_id, limit=limit + 1)
        )
        entries = [AuditEntry(seen(row[1]), *row[2:]) for row in rows[:limit]]
        more = len(rows) > limit
        return AuditPage(entries, f"{rows[limit - 1][1]} {rows[limit - 1][0]}" if more else None)
