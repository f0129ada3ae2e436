"""Workers that were told another address of the database than this command."""

from __future__ import annotations

from soniq.doctor.examination import Examination, named
from soniq.doctor.finding import Finding, Level, ok
from soniq.doctor.wording import some_of


async def check_addresses(examination: Examination) -> list[Finding]:
    own = examination.facts.address
    if own is None:
        return []
    others: dict[str, set[str]] = {}
    for worker in await examination.live_workers():
        if worker.address is not None and worker.address != own:
            others.setdefault(worker.address, set()).add(named(worker))
    return [
        Finding(
            Level.WARNING,
            f"Workers reach this database as {address} ({some_of(who)}), this command as {own}",
            "Give every process the same SONIQ_DATABASE_URL. Two addresses of one server may come "
            "to be two servers, and then jobs wait where nobody works.",
        )
        for address, who in sorted(others.items())
    ] or ok(f"Every live worker reaches the database as {own}")
