"""Pruning what has had its time, and leases."""

from __future__ import annotations

from typing import Final

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.times import ago, ahead, stamp

_STOPPED_WORKERS_STAY: Final = 86400.0


def prune(
    database: Database, *, result_ttl: float, dead_letter_ttl: float | None, limit: int
) -> int:
    """See `Backend.prune`."""
    with database.writing() as now:
        pruned = database.change("prune_jobs", cutoff=ago(now, result_ttl), limit=limit)
        if dead_letter_ttl is not None:
            pruned += database.change(
                "prune_dead_letters", cutoff=ago(now, dead_letter_ttl), limit=limit - pruned
            )
        return pruned + database.change(
            "prune_workers", cutoff=ago(now, _STOPPED_WORKERS_STAY), limit=limit - pruned
        )


def lease(database: Database, name: str, holder: str, life: float) -> bool:
    """See `Backend.lease`."""
    now = stamp(database.clock())
    if database.rows("lease_holder", name=name, holder=holder, now=now):
        return False
    with database.writing() as begun:
        taken = database.change(
            "lease", name=name, holder=holder, expires=ahead(begun, life), now=stamp(begun)
        )
        return taken == 1


def resign(database: Database, name: str, holder: str) -> None:
    """See `Backend.resign`."""
    with database.writing() as now:
        database.change("resign", name=name, holder=holder, now=stamp(now))
