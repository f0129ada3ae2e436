"""Tables that are missing, older or newer than this version of Soniq."""

from __future__ import annotations

from soniq.backends.diagnosis import SchemaState
from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, error, ok, warning

_SETUP = "Run `soniq setup`."


async def check_schema(examination: Examination) -> list[Finding]:
    state = await examination.facts.schema()
    if not state.found:
        return error(
            f"Soniq's tables do not exist in {examination.location}",
            f"{_SETUP} If it was run, it was run on another database: compare SONIQ_DATABASE_URL "
            "where it ran and here.",
        )
    return _behind(state) + _ahead(state) or ok("The tables fit this version")


def _behind(state: SchemaState) -> list[Finding]:
    if not state.pending:
        return []
    return error(f"The tables lack {', '.join(state.pending)}", _SETUP)


def _ahead(state: SchemaState) -> list[Finding]:
    if not state.newer:
        return []
    told = f"The tables are at version {max(state.newer)}, which this Soniq does not know"
    remedy = "Upgrade Soniq here to the version that ran `soniq setup`."
    if state.usable:
        return warning(f"{told}; they are compatible with it", remedy)
    return error(told, remedy)
