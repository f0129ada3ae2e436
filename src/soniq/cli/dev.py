"""`soniq dev`: everything that a laptop needs in one command."""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, assert_never

import typer

from soniq.backends.urls import shown
from soniq.cli import output
from soniq.cli.dev_database import dev_database
from soniq.cli.discovery import Located, source_from
from soniq.cli.failures import CommandFailed
from soniq.cli.invocation import find_app, one_app
from soniq.cli.logs import set_up_logging
from soniq.cli.options import App, AppOption, JobsModules, comma_list, examples
from soniq.listening import listening
from soniq.worker.lifeline import Lifeline

_NEEDED = ("starlette", "uvicorn", "watchfiles")


class Part(StrEnum):
    """A process that imports the project's code."""

    WORKER = "worker"
    DASHBOARD = "dashboard"


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command(
        "dev",
        epilog=examples(
            "soniq dev myapp.jobs:app",
            "soniq dev myapp.jobs:app --postgres --port 7000",
        ),
    )(dev)


def dev(
    app: App = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where the dashboard listens.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where the dashboard listens; 0 for a free one.")
    ] = 6161,
    postgres: Annotated[
        bool, typer.Option("--postgres", help="A private Postgres instead of a SQLite file.")
    ] = False,
    app_option: AppOption = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Another database, used as it is; SONIQ_DATABASE_URL does not count here.",
            show_default=False,
        ),
    ] = None,
    jobs_modules: JobsModules = None,
    part: Annotated[Part | None, typer.Option(hidden=True)] = None,
    lifeline: Annotated[int | None, typer.Option(hidden=True)] = None,
    replaces: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run a worker, a scheduler and the dashboard on a database of your own, and follow the code.

    The database is the SQLite file soniq.db in the current folder, whatever database the instance
    is configured for. When a Python file in this folder changes, running jobs end and the new code
    takes over. The dashboard may change things: the link printed at the start lets you in. Ctrl+C
    stops everything.
    """
    if part is not None:
        assert lifeline is not None
        held = Lifeline(lifeline)
        located = find_app(app, app_option, database_url, jobs_modules)
        set_up_logging(located.app.settings.log_level, located.app.settings.log_format)
        _run_part(part, located, held, tuple(map(int, comma_list(replaces))), host, port)
        return
    name = one_app(app, app_option)
    _check(name, jobs_modules)
    port = _port(host, port)
    with dev_database(database_url, postgres=postgres) as url:
        asyncio.run(_follow(_Command(name, jobs_modules, url, host, port)))
    raise typer.Exit(0)


def _check(name: str | None, jobs_modules: str | None) -> None:
    """What would stop every process from starting is found out here, and said once."""
    if missing := [package for package in _NEEDED if importlib.util.find_spec(package) is None]:
        raise CommandFailed(
            f"soniq dev needs more packages: pip install 'soniq[dashboard]' "
            f"(missing: {', '.join(missing)})"
        )
    if name is None and not source_from(None, comma_list(jobs_modules), None).modules:
        raise CommandFailed("Name the instance to run: soniq dev myapp.jobs:app")


def _port(host: str, port: int) -> int:
    try:
        with listening(host, port) as found:
            return int(found.getsockname()[1])
    except OSError as error:
        raise CommandFailed(
            f"The dashboard cannot listen on {host}:{port}: {error}. Choose another --port."
        ) from error


@dataclass(frozen=True, slots=True)
class _Command:
    """The command lines of the processes."""

    app: str | None
    jobs_modules: str | None
    database_url: str
    host: str
    port: int

    def __call__(self, part: str, lifeline: int, replaces: Collection[int]) -> Sequence[str]:
        line = [sys.executable, "-m", "soniq", "dev", "--part", part, "--lifeline", str(lifeline)]
        line += ["--database-url", self.database_url, "--host", self.host, "--port", str(self.port)]
        for option, value in (("--app", self.app), ("--jobs-modules", self.jobs_modules)):
            line += [option, value] if value is not None else []
        if replaces:
            line += ["--replaces", ",".join(map(str, sorted(replaces)))]
        return line


async def _follow(command: _Command) -> None:
    from soniq.cli.dev_link import link_path
    from soniq.cli.dev_session import DevSession
    from soniq.dashboard.settings import DashboardSettings

    key = DashboardSettings().api_key or secrets.token_urlsafe(32)
    host = f"[{command.host}]" if ":" in command.host else command.host
    database = shown(command.database_url)
    output.info(f"Database: {database}")
    output.info(
        f"Enqueue there from elsewhere with SONIQ_DATABASE_URL={database} where the"
        " instance names no database itself"
    )
    session = DevSession(
        Path.cwd(),
        command,
        {"SONIQ_DASHBOARD_API_KEY": key, "SONIQ_DASHBOARD_WRITE_ENABLED": "1"},
        (command.host, command.port),
        f"http://{host}:{command.port}{link_path(key)}",
    )
    await session.run()


def _run_part(
    part: Part,
    located: Located,
    lifeline: Lifeline,
    replaces: tuple[int, ...],
    host: str,
    port: int,
) -> None:
    from soniq.cli.dev_parts import run_dashboard_part, run_worker_part

    match part:
        case Part.WORKER:
            run_worker_part(located, lifeline, replaces)
        case Part.DASHBOARD:
            run_dashboard_part(located, lifeline, host, port)
        case _:
            assert_never(part)
