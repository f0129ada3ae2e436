"""`soniq worker`: run jobs until told to stop, in this process or in several."""

from __future__ import annotations

from typing import Annotated

import typer

from soniq.cli.discovery import Located
from soniq.cli.failures import CommandFailed
from soniq.cli.invocation import find_app
from soniq.cli.logs import set_up_logging
from soniq.cli.options import (
    App,
    AppOption,
    DatabaseUrl,
    JobsModules,
    LogFormat,
    LogLevel,
    comma_list,
    examples,
)
from soniq.cli.supervising import work_in_processes
from soniq.cli.working import WorkerOptions, work_here
from soniq.worker.lifeline import Lifeline

_JOB_CODE_MISSING = (
    "Error: SONIQ_JOBS_MODULES is not set, and a worker must import the code of its jobs. "
    "Set it (SONIQ_JOBS_MODULES=myapp.jobs), or give --jobs-modules myapp.jobs, or APP "
    "(soniq worker myapp.jobs:app)."
)


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command(
        "worker",
        epilog=examples(
            "soniq worker myapp.jobs:app --concurrency 20",
            "SONIQ_JOBS_MODULES=myapp.jobs soniq worker --queues mail,default --processes 4",
            "soniq worker myapp.jobs --run-once",
            "soniq worker myapp.jobs:app --processes 4 --metrics-port 9464",
        ),
    )(worker)


def worker(
    app: App = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=10000, help="Jobs at a time in each process.", show_default=False),
    ] = None,
    queues: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="The queues to serve; else all.", show_default=False),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes.", show_default=False)
    ] = None,
    run_once: Annotated[
        bool, typer.Option("--run-once", help="Run what is due, then end.")
    ] = False,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Serve the Prometheus metrics of all processes there; 0 for any free port.",
            show_default=False,
        ),
    ] = None,
    scheduler: Annotated[
        bool, typer.Option("--scheduler", help="Run a scheduler beside the worker.")
    ] = False,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
    lifeline: Annotated[int | None, typer.Option(hidden=True)] = None,
    replaces: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run jobs until told to stop.

    SIGTERM, SIGINT (Ctrl+C) and SIGHUP let the running jobs end; a second SIGTERM or SIGINT exits
    at once.
    Options that are left out are taken from the settings.
    """
    try:
        held = None if lifeline is None else Lifeline(lifeline)
        located = find_app(app, app_option, database_url, jobs_modules)
        _require_job_code(located)
        settings = located.app.settings
        set_up_logging((log_level or settings.log_level).upper(), log_format or settings.log_format)
        options = WorkerOptions(
            concurrency=concurrency or settings.concurrency,
            queues=_queues(queues) or settings.queues,
            run_once=run_once,
            scheduler=scheduler,
            lifeline=held,
            replaces=tuple(map(int, comma_list(replaces))),
            metrics_port=metrics_port,
        )
        if held is None and (wanted := processes or settings.worker_processes) > 1:
            work_in_processes(located, options, wanted)
        else:
            work_here(located, options)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _require_job_code(located: Located) -> None:
    if not located.modules:
        raise CommandFailed(_JOB_CODE_MISSING)


def _queues(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    if not (queues := comma_list(text)):
        raise typer.BadParameter("name at least one queue, or leave it out.", param_hint="--queues")
    return queues
