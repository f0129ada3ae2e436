"""`soniq doctor`: what goes wrong in production, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples
from soniq.doctor import Checked, Level, examine


def register(commands: typer.Typer) -> None:
    """Add the command."""
    usage = examples("soniq doctor", "soniq doctor myapp.jobs:app --json")
    commands.command("doctor", epilog=usage)(doctor)


def doctor(
    app: App = None,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Check the database, the tables and the workers; exit with 1 if anything is an error.

    With APP or modules the periodic jobs of that code are checked, too.
    """

    async def question(app: Soniq) -> int:
        checked = await examine(app)
        output.document(_document(checked)) if as_json else _print(checked)
        return int(_worst(checked) is Level.ERROR)

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


def _document(checked: Sequence[Checked]) -> dict[str, Any]:
    checks = [{"check": name, **finding._asdict()} for name, finding in checked]
    return {"status": _worst(checked), "checks": checks}


def _worst(checked: Sequence[Checked]) -> Level:
    levels = {finding.level for _, finding in checked}
    return next(level for level in (Level.ERROR, Level.WARNING, Level.OK) if level in levels)


def _print(checked: Sequence[Checked]) -> None:
    for name, (level, message, remedy) in checked:
        match level:
            case Level.OK:
                output.ok(f"{name}: {message}")
            case Level.WARNING:
                output.warning(f"{name}: {message}", stderr=False)
            case Level.ERROR:
                output.error(f"{name}: {message}", stderr=False)
        if remedy is not None:
            output.line(f"  {remedy}")
