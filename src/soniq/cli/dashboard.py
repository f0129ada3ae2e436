"""`soniq dashboard`: serve the dashboard until told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.failures import CommandFailed
from soniq.cli.invocation import find_app, run
from soniq.cli.logs import set_up_logging
from soniq.cli.options import (
    App,
    AppOption,
    DatabaseUrl,
    JobsModules,
    LogFormat,
    LogLevel,
    examples,
)
from soniq.dashboard import require


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command(
        "dashboard",
        epilog=examples(
            "soniq dashboard myapp.jobs:app",
            "SONIQ_DASHBOARD_API_KEY=... soniq dashboard --host 0.0.0.0 --port 8080",
        ),
    )(dashboard)


def dashboard(
    app: App = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen.")] = 6161,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Serve the dashboard: a page that shows jobs, queues, workers and schedules, and its API.

    It is read-only unless SONIQ_DASHBOARD_WRITE_ENABLED and SONIQ_DASHBOARD_API_KEY are set; other
    addresses than loopback need the key. Replaying takes the code of the jobs: give APP.
    """
    located = find_app(app, app_option, database_url, jobs_modules)
    settings = located.app.settings
    set_up_logging((log_level or settings.log_level).upper(), log_format or settings.log_format)

    async def question(app: Soniq) -> int:
        try:
            require("starlette", "uvicorn")
            from soniq.dashboard.server import serve

            await serve(app, host=host, port=port, announce=output.info)
        except (ImportError, ValueError) as error:
            raise CommandFailed(str(error)) from error
        except OSError as error:
            raise CommandFailed(f"The dashboard cannot listen on {host}:{port}: {error}") from error
        return 0

    try:
        run(located.app, question)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
