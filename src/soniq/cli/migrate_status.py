"""`soniq migrate-status`: which migrations the database has."""

from __future__ import annotations

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, examples


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("migrate-status", epilog=examples("soniq migrate-status"))(migrate_status)


def migrate_status(
    app: App = None,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Show which migrations the database has and which are pending."""
    ask(find_app(app, app_option, database_url, jobs_modules).app, _show)


async def _show(app: Soniq) -> int:
    migrations = await app._migrations()
    pending = [name for name, applied in migrations if not applied]
    output.line(f"Total migrations: {len(migrations)}")
    output.line(f"Applied: {len(migrations) - len(pending)}")
    output.line(f"Pending: {len(pending)}")
    for name in pending:
        output.line(f"  {name}")
    if pending:
        output.warning(
            "Migrations pending: run `soniq setup`, or `soniq setup module:app` where the code "
            "names the database or plugins",
            stderr=False,
        )
    else:
        output.ok("Up to date")
    return 0
