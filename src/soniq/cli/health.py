"""`soniq health`: for the probes of a process manager."""

from __future__ import annotations

import socket
from dataclasses import asdict
from typing import Annotated

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.database import answering
from soniq.cli.failures import CommandFailed
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples

# One that drains is alive: a probe that killed it would cost it its running jobs.
_LIVE = {"active", "stopping"}


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("health", epilog=examples("soniq health", "soniq health --worker --json"))(
        health
    )


def health(
    app: App = None,
    worker: Annotated[
        bool, typer.Option("--worker", help="A live worker of this host is wanted, too.")
    ] = False,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Exit with 0 if the database answers and is set up, else with 1."""

    async def question(app: Soniq) -> int:
        return await _check(app, worker=worker, as_json=as_json)

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


async def _check(app: Soniq, *, worker: bool, as_json: bool) -> int:
    place = await answering(app)
    workers = await _live_workers_here(app) if worker else None
    if workers == 0:
        raise CommandFailed(
            f"No live worker of this host ({socket.gethostname()}) is registered in {place}."
        )
    if as_json:
        output.document({"status": "healthy", "database": asdict(place), "workers": workers})
    else:
        output.ok(f"Healthy: {place} answers and is set up")
    return 0


async def _live_workers_here(app: Soniq) -> int:
    here = socket.gethostname()
    return sum(
        found["hostname"] == here and found["status"] in _LIVE for found in await app.list_workers()
    )
