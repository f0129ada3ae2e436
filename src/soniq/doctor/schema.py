"""Tables that are missing, older or newer than this version of Soniq."""

from __future__ import annotations

from soniq.backends.diagnosis import SchemaState
from soniq.doctor.examination import Examination
from soniq.doctor.finding import Finding, error, ok, warning

_SETUP = (
    "Run `soniq setup`, or `soniq setup module:app` where the code names the database or plugins."
)


async def check_schema(examination: Examination) -> list[Finding]:
    state = await examination.facts.schema()
    if not state.found:
        return error(
            f"Soniq's tables do not exist in {examination.location}",
            f"{_SETUP} If it was run, it was run on another database: compare SONIQ_DATABASE_URL "
            "where it ran and here.",
        )
    found = _behind(state) + _ahead(state)
    states = await examination.backend.plugin_tables.states(examination.plugins)
    for key, state in states.items():
        found += _behind(state) + _plugin_ahead(key, state)
    return found or ok("The tables fit this version")


def _behind(state: SchemaState) -> list[Finding]:
    if not state.pending:
        return []
    return error(f"The tables lack {', '.join(state.pending)}", _SETUP)


def _ahead(state: SchemaState) -> list[Finding]:
    if not state.newer:
        return []
    told = f"The tables are at version {max(state.newer)}, which this Soniq does not know"
    return _newer(state, told, "Upgrade Soniq here to the version that ran `soniq setup`.")


def _plugin_ahead(key: str, state: SchemaState) -> list[Finding]:
    if not state.newer:
        return []
    told = (
        f"The tables of the plugin {key} are at version {max(state.newer)}, which the release "
        "installed here does not know"
    )
    return _newer(state, told, "Upgrade the plugin here to the release that ran `soniq setup`.")


def _newer(state: SchemaState, told: str, remedy: str) -> list[Finding]:
    if state.usable:
        return warning(f"{told}; they are compatible with it", remedy)
    return error(told, remedy)
