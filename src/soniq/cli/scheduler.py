"""`soniq scheduler`: enqueue the jobs of schedules when they are due, until told to stop."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.database import answering
from soniq.cli.discovery import Located
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
from soniq.cli.service_manager import kept_informed
from soniq.worker.signals import stop_signals


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command(
        "scheduler",
        epilog=examples(
            "soniq scheduler myapp.jobs:app",
            "SONIQ_JOBS_MODULES=myapp.jobs soniq scheduler --check-interval 30",
        ),
    )(scheduler)


def scheduler(
    app: App = None,
    check_interval: Annotated[
        float,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Time between looks where nothing tells of edits."
        ),
    ] = 60,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Enqueue the jobs of schedules when they are due.

    Run as many as you like: one works, the others stand by. SIGTERM, SIGINT (Ctrl+C) and SIGHUP
    stop it, and another takes over at once.
    """
    try:
        located = find_app(app, app_option, database_url, jobs_modules)
        settings = located.app.settings
        set_up_logging((log_level or settings.log_level).upper(), log_format or settings.log_format)

        async def question(app: Soniq) -> int:
            await _announce(located, check_interval)
            await _schedule(app, check_interval)
            return 0

        run(located.app, question)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _announce(located: Located, check_interval: float) -> None:
    place = await answering(located.app)
    if located.modules:
        output.info(f"Imported modules: {', '.join(located.modules)}")
    else:
        output.warning(
            "No modules were imported (SONIQ_JOBS_MODULES is not set, no APP was given), so this "
            "scheduler adds no schedules; it fires those that are stored."
        )
    output.info(
        f"Starting Soniq recurring scheduler (checking every {check_interval:g}s "
        "where nothing tells of edits)"
    )
    output.info(f"Backend: {place}")


async def _schedule(app: Soniq, check_interval: float) -> None:
    stop = asyncio.Event()

    async def running() -> bool:
        return app.scheduler.running

    with stop_signals(stop):
        async with kept_informed(running, stop):
            await app.scheduler.start(check_interval)
            try:
                await stop.wait()
            finally:
                await app.scheduler.stop()
