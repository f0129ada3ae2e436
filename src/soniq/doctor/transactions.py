"""Transactions left open, which keep dead rows from being swept."""

from __future__ import annotations

from soniq.backends.diagnosis import OpenTransaction
from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, Level, ok
from soniq.doctor.wording import lasting


async def check_transactions(examination: Examination) -> list[Finding]:
    limit = examination.limits.transaction
    found = await examination.facts.open_transactions(longer_than=limit)
    if found is None:
        return []
    if not found:
        return ok(f"No transaction has been open for {lasting(limit)} or longer")
    return [_finding(each) for each in found]


def _finding(each: OpenTransaction) -> Finding:
    who = each.holder if each.pid is None else f"pid {each.pid}, {each.holder}"
    return Finding(
        Level.WARNING,
        f"A transaction has been open for {lasting(each.age)} and pins dead rows: {who}",
        f"Let its program commit, or end it: {each.ending}; Setting "
        "idle_in_transaction_session_timeout keeps it from happening again.",
    )
