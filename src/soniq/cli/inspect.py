"""`soniq inspect`: what is there to be worked on, and who does."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples
from soniq.cli.schedule_table import Schedules, look, print_schedules


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("inspect", epilog=examples("soniq inspect --schedules"))(inspect)


def inspect(
    app: App = None,
    schedules: Annotated[
        bool, typer.Option("--schedules", help="The recurring schedules.")
    ] = False,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Show the recurring schedules and the schedulers that run."""
    if not schedules:
        raise typer.BadParameter("say what to inspect: --schedules.", param_hint="--schedules")

    async def question(app: Soniq) -> int:
        found = await look(app)
        output.document(_document(found)) if as_json else _print(found)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


def _document(found: Schedules) -> dict[str, Any]:
    return {"schedules": found.documents(), "schedulers": found.schedulers}


def _print(found: Schedules) -> None:
    output.line("Recurring Schedules:", style="bold")
    print_schedules(found)
    for one in found.schedulers:
        output.info(f"Scheduler running: {one['hostname']}:{one['pid']}")
