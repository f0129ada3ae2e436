"""`soniq setup`: create the database and its tables, or bring them up to date."""

from __future__ import annotations

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, examples


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command(
        "setup",
        epilog=examples(
            "soniq setup myapp.jobs:app", "soniq setup --database-url postgresql://me@localhost/app"
        ),
    )(setup)


def setup(
    app: App = None,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Create the database and its tables, or bring them up to date.

    Safe to run again and from several places at once; run it once with each deployment.
    """
    ask(find_app(app, app_option, database_url, jobs_modules).app, _set_up)


async def _set_up(app: Soniq) -> int:
    applied = await app.setup()
    if applied:
        output.ok(f"Applied {applied} migrations successfully")
    else:
        output.ok("Database setup completed (no migrations needed)")
    return 0
