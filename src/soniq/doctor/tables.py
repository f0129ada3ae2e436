"""Tables full of dead rows, larger than their rows need, or not swept at all."""

from __future__ import annotations

from soniq.backends.diagnosis import TableState
from soniq.doctor.examination import Examination, Limits
from soniq.doctor.finding import Finding, ok, warning
from soniq.doctor.wording import counted, lasting


async def check_tables(examination: Examination) -> list[Finding]:
    tables = await examination.facts.tables(examination.plugin_tables)
    if not tables:
        return []
    found = [
        finding
        for table in tables
        for finding in (
            *_unswept(table),
            *_dead_rows(table, examination.limits),
            *_bloat(table, examination.limits),
        )
    ]
    return found or ok("Autovacuum keeps up with the tables")


def _unswept(table: TableState) -> list[Finding]:
    if table.swept:
        return []
    return warning(
        f"Autovacuum is off for {table.name}",
        f"Turn it on: for the server (autovacuum, track_counts), or for the table: ALTER TABLE "
        f"{table.name} RESET (autovacuum_enabled);",
    )


def _dead_rows(table: TableState, limits: Limits) -> list[Finding]:
    if table.dead <= limits.dead_rows:
        return []
    if table.dead <= limits.dead_share * (table.live + table.dead):
        return []
    last = "never" if table.swept_for is None else f"{lasting(table.swept_for)} ago"
    return warning(
        f"{table.name} holds {counted(table.dead, 'dead row')} beside {table.live:,} live ones; it "
        f"was last vacuumed {last}",
        f"End transactions that have been open for long, then run VACUUM {table.name};",
    )


def _bloat(table: TableState, limits: Limits) -> list[Finding]:
    rows = table.live + table.dead
    if table.bytes <= limits.big_table or table.bytes <= limits.bytes_a_row * rows:
        return []
    return warning(
        f"{table.name} takes {table.bytes / 2**20:,.0f} MiB for {counted(rows, 'row')}",
        "Its pages are used again, so leave it if such a backlog comes often. Else give them back "
        f"while no job runs: VACUUM FULL {table.name}; (it locks the table)",
    )
