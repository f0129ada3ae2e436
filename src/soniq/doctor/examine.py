"""The checks, in the order in which they make sense to a reader."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from soniq.app import Soniq
from soniq.backends.base import BackendError
from soniq.doctor.addresses import check_addresses
from soniq.doctor.backlog import check_names, check_queues
from soniq.doctor.claim_plan import check_claim_plan
from soniq.doctor.clock import check_clock
from soniq.doctor.connections import check_connections
from soniq.doctor.dead_letters import check_dead_letters
from soniq.doctor.examination import Examination
from soniq.doctor.file import check_file
from soniq.doctor.finding import Finding, Level, error, ok, warning
from soniq.doctor.indexes import check_indexes
from soniq.doctor.pooler import check_pooler
from soniq.doctor.schedules import check_schedules
from soniq.doctor.schema import check_schema
from soniq.doctor.tables import check_tables
from soniq.doctor.transactions import check_transactions
from soniq.doctor.workers import check_workers
from soniq.errors import SoniqError

Check = Callable[[Examination], Awaitable[list[Finding]]]
"""Gives nothing where its question makes no sense for the store."""


class Checked(NamedTuple):
    """A finding, and the check that made it."""

    check: str
    finding: Finding


_DATABASE: Final = "database"
_SCHEMA: Final = ("schema", check_schema)
_OF_THE_SERVER: Final[tuple[tuple[str, Check], ...]] = (
    ("clock", check_clock),
    ("pooler", check_pooler),
    ("transactions", check_transactions),
)
_OF_THE_TABLES: Final[tuple[tuple[str, Check], ...]] = (
    ("file", check_file),
    ("indexes", check_indexes),
    ("claim-plan", check_claim_plan),
    ("tables", check_tables),
    ("connections", check_connections),
    ("workers", check_workers),
    ("addresses", check_addresses),
    ("queues", check_queues),
    ("job-names", check_names),
    ("scheduler", check_schedules),
    ("dead-letters", check_dead_letters),
)
CHECKS: Final = (_DATABASE, *(name for name, _ in (_SCHEMA, *_OF_THE_SERVER, *_OF_THE_TABLES)))
"""The names of all checks."""


async def examine(app: Soniq) -> list[Checked]:
    """Examine the store that `app` uses; one that does not answer is a finding, too."""
    try:
        opened = await app._opening.store()
    except SoniqError as failure:
        return [Checked(_DATABASE, finding) for finding in _failed(failure)]
    backend = opened.backend
    answers = ok(f"{backend.name} at {backend.location} answers")
    return [Checked(_DATABASE, finding) for finding in answers] + await run_checks(
        Examination(
            backend=backend,
            location=backend.location,
            settings=app.settings,
            declared=[each.name for each in app._declarations],
            plugins=app._lifecycle.packages(),
            plugin_tables=[name for each in app.plugins.values() for name in each.get_tables()],
        )
    )


async def run_checks(examination: Examination) -> list[Checked]:
    """Every check that makes sense: without tables there is little to ask."""
    found = await _run(examination, *_SCHEMA)
    checks = _OF_THE_SERVER
    if all(each.finding.level is not Level.ERROR for each in found):
        checks += _OF_THE_TABLES
    for name, check in checks:
        found += await _run(examination, name, check)
    return found


async def _run(examination: Examination, name: str, check: Check) -> list[Checked]:
    try:
        findings = await check(examination)
    except SoniqError as failure:
        findings = _failed(failure)
    except BackendError as failure:
        findings = warning(
            f"This could not be checked: {failure}", "Try again, or see what the database reports."
        )
    return [Checked(name, finding) for finding in findings]


def _failed(failure: SoniqError) -> list[Finding]:
    return error(failure.message, " ".join(failure.suggestions) or "See what the database reports.")
