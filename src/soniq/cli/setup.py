"""`soniq setup`: create the database and its tables, or bring them up to date."""

from __future__ import annotations

from functools import partial
from pathlib import Path

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
    located = find_app(app, app_option, database_url, jobs_modules)
    ask(located.app, partial(_set_up, named=located.found))


async def _set_up(app: Soniq, *, named: bool) -> int:
    applied = await app.setup()
    if applied:
        output.ok(f"Applied {applied} migrations successfully")
    else:
        output.ok("Database setup completed (no migrations needed)")
    assert app.backend is not None
    _tell_what_was_set_up(app.backend.location, chosen=named or app._database_url() is not None)
    return 0


def _tell_what_was_set_up(location: str, *, chosen: bool) -> None:
    where = location if "://" in location else f"the SQLite file {Path(location).absolute()}"
    output.info(f"Database: {where}")
    if not chosen:
        output.warning(
            "No database is configured and no app is named, so this is the default one. "
            "Where a URL or plugins stand in the code, run `soniq setup module:app`."
        )
